"""How much of one kind of work this process has at hand at a time, with a part reserved for the urgent."""

import threading
from collections import Counter
from collections.abc import Mapping


class Slots:
    """Places shared by some queues. Thread-safe.

    Args:
        total: places in all.
        most: places that a queue may have at most, where that is fewer. Such a queue takes none while
            another one has asked in vain.
    """

    def __init__(self, total: int, most: Mapping[str, int] | None = None) -> None:
        self._total = total
        self._most = dict(most or {})
        self._taken: Counter[str] = Counter()
        self._in_vain: set[str] = set()
        self._changed = threading.Condition()

    def reserve(self, queue: str) -> int:
        """Take every place that a queue may have now; return how many."""
        with self._changed:
            free = self._free(queue)
            self._taken[queue] += free
            if free:
                self._in_vain.discard(queue)
            elif queue not in self._most:
                self._in_vain.add(queue)
            return free

    def give_back(self, queue: str, count: int) -> None:
        """Free places."""
        if count:
            with self._changed:
                self._taken[queue] -= count
                self._changed.notify_all()

    def wait(self, queue: str, seconds: float) -> None:
        """Wait until a queue may have a place, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._free(queue) > 0, seconds)

    def _free(self, queue: str) -> int:
        if queue in self._most and self._in_vain:
            return 0
        most = self._most.get(queue, self._total) - self._taken[queue]
        return max(0, min(most, self._total - self._taken.total()))
