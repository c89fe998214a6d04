"""A Redis in the memory of this process, which runs the very scripts that a real Redis runs.

fakeredis keeps the data and runs Lua. So whatever a script decides (what is a repeat, what a conflict, what a
cancel still reaches) is decided in memory by the same lines: there is one truth.
"""

import asyncio
import hashlib
from typing import Any
from weakref import WeakKeyDictionary

import fakeredis
import redis
import redis.asyncio

from .lua_gaps import filled


class Memory:
    """One Redis in memory; all its clients see the same data. Thread-safe.

    Attributes:
        client: a blocking client.
    """

    def __init__(self) -> None:
        self._server = fakeredis.FakeServer()
        self.client: redis.Redis = _Client(server=self._server)
        self._of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = (
            WeakKeyDictionary()
        )

    def async_client(self) -> redis.asyncio.Redis:
        """Return the client of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._of_loops:
            self._of_loops[loop] = _AsyncClient(server=self._server)
        return self._of_loops[loop]


class _Client(fakeredis.FakeRedis):
    """Takes scripts as Redis does."""

    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:
        sha = _teach(self, script)
        return self.execute_command("EVALSHA", sha, numkeys, *keys_and_args)  # type: ignore[no-untyped-call]


class _AsyncClient(fakeredis.FakeAsyncRedis):
    """Takes scripts as Redis does."""

    async def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:
        sha = _teach(self, script)
        return await self.execute_command("EVALSHA", sha, numkeys, *keys_and_args)  # type: ignore[no-untyped-call]


def _teach(client: fakeredis.FakeRedis | fakeredis.FakeAsyncRedis, script: str) -> str:
    """Let the server know a script by the name of its own text, in words that fakeredis understands."""
    sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    server: fakeredis.FakeServer = client.connection_pool.connection_kwargs["server"]
    server.script_cache[sha.encode()] = filled(script).encode()
    return sha
