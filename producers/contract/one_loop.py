"""Which event loop a client for asyncio belongs to."""

import asyncio

from ..errors import WrongEventLoop


class OneLoop:
    """Ties a client to the event loop in which it is used first: its connections belong to that loop.

    Args:
        name: what the client is called.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        """Make sure that the running event loop is the first one.

        Raises:
            WrongEventLoop: it is another one.
        """
        running = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = running
        elif self._loop is not running:
            raise WrongEventLoop(self._name)
