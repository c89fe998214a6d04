"""An ASGI application in the process of the tests, with an event loop of its own and a client of it."""

import asyncio
from typing import Any, Self

import httpx


class AppInProcess:
    """One application, from its start to its shutdown.

    Args:
        app: the application.
        base_url: under which it is reached.
        address: where its client is.
    """

    def __init__(self, app: Any, base_url: str, address: str = "127.0.0.1") -> None:
        self._runner = asyncio.Runner()
        self._app = app
        transport = httpx.ASGITransport(app, client=(address, 1))
        self.http = httpx.AsyncClient(transport=transport, base_url=base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self.http.aclose())
        self._runner.run(self._shut_down())
        self._runner.close()

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the loop of the application."""
        return self._runner.run(coroutine)

    async def _shut_down(self) -> None:
        """Let the application close its connections."""
        asked = iter(("lifespan.startup", "lifespan.shutdown"))

        async def receive() -> dict[str, str]:
            return {"type": next(asked)}

        async def send(_: object) -> None:
            pass

        await self._app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
