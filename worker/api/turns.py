"""Turns: of many calls that come at once, few ask Redis at a time, in the order in which they came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis


class Turns:
    """Hands out a number of turns. For one event loop.

    The pool of connections gives a free connection to whoever asks next, so that one of hundreds who wait may
    wait until its time is up; and hundreds who are answered at once keep the event loop from all others.

    Args:
        many: how many have a turn at a time.
        patience_s: seconds that one waits for it.
    """

    def __init__(self, many: int, patience_s: float) -> None:
        self._free = asyncio.Semaphore(many)
        self._patience_s = patience_s

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it within the block.

        Raises:
            redis.TimeoutError: there was none in time, as if Redis had not answered.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                await self._free.acquire()
        except TimeoutError:
            raise redis.TimeoutError("no turn") from None
        try:
            yield
        finally:
            self._free.release()
