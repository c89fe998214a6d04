"""The simulator's clock: real time plus an offset that tests move forward, and actions that wait for it."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

#: Zone of the dates in callbacks and of a ``send_at`` without offset (assumed; not documented for callbacks).
PARIS = ZoneInfo("Europe/Paris")

#: Longest real sleep before the heap is looked at again, in seconds.
_LONGEST_SLEEP_S = 3600.0


class Clock:
    """Tells instants in seconds since the epoch and runs actions at future ones.

    Schedules, the 24 hours of a request_id and every date follow this clock. Delays in milliseconds (latency,
    time between two receipts) are real time and do not follow it.
    """

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def offset_s(self) -> float:
        """Seconds this clock is ahead of real time."""
        return self._offset_s

    @property
    def waiting(self) -> int:
        """Number of actions whose instant has not come."""
        return len(self._due)

    def now(self) -> float:
        """Return the current instant in seconds since the epoch."""
        return time.time() + self._offset_s

    def paris(self, instant: float | None = None) -> datetime:
        """Return an instant (default: now) as wall-clock time in Paris."""
        return datetime.fromtimestamp(self.now() if instant is None else instant, PARIS)

    def call_at(self, instant: float, action: Callable[[], object]) -> None:
        """Run an action once the clock shows `instant`; at once if it already does."""
        heapq.heappush(self._due, (instant, next(self._order), action))
        self._run_due()

    def advance(self, seconds: float) -> None:
        """Move the clock, usually forward, and run what has become due, in order of the instants."""
        self._offset_s += seconds
        self._run_due()

    def set(self, instant: datetime) -> None:
        """Move the clock to an instant; a naive one is read as UTC."""
        aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        self.advance(aware.timestamp() - self.now())

    def reset(self) -> None:
        """Return to real time and drop everything that waits."""
        self._offset_s = 0.0
        self._due.clear()
        self._stop_timer()

    def _run_due(self) -> None:
        self._stop_timer()
        while self._due and self._due[0][0] <= self.now():
            heapq.heappop(self._due)[2]()
        if self._due:
            wait_s = min(max(self._due[0][0] - self.now(), 0.0), _LONGEST_SLEEP_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._run_due)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
