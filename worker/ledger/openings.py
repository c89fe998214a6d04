"""When marketing may be claimed, by zone, as ``claim.lua`` is given it: the script knows no time zones."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import redis

from producers.contract.jobs import QUEUE_MARKETING
from producers.rules.hours import Hours
from producers.rules.zones import is_zone

#: Seconds after which the times are made anew. Two openings of each zone are known, so a worker that is late
#: holds what it could send, and never sends what it should hold.
FRESH_S: Final = 60.0
#: Seconds after which the zones are forgotten that this process has met: those that come again are met again.
FORGOTTEN_S: Final = 3600.0


class Openings:
    """The next times at which marketing may be claimed, for the zones that this process meets. Thread-safe.

    Args:
        client: Redis client; its clock decides.
        hours: of marketing.
        margin_ms: of these, before a closing: no claim is made in it.
        clock: monotonic seconds; replaced in tests.

    Attributes:
        late_ms: milliseconds after the last moment of a claim in which POSTs of it may begin: half of the
            margin, so that one that is slow is over before the closing.
    """

    def __init__(
        self,
        client: redis.Redis,
        hours: Hours,
        margin_ms: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis, self._hours, self._clock = client, hours, clock
        self.late_ms = margin_ms // 2
        self._lock = threading.Lock()
        self._times: dict[str, Sequence[int]] = {}
        self._met: set[str] = set()
        self._made, self._emptied = -math.inf, clock()

    def times(self) -> Mapping[str, Sequence[int]]:
        """Tell when marketing may be claimed: from and to by turns, epoch milliseconds, by zone.

        A round trip a minute, and after a zone was met; none else.

        Raises:
            redis.RedisError: Redis did not tell its time.
        """
        with self._lock:
            if self._clock() - self._made >= FRESH_S:
                self._renew()
            return self._times

    def meet(self, met: Iterable[str]) -> None:
        """Learn zones that were missing: the next `times` has them.

        Args:
            met: names of zones, several with spaces between. One that nobody here knows never opens.
        """
        zones = {zone for names in met for zone in names.split()}
        if zones:
            with self._lock:
                self._met |= zones
                self._made = -math.inf

    def _renew(self) -> None:
        now = self._clock()
        seconds, _ = self._redis.time()
        at = datetime.fromtimestamp(seconds, UTC)
        if now - self._emptied >= FORGOTTEN_S:
            self._emptied, self._met = now, set()
        # Another thread may be giving the old ones to a script: they are replaced, never changed.
        self._times = {zone: self._of(zone, at) for zone in sorted(self._met)}
        self._made = now

    def _of(self, zone: str, at: datetime) -> Sequence[int]:
        if not is_zone(zone):  # written by newer producers
            return []
        return [moment for span in self._hours.windows(zone, at) for moment in span]


def times_for(openings: Openings | None, queue: str) -> Mapping[str, Sequence[int]] | None:
    """Tell the times for the gate of the hours; alerts have no zones, and take no time for theirs.

    Raises:
        redis.RedisError: Redis did not tell its time.
    """
    return openings.times() if openings and queue == QUEUE_MARKETING else None
