"""Settings of an application that sends."""

import dataclasses
from dataclasses import dataclass
from typing import Self

from .contract.phone import known_region
from .contract.settings import RedisSettings, variable
from .errors import ConfigError
from .rules.settings import RulesSettings


@dataclass(frozen=True)
class ProducerSettings(RulesSettings, RedisSettings):
    """Settings of an application that sends."""

    sender_allow_spaces: bool = variable(
        "SENDER_ALLOW_SPACES", "1 lets a sender contain spaces", default=False
    )
    default_region: str = variable(
        "DEFAULT_REGION",
        "country whose national numbers are read, such as `FR`; without one numbers must be international",
        default="",
        check=known_region,
    )
    keep_texts: bool = variable(
        "KEEP_TEXTS",
        "1 keeps the text of a message that can be answered, or is an answer, as long as its record",
        default=True,
    )

    def with_region(self, region: str | None) -> Self:
        """These settings, with another default region if one is given.

        Raises:
            ConfigError: it is no region; names ``DEFAULT_REGION``.
        """
        if region is None:
            return self
        try:
            return dataclasses.replace(self, default_region=region and known_region(region))
        except ValueError as error:
            raise ConfigError({"DEFAULT_REGION": str(error)}) from None
