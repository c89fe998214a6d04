"""Clients for one call that goes wrong: `SmsOutbox.fail_next` hands them to producers."""

from collections.abc import Callable
from typing import Any

import fakeredis
import redis
import redis.asyncio


class Failing(fakeredis.FakeRedis):
    """A client whose next call goes wrong.

    Args:
        error: what the call raises.
        client: carries the call out before that, so that only its answer is lost; None if it is not made.
        happened: called as it goes wrong.
    """

    def __init__(self, error: Exception, client: redis.Redis | None, happened: Callable[[], None]) -> None:
        # Whoever goes round `execute_command` finds nobody, and comes back to it.
        super().__init__(server=_unreachable())
        self._error, self._client, self._happened = error, client, happened

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Go wrong, perhaps after it was done."""
        if self._client is not None:
            self._client.execute_command(*args, **options)  # type: ignore[no-untyped-call]
        self._happened()
        raise self._error

    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Go wrong, perhaps after it was done."""
        if self._client is not None:
            self._client.eval(script, numkeys, *keys_and_args)
        self._happened()
        raise self._error

    def pipeline(self, *_: Any, **__: Any) -> Any:
        """Go wrong."""
        self._happened()
        raise self._error


class AsyncFailing(fakeredis.FakeAsyncRedis):
    """`Failing` for asyncio."""

    def __init__(
        self, error: Exception, client: redis.asyncio.Redis | None, happened: Callable[[], None]
    ) -> None:
        super().__init__(server=_unreachable())
        self._error, self._client, self._happened = error, client, happened

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Go wrong, perhaps after it was done."""
        if self._client is not None:
            await self._client.execute_command(*args, **options)  # type: ignore[no-untyped-call]
        self._happened()
        raise self._error

    async def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Go wrong, perhaps after it was done."""
        if self._client is not None:
            await self._client.eval(script, numkeys, *keys_and_args)
        self._happened()
        raise self._error

    def pipeline(self, *_: Any, **__: Any) -> Any:
        """Go wrong."""
        self._happened()
        raise self._error


def _unreachable() -> fakeredis.FakeServer:
    server = fakeredis.FakeServer()
    server.connected = False
    return server
