"""Dramatiq middleware of ours: log context per message, one stop signal, shutdown of what setup opened."""

import signal
from collections.abc import Callable
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


class CloseAfterwards(Middleware):
    """Closes resources once no worker thread can use them any more.

    Args:
        *closers: called in order after the worker has shut down.
    """

    def __init__(self, *closers: Callable[[], None]) -> None:
        self._closers = closers

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:
        """Close everything."""
        for close in self._closers:
            close()


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
