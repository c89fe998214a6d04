"""Dramatiq middleware of ours: log context per message, one stop signal, shutdown of what setup opened."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog
from dramatiq.broker import MessageProxy
from dramatiq.middleware import Middleware


class LogContext(Middleware):
    """Starts every message with an empty log context: worker threads are reused, their context stays."""

    def before_process_message(self, broker: Any, message: MessageProxy) -> None:
        """Forget the last message; bind nothing of the new one, the actors bind what may be logged."""
        structlog.contextvars.clear_contextvars()


class Companions(Middleware):
    """Starts what accompanies the worker threads, and stops it once the last of them has ended.

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


@contextmanager
def stop_at_once() -> Iterator[None]:
    """End the process at the first SIGTERM while there is no work yet that could be cut off."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def stop_once() -> None:
    """Let only the first SIGTERM through to Dramatiq.

    A platform that signals every process of a group makes a worker receive SIGTERM twice, once from the
    platform and once from Dramatiq's parent; Dramatiq takes the second as an order to drop its work.
    """
    current = signal.getsignal(signal.SIGTERM)
    if not callable(current):
        return
    received = False

    def once(number: int, frame: FrameType | None) -> None:
        nonlocal received
        if not received:
            received = True
            current(number, frame)

    signal.signal(signal.SIGTERM, once)
