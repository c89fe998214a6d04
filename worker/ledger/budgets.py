"""What a claim is told of budgets: the limits of the owner, and when the days of Paris begin and end. No I/O.

The script decides by Redis's clock. It is given the day before, today and the day after by this machine's
clock, and takes the one that it is in.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from producers.rules.clocks import clock as timezone
from producers.rules.money import MICRO, MoneySettings, micros

#: The clock by which a day of spending begins and ends.
PARIS: Final = "Europe/Paris"
#: Micro-euros of a segment whose price nobody knows, where such are refused: a claim is too late for that.
_UNKNOWN: Final = MICRO // 4
#: Seconds for which the days are remembered.
_FRESH_S: Final = 60.0


class Budgets:
    """The budgets of one worker. Thread-safe.

    Args:
        settings: what the owner has chosen.
        clock: seconds since the epoch.
    """

    def __init__(self, settings: MoneySettings, clock: Callable[[], float] = time.time) -> None:
        self._counts = settings.counts_money
        self._clock = clock
        self._limits = {
            "account": micros(settings.budget_day),
            "app": micros(settings.budget_app_day),
            "hard": micros(settings.budget_hard_day),
            "stop": settings.budget_alerts == "stop",
            "unknown": settings.unknown_micros if settings.unknown_micros is not None else _UNKNOWN,
        }
        self._days: tuple[float, list[tuple[str, int, int]]] = (float("-inf"), [])

    def given(self) -> dict[str, Any] | None:
        """Return what `claim.lua` is told; None where nothing is counted."""
        if not self._counts:
            return None
        now = self._clock()
        at, days = self._days
        if not 0 <= now - at < _FRESH_S:
            days = days_around(now)
            self._days = now, days
        return {**self._limits, "days": days}


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
