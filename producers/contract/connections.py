"""Blocking connections that find a moved primary again: the ``connection_class`` of every pool of ours."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.connection import parse_url

from .followers import Follower, is_refusal
from .outages import OutageLog, TimeIsUpError, is_told, not_authenticated
from .redis_url import RedisUrl
from .route_of_url import route_of

_ends: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound the time that all blocking connections of this thread take together within the block.

    A block within another one ends with it at the latest. A command that takes longer raises `TimeIsUpError`,
    or `redis.TimeoutError` where nobody repeats it, or `redis.ConnectionError` where no connection becomes
    free. Looking up a host name is not bounded.
    """
    ends_s, outer_s = time.monotonic() + seconds, _ends.get()
    token = _ends.set(ends_s if outer_s is None else min(ends_s, outer_s))
    try:
        yield
    finally:
        _ends.reset(token)


def following(url: RedisUrl, log: OutageLog | None = None) -> dict[str, Any]:
    """Say with which options a blocking pool connects to a URL and follows the primary.

    Args:
        url: a server, Sentinels or a cluster.
        log: told of what its connections meet.
    """
    options: dict[str, Any] = parse_url(url.place.url)  # type: ignore[no-untyped-call]
    kind = _BLOCKING[options.get("connection_class", redis.Connection)]
    return {**options, "connection_class": kind, "route": route_of(url), "log": log}


class BoundedPool(redis.BlockingConnectionPool):
    """A blocking pool that lets nobody wait for a free connection longer than `within` allows.

    Its ``timeout`` is read by each thread that waits, and so is another in each.
    """

    @property
    def timeout(self) -> float | None:
        """Seconds that this thread may wait now.

        Raises:
            TimeIsUpError: none.
        """
        return _left(self._whole_s)

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._whole_s = seconds


class BoundedBackoff(ExponentialWithJitterBackoff):
    """Waits between two tries, and never longer than `within` allows."""

    def compute(self, failures: int) -> float:
        """Say for how many seconds.

        Raises:
            TimeIsUpError: there is no time for another try.
        """
        return _left(super().compute(failures)) or 0.0


class _BlockingFollower(Follower):
    """Mixed into the three kinds of blocking connection.

    Args:
        log: told of failures and answers.
    """

    socket_connect_timeout: Any
    retry: Any

    def __init__(self, *args: Any, log: OutageLog | None, **options: Any) -> None:
        self._outages = log
        super().__init__(*args, **options)

    def connect(self) -> None:
        if self._sock is not None:  # the pool asks before each command
            return
        # redis-py before 7 repeats the connecting, and not what a new connection says of itself.
        self.retry.call_with_retry(
            lambda: self.connect_check_health(check_health=True, retry_socket_connect=False),
            lambda _: self.disconnect(),
        )

    def connect_check_health(self, *args: Any, **options: Any) -> None:
        self._introducing = True
        try:
            super().connect_check_health(*args, **options)
        finally:
            self._introducing = False

    def _connect(self) -> Any:
        asked_s = time.monotonic()
        self._begin(self._way(), asked_s)
        whole_s = self.socket_connect_timeout
        self.socket_connect_timeout = _left(whole_s)
        try:
            connected = super()._connect()
        except OSError as error:
            self._tell(error)
            raise
        finally:
            self.socket_connect_timeout = whole_s
        with suppress(OSError):  # the server has hung up already, as the first command will find out
            self._arrive(connected.getpeername())
        return connected

    def _way(self) -> tuple[str, int] | None:
        try:
            return self._route.address(_left(None))
        except redis.RedisError as error:
            refused = not_authenticated(error)
            self._tell(refused or error)
            raise refused or error from None

    def send_packed_command(self, *args: Any, **options: Any) -> None:
        if self._sock is not None and self._asks_first():
            self._route.refresh(_left(None))
        if self._sock is not None and self._is_outdated():
            self.disconnect()
        bounded = _ends.get() is not None
        try:
            if bounded:
                self._bound(_left(self.socket_timeout))
            super().send_packed_command(*args, **options)
        except redis.RedisError as error:
            self._tell(error)
            raise
        finally:
            if bounded:
                self._bound(self.socket_timeout)

    def read_response(self, *args: Any, **options: Any) -> Any:
        bounded = _ends.get() is not None
        try:
            if bounded:
                self._bound(_left(self.socket_timeout))
            response = super().read_response(*args, **options)
        except redis.RedisError as error:
            refused = not_authenticated(error)
            self._tell(refused or error)
            if refused:
                raise refused from None
            if isinstance(error, redis.TimeoutError | TimeIsUpError):
                self.disconnect()  # or the next command would take this answer for its own
            if isinstance(error, redis.ResponseError) and is_refusal(error):
                self.disconnect()
                raise self._lost(error) from None
            raise
        finally:
            if bounded:
                self._bound(self.socket_timeout)
        # Whoever refuses all that matters may still let a connection introduce itself.
        if self._outages is not None and not self._introducing:
            self._outages.answered()
        return response

    def _bound(self, seconds: float | None) -> None:
        if self._sock is not None:
            self._sock.settimeout(seconds)

    def _tell(self, error: Exception) -> None:
        if self._outages is not None and (is_told(error) or is_refusal(error)):
            self._outages.failed(error)


def _left(seconds: float | None) -> float | None:
    """Shorten a wait to what `within` leaves of it.

    Raises:
        TimeIsUpError: nothing is left.
    """
    ends_s = _ends.get()
    if ends_s is None:
        return seconds
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise TimeIsUpError("no time left")
    return left_s if seconds is None else min(seconds, left_s)


class _Tcp(_BlockingFollower, redis.Connection):
    """``redis://``, blocking."""


class _Tls(_BlockingFollower, redis.SSLConnection):
    """``rediss://``, blocking."""


class _File(_BlockingFollower, redis.UnixDomainSocketConnection):
    """``unix://``, blocking."""


_BLOCKING: Final[dict[type, type]] = {kind.__bases__[1]: kind for kind in (_Tcp, _Tls, _File)}
