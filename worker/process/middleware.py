"""Starting and stopping a worker process: what runs beside Dramatiq's threads, and the signals."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from dramatiq.middleware import Middleware


class Companions(Middleware):
    """Starts what runs beside the worker threads, and stops it once the last worker thread has ended.

    Args:
        start: called in order before the worker boots.
        stop: called in order after it has shut down.
    """

    def __init__(self, start: Sequence[Callable[[], None]], stop: Sequence[Callable[[], None]]) -> None:
        self._start = start
        self._stop = stop

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        """Start everything."""
        for start in self._start:
            start()

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:
        """Stop everything."""
        for stop in self._stop:
            stop()


class LastWords(Middleware):
    """Lets a process tell what it has to tell others about itself, when everything else has stopped.

    Args:
        calls: called in order.
    """

    def __init__(self, calls: Sequence[Callable[[], None]]) -> None:
        self._calls = calls

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:
        """Tell it."""
        for call in self._calls:
            call()


#: Signals that stop a worker: a platform sends the first, a terminal that closes the second.
_STOPPING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_at_once() -> Iterator[None]:
    """End the process at the first signal to stop while there is no work yet that could be cut off."""
    before = {number: signal.signal(number, lambda *_: sys.exit(0)) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_once() -> None:
    """Let only the first signal to stop through to Dramatiq.

    A platform that signals every process of a group makes a worker receive SIGTERM twice, once from the
    platform and once from Dramatiq's parent; a terminal that closes sends SIGHUP as well. Dramatiq takes the
    second as an order to drop its work.
    """
    current = {number: signal.getsignal(number) for number in _STOPPING}
    received = False

    def once(number: int, frame: FrameType | None) -> None:
        nonlocal received
        handler = current[signal.Signals(number)]
        if not received and callable(handler):
            received = True
            handler(number, frame)

    for number, handler in current.items():
        if callable(handler):
            signal.signal(number, once)
