"""The settings of the rules. Producers and workers read the same, so that both decide alike."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from ..contract.settings import variable
from ..errors import ConfigError
from . import profiles
from .money import MoneySettings
from .profiles import Profile
from .text import listed
from .zones import known_zone

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
#: A mention that travels in any alphabet and that no rewriting of a text changes.
_MENTION: Final = re.compile(r"(?=.{4,40}\Z)[A-Za-z0-9.,:;=+/-]+(?: [A-Za-z0-9.,:;=+/-]+)*", re.ASCII)
#: What French law asks for at least: objections are kept for three years.
_SUPPRESSION_DAYS_MIN: Final = 1095
#: The scope of an opt-out that ends all marketing.
ACCOUNT: Final = "account"


def _mention(value: str) -> None:
    if not _MENTION.fullmatch(value):
        raise ValueError("must be 4 to 40 ASCII letters, digits and .,:;=+/- with single spaces")


def _optout_scope(value: str) -> None:
    if value not in (ACCOUNT, "sender", "app"):
        raise ValueError("must be account, sender or app")


def _suppression_days(value: int) -> None:
    if 0 < value < _SUPPRESSION_DAYS_MIN:
        raise ValueError(f"must be 0, or at least {_SUPPRESSION_DAYS_MIN}: three years")


def read_days(written: str) -> Mapping[str, frozenset[date]]:
    """Read days such as ``RE:2026-12-24,FR:2026-12-26``, by zone.

    Raises:
        ValueError: they are none.
    """
    found: dict[str, frozenset[date]] = {}
    for entry in filter(None, map(str.strip, written.split(","))):
        zone, day = _zone_and_day(entry)
        found[zone] = found.get(zone, frozenset()) | {day}
    return found


def _zone_and_day(entry: str) -> tuple[str, date]:
    zone, _, day = entry.partition(":")
    try:
        if _DAY.fullmatch(day):
            return known_zone(zone), date.fromisoformat(day)
    except ValueError:  # the reason is the same for all that may be wrong
        pass
    raise ValueError("must be zones and days, comma-separated, such as RE:2026-12-24")


@dataclass(frozen=True)
class RulesSettings(MoneySettings):
    """What the owner has chosen; docs/rules.md says why each rule is there.

    Raises:
        ConfigError: a value will not do, or no claim could be made between opening and closing.
    """

    marketing_hours_fr: str = variable(
        "MARKETING_HOURS_FR",
        "when marketing may leave in French zones, by their clocks: strict, charter2026, HH:MM-HH:MM or off",
        default="strict",
        check=profiles.french,
    )
    marketing_sundays_fr: bool | None = variable(
        "MARKETING_SUNDAYS_FR",
        "1 lets marketing leave on Sundays in French zones, 0 does not",
        default=None,
    )
    marketing_holidays_fr: bool | None = variable(
        "MARKETING_HOLIDAYS_FR",
        "1 lets marketing leave on holidays in French zones, 0 does not",
        default=None,
    )
    marketing_hours_other: str = variable(
        "MARKETING_HOURS_OTHER",
        "when marketing may leave in other countries, Monday to Saturday: HH:MM-HH:MM or off",
        default="08:00-20:00",
        check=profiles.elsewhere,
    )
    close_margin_s: int = variable(
        "MARKETING_CLOSE_MARGIN_S",
        "seconds before closing from which on no marketing is claimed",
        default=600,
        low=30,
        high=3600,
    )
    extra_holidays: str = variable(
        "EXTRA_HOLIDAYS",
        "more days without marketing, comma-separated, such as `RE:2026-12-24`",
        default="",
        check=read_days,
    )
    stop_mention: str = variable(
        "STOP_MENTION",
        "words that tell how to refuse, exactly so in every marketing text to France",
        default="STOP au 30101",
        check=_mention,
    )
    stop_mention_add: bool = variable(
        "STOP_MENTION_ADD",
        "1 puts a space and these words at the end of a text that lacks them",
        default=False,
    )
    country_senders: str = variable(
        "SENDERS",
        "the only senders that a country takes, such as `ES:Bistro;FR:Bistro,Shop`",
        default="",
        check=listed,
    )
    segments_max: int = variable(
        "SEGMENTS_MAX", "segments that one recipient may get of a text, 1 to 8", default=8, low=1, high=8
    )
    text_optimize: bool = variable(
        "TEXT_OPTIMIZE",
        "1 replaces costly characters before a message is queued, and no longer at the gateway",
        default=False,
    )

    optout_scope: str = variable(
        "OPTOUT_SCOPE",
        "what an opt-out ends all marketing of: `account`, `sender` or `app`",
        default=ACCOUNT,
        check=_optout_scope,
    )
    optout_blocks_alerts: bool = variable(
        "OPTOUT_BLOCKS_ALERTS", "1 lets an opt-out end alerts, too", default=False
    )
    suppression_days: int = variable(
        "SUPPRESSION_DAYS",
        "days for which an opt-out is kept: 0 for ever, or at least 1095",
        default=0,
        check=_suppression_days,
    )

    require_consent: bool = variable(
        "REQUIRE_CONSENT", "1 sends marketing to nobody without a consent that was imported", default=False
    )
    consent_days: int = variable(
        "CONSENT_DAYS",
        "days after the last contact by the person for which a consent counts, 1 to 3660",
        default=1095,
        low=1,
        high=3660,
    )

    def __post_init__(self) -> None:
        problems = {}
        hours = (("MARKETING_HOURS_FR", self.french), ("MARKETING_HOURS_OTHER", self.elsewhere))
        for name, profile in hours:
            if profile and (profile.closes - profile.opens) * 60 <= self.close_margin_s:
                problems[name] = "must be longer than MARKETING_CLOSE_MARGIN_S"
        try:
            super().__post_init__()
        except ConfigError as error:
            problems |= error.problems
        if problems:
            raise ConfigError(problems)

    def optout_scope_of(self, sender: str) -> str:
        """Name what an opt-out ends that answers a message; ``""`` for all of the account.

        Args:
            sender: of the message; case does not matter to whoever reads it.
        """
        if self.optout_scope == "sender":
            return f"sender:{sender.casefold()}"
        return f"app:{self.app}" if self.optout_scope == "app" and self.app else ""

    @property
    def french(self) -> Profile | None:
        """The hours of the French zones, with Sundays and holidays as they were chosen; None for none."""
        profile = profiles.french(self.marketing_hours_fr)
        if profile and self.marketing_sundays_fr is not None:
            profile = profile._replace(sundays=self.marketing_sundays_fr)
        if profile and self.marketing_holidays_fr is not None:
            profile = profile._replace(holidays=self.marketing_holidays_fr)
        return profile

    @property
    def elsewhere(self) -> Profile | None:
        """The hours of the other countries; None for none."""
        return profiles.elsewhere(self.marketing_hours_other)

    @property
    def extra(self) -> Mapping[str, frozenset[date]]:
        """The extra holidays, by the zone that was written."""
        return read_days(self.extra_holidays)

    @property
    def consent_ms(self) -> int | None:
        """How old the last contact may be, in milliseconds; None where no consent is asked for."""
        return self.consent_days * 86_400_000 if self.require_consent else None

    @property
    def close_margin_ms(self) -> int:
        """The margin before closing, in milliseconds."""
        return self.close_margin_s * 1000
