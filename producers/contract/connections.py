"""Connections that find a moved primary again; the ``connection_class`` of every pool of ours.

A connection asks its `Route` where to connect. When the server says that it is not the primary (a replica
since a minute ago, another node of a cluster, or it ends a blocking read because its role has changed), the
connection closes and raises a lost connection. Whoever repeats after a lost connection, and everything here
does, thereby asks the route again. Without this a client would stay on a demoted server for ever: that server
refuses every write, but the connection itself is healthy.

A demoted server still answers reads, from what it knows: they are stale until a write is refused.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

import redis
import redis.asyncio
from redis import exceptions
from redis.asyncio import connection as asyncio_connection
from redis.connection import parse_url

from .outages import OutageLog, is_told, not_authenticated
from .routes import Route, route_for

#: Answers of a server that is not the primary of what it was asked for.
_REFUSALS: Final = (
    exceptions.ReadOnlyError,
    exceptions.AskError,  # and MovedError
    exceptions.ClusterDownError,  # and MasterDownError
    exceptions.TryAgainError,
)
#: A blocking read has ended because the server became a replica, or because its stream was deleted.
_UNBLOCKED: Final = "UNBLOCKED "
#: How uvloop says, in a `RuntimeError`, that the other side has closed the connection just now.
_UVLOOP_CLOSED: Final = "the handler is closed"

_ends: ContextVar[float | None] = ContextVar("ends", default=None)


class NotPrimaryError(redis.ConnectionError):
    """The server does not, or no longer, answer for our keys; the next connection asks the route."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound the time that all blocking connections of this thread take together within the block.

    A command that takes longer raises `redis.TimeoutError`. Looking up a host name is not bounded.
    """
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def following(url: str, log: OutageLog | None = None) -> dict[str, Any]:
    """Say with which options a blocking pool connects to a URL and follows the primary.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        log: told of what its connections meet.
    """
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    kind = _BLOCKING[options.get("connection_class", redis.Connection)]
    return {**options, "connection_class": kind, "route": route_for(url), "log": log}


def following_async(url: str) -> dict[str, Any]:
    """Say the same for an asyncio pool; see `following`."""
    options: dict[str, Any] = {**asyncio_connection.parse_url(url)}
    kind = _AWAITED[options.get("connection_class", redis.asyncio.Connection)]
    return {**options, "connection_class": kind, "route": route_for(url)}


#: The class that a mixin extends; blocking and asyncio connections have different ones.
_Mixed: Any = object


class _Follower(_Mixed):  # type: ignore[misc]
    """What blocking and asyncio connections share; mixed into redis-py's.

    Args:
        route: where to connect; that of all connections of the pool.
    """

    def __init__(self, *args: Any, route: Route, **options: Any) -> None:
        self._route = route
        self._peer, self._begun_s = "", 0.0
        #: A connection is not left while it introduces itself: its user has asked for nothing yet.
        self._introducing = False
        super().__init__(*args, **options)

    def _begin(self) -> None:
        """Ask the way, right before connecting."""
        address = self._route.address()
        if address is not None:
            self.host, self.port = address
        self._begun_s = time.monotonic()

    def _arrive(self, peer: object) -> None:
        """Note who is at the other end; a socket file has no address."""
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""

    def _is_outdated(self) -> bool:
        return not self._introducing and self._route.outdates(self._peer, self._begun_s)

    def _lost(self, error: redis.ResponseError) -> NotPrimaryError:
        self._route.moved()
        return NotPrimaryError(str(error))


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, _REFUSALS) or str(error).startswith(_UNBLOCKED)


class _BlockingFollower(_Follower):
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
        self._begin()
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

    def send_packed_command(self, *args: Any, **options: Any) -> None:
        if self._sock is not None and self._is_outdated():
            self.disconnect()
        try:
            super().send_packed_command(*args, **options)
        except redis.RedisError as error:
            self._tell(error)
            raise

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
            if isinstance(error, redis.TimeoutError):
                self.disconnect()  # or the next command would take this answer for its own
            if isinstance(error, redis.ResponseError) and _is_refusal(error):
                self.disconnect()
                raise self._lost(error) from None
            raise
        finally:
            if bounded:
                self._bound(self.socket_timeout)
        if self._outages is not None:
            self._outages.answered()
        return response

    def _bound(self, seconds: float | None) -> None:
        if self._sock is not None:
            self._sock.settimeout(seconds)

    def _tell(self, error: Exception) -> None:
        if self._outages is not None and (is_told(error) or _is_refusal(error)):
            self._outages.failed(error)


def _left(seconds: float | None) -> float | None:
    """Shorten a wait to what `within` leaves of it.

    Raises:
        redis.TimeoutError: nothing is left.
    """
    ends_s = _ends.get()
    if ends_s is None:
        return seconds
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise redis.TimeoutError("no time left")
    return left_s if seconds is None else min(seconds, left_s)


class _AwaitedFollower(_Follower):
    """Mixed into the three kinds of asyncio connection."""

    retry: Any

    async def connect(self) -> None:
        await self.retry.call_with_retry(
            lambda: self.connect_check_health(check_health=True, retry_socket_connect=False),
            lambda _: self.disconnect(),
        )

    async def connect_check_health(self, *args: Any, **options: Any) -> None:
        self._introducing = True
        try:
            await super().connect_check_health(*args, **options)
        finally:
            self._introducing = False

    async def _connect(self) -> None:
        self._begin()
        await super()._connect()
        self._arrive(self._writer.get_extra_info("peername"))

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        if self.is_connected and self._is_outdated():
            await self.disconnect(nowait=True)
        try:
            await super().send_packed_command(*args, **options)
        except RuntimeError as error:
            if _UVLOOP_CLOSED not in str(error):
                raise
            raise redis.ConnectionError("the connection was closed") from error

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)
        except redis.ConnectionError as error:
            if refused := not_authenticated(error):
                raise refused from None
            raise
        except redis.ResponseError as error:
            if not _is_refusal(error):
                raise
            await self.disconnect(nowait=True)
            raise self._lost(error) from None


class _Tcp(_BlockingFollower, redis.Connection):
    """``redis://``, blocking."""


class _Tls(_BlockingFollower, redis.SSLConnection):
    """``rediss://``, blocking."""


class _File(_BlockingFollower, redis.UnixDomainSocketConnection):
    """``unix://``, blocking."""


class _AsyncTcp(_AwaitedFollower, redis.asyncio.Connection):
    """``redis://`` for asyncio."""


class _AsyncTls(_AwaitedFollower, redis.asyncio.SSLConnection):
    """``rediss://`` for asyncio."""


class _AsyncFile(_AwaitedFollower, redis.asyncio.UnixDomainSocketConnection):
    """``unix://`` for asyncio."""


_BLOCKING: Final[dict[type, type]] = {kind.__bases__[1]: kind for kind in (_Tcp, _Tls, _File)}
_AWAITED: Final[dict[type, type]] = {kind.__bases__[1]: kind for kind in (_AsyncTcp, _AsyncTls, _AsyncFile)}
