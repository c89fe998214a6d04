"""Total deadlines for blocking calls that only know per-phase time-outs.

A gateway that drips one header byte at a time never exceeds a read time-out. One daemon thread watches all
calls of the process and cuts the ones that are over time.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Watchdog:
    """Cuts each call that outlives its deadline. Thread-safe; the thread starts with the first call."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._order = itertools.count()
        self._deadlines: list[tuple[float, int]] = []
        self._cuts: dict[int, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, seconds: float, cut: Callable[[], None]) -> Iterator[None]:
        """Call ``cut`` from the watching thread if the block runs longer than ``seconds``.

        Args:
            seconds: total time allowed.
            cut: must make the block fail soon; must not block or raise.
        """
        number = next(self._order)
        with self._condition:
            self._cuts[number] = cut
            heapq.heappush(self._deadlines, (time.monotonic() + seconds, number))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            elif self._deadlines[0][1] == number:
                self._condition.notify()
        try:
            yield
        finally:
            with self._condition:
                self._cuts.pop(number, None)

    def _watch(self) -> None:
        with self._condition:
            while True:
                while self._deadlines and self._deadlines[0][1] not in self._cuts:
                    heapq.heappop(self._deadlines)
                now = time.monotonic()
                if not self._deadlines:
                    self._condition.wait()
                elif self._deadlines[0][0] > now:
                    self._condition.wait(self._deadlines[0][0] - now)
                else:
                    self._cuts.pop(heapq.heappop(self._deadlines)[1])()
