"""The hours of marketing, one row each: from when to when, and whether on Sundays and holidays. Pure.

When a contract or a law changes, change a row.
"""

import re
from typing import Final, NamedTuple

from . import sources
from .sources import Source

#: Earliest opening and latest closing, in minutes of the day. No change of the clock in a French zone falls
#: between them, so that every day has both, once.
EARLIEST: Final = 5 * 60
LATEST: Final = 23 * 60 + 59
#: The word for no hours at all.
OFF: Final = "off"

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class Profile(NamedTuple):
    """Hours of the day, by the clock of the recipient.

    Attributes:
        name: how it is called in settings; of hours that somebody wrote, these.
        opens: first minute of the day at which marketing may leave.
        closes: first minute after it at which it may no longer.
        sundays, holidays: whether it may leave on these.
        source: where it stands.
    """

    name: str
    opens: int
    closes: int
    sundays: bool
    holidays: bool
    source: Source

    def __str__(self) -> str:
        told = [f"{self.name}: {written(self.opens)} to {written(self.closes)}"]
        told += [] if self.sundays else ["no Sundays"]
        told += [] if self.holidays else ["no holidays"]
        return ", ".join(told)


PROFILES: Final = {
    "strict": Profile("strict", 8 * 60, 20 * 60, False, False, sources.OCTOPUSH_HOURS),  # noqa: FBT003 - a row
    "charter2026": Profile("charter2026", 8 * 60, 21 * 60 + 30, True, True, sources.CHARTER_2026),  # noqa: FBT003
}


def french(hours: str) -> Profile | None:
    """Read the hours of the French zones; None for ``off``.

    Raises:
        ValueError: they are no name of `PROFILES`, no hours and not ``off``.
    """
    if hours == OFF:
        return None
    if hours in PROFILES:
        return PROFILES[hours]
    try:
        opens, closes = _span(hours)
    except ValueError as error:
        raise ValueError(f"must be {', '.join(PROFILES)}, {OFF}, or {error}") from None
    return Profile(hours, opens, closes, sundays=False, holidays=False, source=sources.CHOSEN_HOURS)


def elsewhere(hours: str) -> Profile | None:
    """Read the hours of all other countries, Monday to Saturday; None for ``off``.

    We know no holidays of other countries; ``EXTRA_HOLIDAYS`` names those that somebody wants to keep.

    Raises:
        ValueError: they are no hours and not ``off``.
    """
    if hours == OFF:
        return None
    try:
        opens, closes = _span(hours)
    except ValueError as error:
        raise ValueError(f"must be {OFF} or {error}") from None
    return Profile(
        "other countries", opens, closes, sundays=False, holidays=True, source=sources.NO_LAW_FOUND
    )


def written(minute: int) -> str:
    """Write a minute of the day: ``08:00``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _span(hours: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(hours)
    if found is None:
        raise ValueError("hours such as 08:00-20:00")
    opens, closes = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if not EARLIEST <= opens < closes <= LATEST:
        raise ValueError(f"hours within {written(EARLIEST)}-{written(LATEST)} that begin before they end")
    return opens, closes
