"""Waiting out an outage of Redis: which troubles pass by themselves, and how long to wait."""

import logging
import random
import time
from collections.abc import Callable
from typing import Final

import redis
from redis import exceptions

from producers.steps import Pause, Steps

_log = logging.getLogger("producers.feeds")

#: First and longest pause in seconds; each is double the one before.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
#: Longest sleep in one piece, in seconds, so that a stop is noticed.
_NAP_S: Final = 0.1

#: Troubles that pass without anybody changing a setting.
_PASSING: Final = (
    redis.ConnectionError,
    redis.TimeoutError,
    exceptions.ClusterDownError,
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.TryAgainError,
    OSError,
)
#: Same, known by their code only.
_PASSING_CODES: Final = ("MISCONF", "NOREPLICAS", "BUSY ")
#: Kinds of connection error that do not pass.
_LASTING: Final = (redis.AuthenticationError, exceptions.AuthorizationError)


def passes(error: Exception) -> bool:
    """Tell an outage from a wrong password, a forbidden command or a key of another type."""
    if isinstance(error, _LASTING):
        return False
    return isinstance(error, _PASSING) or any(code in str(error) for code in _PASSING_CODES)


class Outage:
    """Paces the tries while Redis is away.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause_s = _FIRST_PAUSE_S

    def over(self) -> None:
        """Note that Redis answered."""
        self._pause_s = _FIRST_PAUSE_S

    def wait(self, error: Exception, stopping: Callable[[], bool]) -> Steps[None]:
        """Wait before the next try, or until ``stopping``.

        Raises:
            Exception: the error itself, if it does not pass by waiting.
        """
        if not passes(error):
            raise error
        seconds = self._pause_s * random.uniform(0.5, 1)  # noqa: S311 - spreads tries, guards nothing
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        _log.warning("redis unavailable (%s), next try in %.1f s", type(error).__name__, seconds)
        resume = self._clock() + seconds
        while not stopping() and self._clock() < resume:
            yield Pause(min(_NAP_S, seconds))
