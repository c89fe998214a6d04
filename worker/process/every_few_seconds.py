"""Doing something every few seconds, for as long as the process lives and whatever goes wrong."""

import threading
from collections.abc import Callable

import structlog

from producers.contract.outages import is_told
from producers.contract.scripts import REDIS_ERRORS


class EveryFewSeconds:
    """A thread that does the same every few seconds. No exception ends it.

    An outage of Redis is not told here: the connection tells it once. Anything else is one log line each
    time: a warning when Redis refuses something, an error when it is a mistake of ours.

    Args:
        act: what to do.
        seconds: between the end of one time and the next.
        name: name of the thread.
        event: name of the log line.
        failed: called after that line.
        at_once: whether the thread acts as it starts, too.
    """

    def __init__(
        self,
        act: Callable[[], object],
        seconds: float,
        *,
        name: str,
        event: str,
        failed: Callable[[], None] = lambda: None,
        at_once: bool = False,
    ) -> None:
        self._act = act
        self._seconds = seconds
        self._event = event
        self._failed = failed
        self._at_once = at_once
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Start the thread; it acts for the first time after so many seconds, or at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait until it has ended. Safe to repeat, and before a start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def once(self) -> None:
        """Act now, in the caller's thread; survives what the thread survives."""
        try:
            self._act()
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever went wrong this time
            is_of_redis = isinstance(error, REDIS_ERRORS)
            if is_of_redis and is_told(error):
                return
            level = self._log.warning if is_of_redis else self._log.error
            level(self._event, reason=type(error).__name__)
            self._failed()

    def _run(self) -> None:
        if self._at_once:
            self.once()
        while not self._stopping.wait(self._seconds):
            self.once()
