"""Outages of Redis: which troubles pass by themselves, how long to wait, what to say about it."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final

import redis
from redis import exceptions

from producers.contract.steps import Sleep, Steps

_log = logging.getLogger("producers.feeds")

#: First and longest pause in seconds; each is double the one before.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
#: Longest sleep in one piece, in seconds, so that a stop is noticed.
_NAP_S: Final = 0.1
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


def log_to(logger: logging.Logger) -> OutageLog:
    """Make an `OutageLog` that warns on a logger of the standard library."""
    return OutageLog(
        lambda reason: logger.warning("redis unavailable (%s)", reason),
        lambda seconds: logger.warning("redis is back, calls failed for %.1f s", seconds),
    )


class Outage:
    """Waits between the tries while Redis is away, ever longer.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause_s = _FIRST_PAUSE_S
        self._outages = log_to(_log)

    def over(self) -> None:
        """Note that Redis answered."""
        self._pause_s = _FIRST_PAUSE_S
        self._outages.answered()

    def wait(self, error: Exception, stopping: Callable[[], bool]) -> Steps[None]:
        """Wait before the next try, or until ``stopping``.

        Raises:
            Exception: the error itself, if it does not pass by waiting.
        """
        if not passes(error):
            raise error
        self._outages.failed(error)
        seconds = self._pause_s * random.uniform(0.5, 1)  # noqa: S311 - spreads tries, guards nothing
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        resume = self._clock() + seconds
        while not stopping() and self._clock() < resume:
            yield Sleep(min(_NAP_S, seconds))
