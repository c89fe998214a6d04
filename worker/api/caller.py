"""Whoever made a call: it may go while the call waits, and then nobody reads the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Receive = Callable[[], Awaitable[Any]]


class Gone(Exception):
    """The client has closed its connection, and no byte of the answer has left."""


class Caller:
    """The client of one call, as long as its connection stands.

    Args:
        receive: of the request, once its body was read.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._leaving: asyncio.Task[None] | None = None

    async def stay(self) -> None:
        """Look whether the client is still there; to be called before something is done for it alone.

        Raises:
            Gone: it is not.
        """
        leaving = self._watched()
        # A connection that was lost before this step has told the watching task by the next one.
        await asyncio.sleep(0)
        if leaving.done():
            raise Gone

    async def wait(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait for something, but no longer than the client does.

        Raises:
            Gone: it went meanwhile.
        """
        leaving, waiter = self._watched(), asyncio.ensure_future(waiting)
        try:
            await asyncio.wait({waiter, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        if leaving.done():
            raise Gone
        await waiter

    def answered(self) -> None:
        """Watch no longer."""
        if self._leaving is not None:
            self._leaving.cancel()
            # The task holds this object, and would go only with a look for cycles, which is seldom.
            self._leaving = None

    def _watched(self) -> "asyncio.Task[None]":
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._until_gone())
        return self._leaving

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
