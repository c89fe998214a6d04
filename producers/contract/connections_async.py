"""The asyncio twins of `producers.contract.connections`."""

import asyncio
import time
from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio import connection as asyncio_connection

from .followers import Follower, is_refusal
from .outages import not_authenticated
from .redis_url import RedisUrl
from .route_of_url import route_of

#: How uvloop says, in a `RuntimeError`, that the other side has closed the connection just now.
_UVLOOP_CLOSED: Final = "the handler is closed"


def following_async(url: RedisUrl) -> dict[str, Any]:
    """Say the same for an asyncio pool; see `following`."""
    options: dict[str, Any] = {**asyncio_connection.parse_url(url.place.url)}
    kind = _AWAITED[options.get("connection_class", redis.asyncio.Connection)]
    return {**options, "connection_class": kind, "route": route_of(url)}


class _AwaitedFollower(Follower):
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
        asked_s, route = time.monotonic(), self._route
        try:
            address = await asyncio.to_thread(route.address) if route.ASKS else route.address()
        except redis.AuthenticationError as error:
            raise not_authenticated(error) or error from None
        self._begin(address, asked_s)
        await super()._connect()
        self._arrive(self._writer.get_extra_info("peername"))

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        if self.is_connected and self._asks_first():
            await asyncio.to_thread(self._route.refresh)
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
            if not is_refusal(error):
                raise
            await self.disconnect(nowait=True)
            raise self._lost(error) from None


class _AsyncTcp(_AwaitedFollower, redis.asyncio.Connection):
    """``redis://`` for asyncio."""


class _AsyncTls(_AwaitedFollower, redis.asyncio.SSLConnection):
    """``rediss://`` for asyncio."""


class _AsyncFile(_AwaitedFollower, redis.asyncio.UnixDomainSocketConnection):
    """``unix://`` for asyncio."""


_AWAITED: Final[dict[type, type]] = {kind.__bases__[1]: kind for kind in (_AsyncTcp, _AsyncTls, _AsyncFile)}
