"""Days of spending: those of Paris, where the account is. Pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from .clocks import clock as timezone

#: The clock by which a day of spending begins and ends.
PARIS: Final = "Europe/Paris"


def days_around(now: float) -> list[tuple[str, int, int]]:
    """Name the days of Paris around a moment, with the ms at which each begins and ends.

    Args:
        now: seconds since the epoch.
    """
    today = datetime.fromtimestamp(now, UTC).astimezone(timezone(PARIS)).date()
    return [_day(today + timedelta(days=each)) for each in (-1, 0, 1)]


def day_name(now: float) -> str:
    """Name the day of Paris of a moment, such as ``20260329``."""
    return f"{datetime.fromtimestamp(now, UTC).astimezone(timezone(PARIS)):%Y%m%d}"


def _day(day: date) -> tuple[str, int, int]:
    begins, ends = (
        int(datetime(each.year, each.month, each.day, tzinfo=timezone(PARIS)).timestamp() * 1000)
        for each in (day, day + timedelta(days=1))
    )
    return f"{day:%Y%m%d}", begins, ends
