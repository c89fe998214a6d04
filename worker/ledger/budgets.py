"""What a claim is told of budgets: the limits of the owner, and when the days of Paris begin and end. No I/O.

The script decides by Redis's clock. It is given the day before, today and the day after by this machine's
clock, and takes the one that it is in.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from producers.rules.days import days_around
from producers.rules.money import MICRO, MoneySettings, micros

#: Micro-euros of a segment whose price nobody knows, where such are refused: a claim is too late for that.
_UNKNOWN: Final = MICRO // 4
#: Seconds for which the days are remembered.
_FRESH_S: Final = 60.0


class Budgets:
    """The budgets of one worker. Thread-safe.

    Args:
        settings: what the owner has chosen.
        clock: seconds since the epoch.
        days: names the days around a moment.

    Attributes:
        credit_low: euros left on the account below which somebody is told, 0 for none.
    """

    def __init__(
        self,
        settings: MoneySettings,
        clock: Callable[[], float] = time.time,
        days: Callable[[float], list[tuple[str, int, int]]] = days_around,
    ) -> None:
        self.credit_low = settings.credit_low_euros
        self._counts = settings.counts_money
        self._clock = clock
        self._limits = {
            "account": micros(settings.budget_day),
            "app": micros(settings.budget_app_day),
            "hard": micros(settings.budget_hard_day),
            "stop": settings.budget_alerts == "stop",
            "unknown": settings.unknown_micros if settings.unknown_micros is not None else _UNKNOWN,
        }
        self._around = days
        self._days: tuple[float, list[tuple[str, int, int]]] = (float("-inf"), [])

    def given(self) -> dict[str, Any] | None:
        """Return what `claim.lua` is told; None where nothing is counted."""
        if not self._counts:
            return None
        now = self._clock()
        at, days = self._days
        if not 0 <= now - at < _FRESH_S:
            days = self._around(now)
            self._days = now, days
        return {**self._limits, "days": days}
