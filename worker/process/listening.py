"""A web server that says in one line where it listens, and what it lacks."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import redis.asyncio
import uvicorn

from producers.contract.clients import CALLBACKS, connect_async
from producers.contract.keys import Keys
from producers.contract.outages import refused, what_is_refused
from producers.contract.scripts import REDIS_ERRORS
from producers.contract.serving import serving
from producers.contract.settings import RedisSettings

#: Seconds that Redis has to answer before it is said to be away.
_ANSWER_S: Final = 1.0

#: Asks Redis what a process must be allowed to ask, and fails if it is not.
Asking = Callable[[redis.asyncio.Redis, RedisSettings], Awaitable[object]]


def ask_whether_served(client: redis.asyncio.Redis, settings: RedisSettings) -> Awaitable[object]:
    """Run a script, as all processes do but the one that only reads."""
    return serving(Keys(settings.namespace)).arun(client)


class Listening(uvicorn.Server):
    """A server that writes a line on standard error once it listens: words on a terminal, else JSON.

    Args:
        config: of the server.
        name: of the process, such as ``web``.
        lacks: says what it lacks besides Redis, a sentence each; asked once it listens.
        ask: a question to Redis which the process must be allowed to ask; asked then, too.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        name: str,
        lacks: Callable[[], Iterable[str]] = tuple,
        ask: Asking = ask_whether_served,
    ) -> None:
        super().__init__(config)
        self._name, self._lacks, self._ask = name, lacks, ask
        self._telling: asyncio.Task[None] | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            # Who calls at once is served meanwhile.
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        settings = RedisSettings.from_env(os.environ)
        namespace = settings.namespace
        problems = [*await _redis_problems(settings, self._ask), *self._lacks()]
        where = self._address()
        if sys.stderr.isatty():
            sys.stderr.write(
                "; ".join([f"octopush-worker {self._name} listens on {where}", *problems]) + "\n"
            )
            return
        line = {
            "event": f"{self._name}.listening",
            "timestamp": datetime.now(UTC).isoformat(),
            "level": "warning" if problems else "info",
            "url": where,
            "namespace": namespace,
        }
        line |= {"problem": "; ".join(problems)} if problems else {}
        sys.stderr.write(json.dumps(line) + "\n")

    def _address(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def _redis_problems(settings: RedisSettings, ask: Asking) -> list[str]:
    """Say what is wrong with Redis or its data, which does not keep a web process from starting."""
    url = settings.redis_url
    client = connect_async(url, CALLBACKS)
    try:
        async with asyncio.timeout(_ANSWER_S):
            await ask(client, settings)
    except (*REDIS_ERRORS, OSError) as error:
        what = what_is_refused(error)
        return [
            refused(str(url), what) if what else f"Redis at {url} does not answer ({type(error).__name__})"
        ]
    finally:
        await client.aclose()
    return []
