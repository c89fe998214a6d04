"""Outages of Redis: which troubles pass by themselves, and what to say about it."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import redis
from redis import exceptions

#: Seconds without a failure after which an outage is over.
_QUIET_S: Final = 2.0

#: Troubles that pass without anybody changing a setting.
_PASSING: Final = (
    redis.ConnectionError,
    redis.TimeoutError,
    exceptions.ClusterDownError,
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.RedisClusterException,
    exceptions.TryAgainError,
    OSError,
)
#: Beginnings or parts of the messages of more such troubles, which have no class of their own.
_PASSING_CODES: Final = ("MISCONF", "NOREPLICAS", "BUSY ", "UNBLOCKED ")
#: Kinds of connection error that do not pass.
_LASTING: Final = (redis.AuthenticationError, exceptions.AuthorizationError)


def passes(error: Exception) -> bool:
    """Tell an outage from a wrong password, a forbidden command or a key of another type."""
    if isinstance(error, _LASTING):
        return False
    return isinstance(error, _PASSING) or any(code in str(error) for code in _PASSING_CODES)


class OutageLog:
    """Says once that Redis is away, and once that it is back, however many calls fail meanwhile.

    Failures with less than two seconds between them are one outage. May be called from any thread.

    Args:
        away: told the kind of the first failure.
        back: told for how many seconds calls failed.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        away: Callable[[str], object],
        back: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._away, self._back, self._clock = away, back, clock
        self._lock = threading.Lock()
        #: When the first and the last failure of an outage came; None if there is none.
        self._span: tuple[float, float] | None = None

    def failed(self, error: Exception) -> None:
        """Note that a call failed because of Redis."""
        with self._lock:
            now, before = self._clock(), self._span
            self._span = (before[0] if before else now, now)
        if before is None:
            self._away(type(error).__name__)

    def answered(self) -> None:
        """Note that a call went well; costs next to nothing while there is no outage."""
        if self._span is None:
            return
        with self._lock:
            span = self._span
            if span is None or self._clock() < span[1] + _QUIET_S:
                return
            self._span = None
        self._back(span[1] - span[0])


def log_to(logger: logging.Logger, server: str = "") -> OutageLog:
    """Make an `OutageLog` that warns on a logger of the standard library.

    Args:
        logger: receives the lines.
        server: address of Redis without user and password; empty if it is not known.
    """
    at = f" at {server}" if server else ""
    return OutageLog(
        lambda reason: logger.warning("redis unavailable (%s)%s", reason, at),
        lambda seconds: logger.warning("redis is back, calls failed for %.1f s", seconds),
    )
