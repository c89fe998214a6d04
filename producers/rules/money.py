"""The settings of money: who may be texted, what that may cost, and what is too much for one number. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Final

from ..contract.phone import to_e164
from ..contract.plain_text import as_text
from ..contract.settings import Settings, variable
from .zones import known_zone, zone_of

#: Micro-euros in a euro. All money is counted in whole micro-euros.
MICRO: Final = 1_000_000
#: The word of `PRICE_UNKNOWN` that names no price.
REFUSE: Final = "refuse"
#: The word of `ALLOWED_COUNTRIES` that names all of them.
ALL: Final = "*"
#: The word of `SMS_ENVIRONMENT` under which everybody may be texted.
PRODUCTION: Final = "production"
_EUROS: Final = re.compile(r"\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_PRICE: Final = re.compile(r"\d{1,3}(?:\.\d{1,6})?", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
#: Of what numbers tell, the zones that no number tells apart from it.
_UNTOLD: Final = {"GP+": frozenset({"GP", "MF", "BL"}), "FR": frozenset({"FR-AM"})}


def price(value: str) -> Decimal | None:
    """Read `PRICE_UNKNOWN`: euros for a segment, or None for ``refuse``.

    Raises:
        ValueError: it is neither.
    """
    if value == REFUSE:
        return None
    if not _PRICE.fullmatch(value):
        raise ValueError("must be euros with at most six decimals, such as 0.25, or refuse")
    return Decimal(value)


def micros(value: object) -> int:
    """Read euros as micro-euros; 0 is 0.

    Args:
        value: text, an int or a `Decimal`. No float: it would not say which amount it means.

    Raises:
        ValueError: it is negative, no number, too large, or has more than six decimals.
    """
    known = isinstance(value, (str, int, Decimal)) and not isinstance(value, bool)
    written = f"{value:f}" if isinstance(value, Decimal) else as_text(value)
    if not known or not _EUROS.fullmatch(written):
        raise ValueError("must be euros from 0 with at most six decimals, such as 250 or 0.5")
    return int(Decimal(written) * MICRO)


def _one_of(*words: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if value not in words:
            raise ValueError("must be " + " or ".join(words))

    return check


def _name(value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ValueError("must be 1 to 32 of a-z, 0-9 and -")


@lru_cache(maxsize=8)
def countries(written: str) -> frozenset[str]:
    """Read `ALLOWED_COUNTRIES`: zones and countries; ``*`` alone means all.

    Raises:
        ValueError: one of them is none.
    """
    names = frozenset(filter(None, map(str.strip, written.split(","))))
    if names == {ALL}:
        return names
    try:
        for each in names or {""}:
            known_zone(each)
    except ValueError:
        raise ValueError("must be zones or countries, such as FR,RE,BE, or * for all") from None
    return names


@lru_cache(maxsize=8)
def listed_numbers(written: str) -> frozenset[str]:
    """Read `ALLOWED_NUMBERS`; empty for a list that is not there.

    Raises:
        ValueError: one of them is no number in E.164; the words do not show it. Or nobody is on the list: it
            must not count as none, which allows everybody.
    """
    names = frozenset(filter(None, map(str.strip, written.split(","))))
    for each in names or ({""} if written else ()):
        try:
            known = to_e164(each) == each
        except ValueError:
            known = False
        if not known:
            raise ValueError("must be numbers such as +33612345678, comma-separated")
    return names


@dataclass(frozen=True)
class MoneySettings(Settings):
    """What the owner has chosen about money; docs/rules.md says why each rule is there."""

    allowed_countries: str = variable(
        "ALLOWED_COUNTRIES",
        "zones or countries that may be texted, comma-separated, or * for all",
        default=ALL,
        check=countries,
    )
    allowed_numbers: str = variable(
        "ALLOWED_NUMBERS",
        "the only numbers that may be texted, comma-separated",
        default="",
        check=listed_numbers,
    )
    environment: str = variable(
        "SMS_ENVIRONMENT",
        "production, or another name: then only ALLOWED_NUMBERS are texted on the real gateway",
        default=PRODUCTION,
        check=_name,
    )
    app: str = variable(
        "SMS_APP",
        "name of the application that sends, of a-z, 0-9 and -, for a budget and opt-outs of its own",
        default="",
        check=_name,
    )
    price_unknown: str = variable(
        "PRICE_UNKNOWN",
        "euros that a segment is taken to cost where no price was learnt, or refuse",
        default="0.25",
        check=price,
    )
    budget_day: str = variable(
        "BUDGET_DAY", "euros that may be spent in a day of Paris, 0 for any", default="0", check=micros
    )
    budget_app_day: str = variable(
        "BUDGET_APP_DAY",
        "euros that each application may spend in a day, 0 for any",
        default="0",
        check=micros,
    )
    budget_alerts: str = variable(
        "BUDGET_ALERTS",
        "what alerts do beyond these budgets: warn lets them leave with an alarm, stop cancels them",
        default="warn",
        check=_one_of("warn", "stop"),
    )
    budget_hard_day: str = variable(
        "BUDGET_HARD_DAY",
        "euros a day beyond which no alert leaves either, 0 for any",
        default="0",
        check=micros,
    )
    credit_low: str = variable(
        "CREDIT_LOW",
        "euros left on the account below which an alarm is told, 0 for none",
        default="10",
        check=micros,
    )
    duplicate_window_s: int = variable(
        "DUPLICATE_WINDOW_S",
        "seconds in which the same text is not queued twice for the same numbers, 0 for none",
        default=0,
        high=86_400,
    )
    number_alerts_per_hour: int = variable(
        "NUMBER_ALERTS_PER_HOUR", "alerts that one number gets in an hour, 0 for any", default=10
    )
    number_alerts_per_day: int = variable(
        "NUMBER_ALERTS_PER_DAY", "alerts that one number gets in a day, 0 for any", default=30
    )
    prefix_per_hour: int = variable(
        "PREFIX_PER_HOUR",
        "numbers of one block of 10,000 that get alerts in an hour before somebody is told, 0 for any",
        default=20,
    )
    prefix_action: str = variable(
        "PREFIX_ACTION",
        "what becomes of such a block: alarm tells, block also cancels its alerts for 12 h",
        default="alarm",
        check=_one_of("alarm", "block"),
    )

    # Asked for each message: worked out once.
    @cached_property
    def counts_money(self) -> bool:
        """Whether what a message may cost matters before it leaves."""
        budgets = (self.budget_day, self.budget_app_day, self.budget_hard_day)
        return self.price_unknown == REFUSE or any(map(micros, budgets))

    @property
    def unknown_micros(self) -> int | None:
        """What a segment is taken to cost whose price nobody knows, in micro-euros; None to refuse it."""
        found = price(self.price_unknown)
        return None if found is None else int(found * MICRO)

    @property
    def credit_low_euros(self) -> float:
        """Euros left on the account below which an alarm is told; 0 for none."""
        return micros(self.credit_low) / MICRO

    @property
    def guards_alerts(self) -> bool:
        """Whether alerts are counted by number or by block."""
        return bool(self.number_alerts_per_hour or self.number_alerts_per_day or self.prefix_per_hour)

    @cached_property
    def _countries(self) -> frozenset[str]:
        return countries(self.allowed_countries)

    @property
    def lacks_numbers(self) -> bool:
        """Whether nobody may be texted on the real gateway, since this is not production, and has no list."""
        return self.environment != PRODUCTION and not self.allowed_numbers

    # Asked for each message: worked out once.
    @cached_property
    def reaches_all(self) -> bool:
        """Whether everybody may be texted."""
        return not self.allowed_numbers and countries(self.allowed_countries) == {ALL}

    def reaches_zone(self, zone: str) -> bool:
        """Whether all numbers of a zone may be texted, as far as its name alone tells."""
        return not self.allowed_numbers and zone in self._countries

    def reach_problem(self, number: str) -> str:
        """Say why a number may not be texted; empty if it may.

        Money follows the number: a zone that somebody gave does not count.

        Args:
            number: a valid one in E.164.
        """
        if self.allowed_numbers and number not in listed_numbers(self.allowed_numbers):
            return "is not among ALLOWED_NUMBERS"
        allowed = self._countries
        if ALL in allowed:
            return ""
        try:
            zone = zone_of(number)
        except ValueError:  # of no country, so of none that is listed
            zone = ""
        if zone in allowed or not allowed.isdisjoint(_UNTOLD.get(zone, ())):
            return ""
        return "is of a country that ALLOWED_COUNTRIES does not name"
