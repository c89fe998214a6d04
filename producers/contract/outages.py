"""Outages of Redis: which troubles pass by themselves, which a person must mend, and what to say of them."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import redis
from redis import exceptions

from .jobs import LAYOUT


class TimeIsUpError(redis.RedisError):
    """The time that ``within`` gave is over. Unlike a time-out nobody repeats it: there is no time."""


#: Seconds without a failure after which an outage is over.
_QUIET_S: Final = 2.0

#: Troubles that pass without anybody changing a setting.
_PASSING: Final = (
    redis.ConnectionError,
    redis.TimeoutError,
    TimeIsUpError,
    exceptions.ClusterDownError,
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.RedisClusterException,
    exceptions.TryAgainError,
    OSError,
)
#: Beginnings or parts of the messages of more such troubles, which have no class of their own.
_PASSING_CODES: Final = ("MISCONF", "NOREPLICAS", "BUSY ", "UNBLOCKED ")
#: Parts of the messages with which Redis ends a script that its user may not run to its end.
_REFUSED_IN_SCRIPT: Final = ("The user executing the script can't", "ACL failure in script")
#: Kinds of connection error that do not pass.
_LASTING: Final = (redis.AuthenticationError, exceptions.AuthorizationError)


class NotAuthenticatedError(redis.ResponseError):
    """Redis refuses this user or password.

    To the client it is a lost connection, and so it would be repeated. Our connections raise this instead.
    """


def not_authenticated(error: Exception) -> NotAuthenticatedError | None:
    """Return what to raise instead of an error by which Redis refuses user or password; None for others."""
    return NotAuthenticatedError(type(error).__name__) if isinstance(error, _LASTING) else None


def passes(error: BaseException) -> bool:
    """Tell an outage from a wrong password, a forbidden command or a key of another type."""
    if isinstance(error, _LASTING):
        return False
    return isinstance(error, _PASSING) or any(code in str(error) for code in _PASSING_CODES)


def what_is_refused(error: BaseException | None) -> str | None:
    """Say what Redis refuses and where that is mended, if no waiting mends it.

    The address or the rights of its user may be wrong, or the layout of the data be too new.
    """
    if isinstance(error, (NotAuthenticatedError, *_LASTING)):
        return "this user or password: see REDIS_URL"
    if lacks_rights(error):
        return "this user a command or a key: see REDIS_URL"
    if (layout := unserved_layout(error)) is not None:
        return (
            f"this release: the data have layout {layout}, and it serves layouts up to {LAYOUT}. "
            f"Install a release that serves layout {layout}: see docs/upgrades.md"
        )
    return None


def lacks_rights(error: BaseException | None) -> bool:
    """Tell whether Redis knows the user, and does not let it use a command or a key."""
    return isinstance(error, exceptions.NoPermissionError) or _is_refused_in_script(error)


def _is_refused_in_script(error: BaseException | None) -> bool:
    """Tell a script that ran into what its user may not do: Redis 7.0 has no code for that, later ones do."""
    said = str(error)
    return isinstance(error, redis.ResponseError) and any(each in said for each in _REFUSED_IN_SCRIPT)


def unserved_layout(error: BaseException | None) -> int | None:
    """Return the layout of the data, if a script refused to touch them for it; None for other errors."""
    code, _, said = str(error).partition(" ")
    is_layout = isinstance(error, redis.ResponseError) and code == "LAYOUT" and said[:1].isdigit()
    return int(said.split()[0]) if is_layout else None


def refused(server: str, what: str) -> str:
    """Say in one line which Redis refuses what, and where that is to be mended.

    Args:
        server: its address without user and password; empty if it is not known.
        what: as `what_is_refused` says it.
    """
    at = f" at {server}" if server else ""
    return f"Redis{at} refuses {what}"


def is_told(error: BaseException) -> bool:
    """Tell whether a connection with an `OutageLog` has told of an error: nobody else needs to."""
    is_refused = isinstance(error, NotAuthenticatedError) or unserved_layout(error) is not None
    return is_refused or passes(error)


class OutageLog:
    """Says once that Redis is away, and once that it is back, however many calls fail meanwhile.

    Failures with less than two seconds between them are one outage. If Redis refuses us in one, or no more,
    that is said, too. May be called from any thread.

    Args:
        away: told of the first failure.
        back: told for how many seconds calls failed.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        away: Callable[[Exception], object],
        back: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._away, self._back, self._clock = away, back, clock
        self._lock = threading.Lock()
        #: When the first and the last failure of an outage came; None if there is none.
        self._span: tuple[float, float] | None = None
        self._said: str | None = None

    def failed(self, error: Exception) -> None:
        """Note that a call failed because of Redis."""
        with self._lock:
            now, before = self._clock(), self._span
            self._span = (before[0] if before else now, now)
            is_news = before is None or self._said != what_is_refused(error)
            self._said = what_is_refused(error)
        if is_news:
            self._away(error)

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

    def away(error: Exception) -> None:
        if what := what_is_refused(error):
            logger.error("%s", refused(server, what))
        else:
            logger.warning("redis unavailable (%s)%s", type(error).__name__, at)

    return OutageLog(
        away,
        lambda seconds: logger.warning("redis is back, calls failed for %.1f s", seconds),
    )
