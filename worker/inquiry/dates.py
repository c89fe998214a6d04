"""Dates that people type, as instants, and instants as commands print them. Pure.

A date without an offset is wall-clock time in Paris, as the gateway's own dates are. A day without a time is
all of that day. What is printed is Paris's as well, with the offset: the terminal may be anywhere, a log
beside it has UTC, and one hour a year happens twice.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

#: Where a date without an offset is read, and whose time is printed.
ZONE: Final = ZoneInfo("Europe/Paris")

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE
)
#: What to type instead.
ADVICE: Final = (
    "must be a date such as 2026-11-01, 2026-11-01T09:30 (read in Europe/Paris) or 2026-11-01T09:30+01:00"
)


def read_since(written: str) -> datetime:
    """Read the first instant that is asked for: of a day, its midnight in Paris.

    Raises:
        ValueError: it is no such date; the message says what is one.
    """
    return _read(written.strip(), add=timedelta(0))


def read_until(written: str) -> datetime:
    """Read the first instant that is no longer asked for: of a day, the next midnight in Paris.

    A time is itself no longer asked for. In the hour that happens twice, the later one is meant.

    Raises:
        ValueError: as `read_since`.
    """
    return _read(written.strip(), add=timedelta(days=1), fold=1)


def with_offset(written: str) -> str:
    """Add the offset of Paris to a time that has none; anything else stays as it is."""
    found = _MOMENT.fullmatch(written)
    if found is None or found[3]:
        return written
    try:
        return datetime.fromisoformat(written).replace(tzinfo=ZONE).isoformat()
    except ValueError:
        return written


def in_paris(at: datetime) -> str:
    """Write an instant as it is in Paris: ``2026-11-01 09:30:00+01:00``. It can be typed again as it is."""
    return at.astimezone(ZONE).isoformat(" ", "seconds")


def day_in_paris(at: datetime) -> str:
    """Name the day that an instant lies on in Paris: ``1 November 2026``."""
    there = at.astimezone(ZONE)
    return f"{there.day} {there:%B %Y}"


def _read(written: str, *, add: timedelta, fold: int = 0) -> datetime:
    is_day = _DAY.fullmatch(written) is not None
    if not is_day and not _MOMENT.fullmatch(written):
        raise ValueError(ADVICE)
    try:
        at = datetime.fromisoformat(written)
        at = at + add if is_day else at
        at = at.replace(tzinfo=ZONE, fold=fold) if at.tzinfo is None else at
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(ADVICE) from None
