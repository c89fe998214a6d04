"""What an application does and sees, told in words that do not depend on where it happens.

Ids that chance or a key makes get names in the order in which they are seen, and instants are left out: two
worlds agree if they tell the same.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import redis
import redis.asyncio

from producers import ConfigError, ProducerError
from producers.testing.memory import Memory

#: Fields whose values chance or a key makes.
_NAMES = {"event_id", "key", "entry_id", "ticket", "reply_to"}
#: Fields that hold what is told elsewhere already, with instants in it, or differ by what a gateway takes.
_LEFT_OUT = {"raw", "cost", "gateway_date"}


class RealMemory(Memory):
    """A real Redis in the place of the memory."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.client = redis.Redis.from_url(url)

    def async_client(self) -> redis.asyncio.Redis:
        return redis.asyncio.Redis.from_url(self._url)


class Teller:
    """Tells what calls came to."""

    def __init__(self, aliases: Mapping[str, str] | None = None) -> None:
        self._names: dict[str, str] = {}
        self._aliases = aliases or {}

    def tell(self, call: Callable[[], Any]) -> Any:
        """Make a call, and tell its result or its error."""
        try:
            return self.told(call())
        except (ProducerError, ConfigError, AssertionError) as error:
            facts = {} if isinstance(error, AssertionError) else vars(error)
            return type(error).__name__, self.told(facts)

    def told(self, value: Any, field: str = "") -> Any:
        """Tell a value."""
        if isinstance(value, msgspec.Struct):
            value = {name: getattr(value, name) for name in value.__struct_fields__}
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            value = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        if isinstance(value, Mapping):
            pairs = value.items()
            return {self.told(k): self.told(v, str(k)) for k, v in pairs if str(k) not in _LEFT_OUT}
        if isinstance(value, list | tuple):
            return [self.told(each) for each in value]
        if isinstance(value, datetime):
            return "an instant"
        if isinstance(value, str):
            return self._named(value) if field in _NAMES else self._aliased(value)
        return str(value) if isinstance(value, Decimal) else value

    def _named(self, value: str) -> str:
        return self._names.setdefault(value, f"name {len(self._names)}")

    def _aliased(self, value: str) -> str:
        """Put what all worlds call alike in the place of what this one calls it."""
        if not self._aliases:
            return value
        return re.sub("|".join(map(re.escape, self._aliases)), lambda found: self._aliases[found[0]], value)
