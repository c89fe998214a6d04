"""A port that can vanish and come back; `uvicorn.Server` can neither do that nor stop at once."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from worker.sandbox.simulator.transport import Connection

_BACKLOG = 1024


class Listener:
    """Serves one ASGI app on one TCP port.

    The port stays reserved while nothing listens on it, so that clients get "connection refused" and no
    other process can take it.
    """

    def __init__(
        self, app: ASGIApp, *, host: str, port: int, on_open: Callable[[Connection], None] | None = None
    ) -> None:
        """Prepare; nothing is bound before `start`.

        Args:
            app: The app that answers.
            host: Address to bind.
            port: 0 for a free one.
            on_open: Called with each new connection.
        """
        self._config = uvicorn.Config(
            app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False
        )
        self._config.load()
        self._host = host
        self.port = port
        self._on_open = on_open
        self._state = ServerState()
        self._reservation: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._resumption: asyncio.TimerHandle | None = None

    @property
    def url(self) -> str:
        """``http://host:port``."""
        return f"http://{self._host}:{self.port}"

    @property
    def is_listening(self) -> bool:
        """Whether new connections are taken."""
        return self._server is not None

    async def start(self) -> None:
        """Reserve the port and listen.

        Raises:
            OSError: The port is taken.
        """
        self._reservation = self._bind()
        self.port = self._reservation.getsockname()[1]
        await self.listen()

    async def listen(self) -> None:
        """Take connections again; no effect while listening."""
        self._forget_resumption()
        if self._server is None and self._reservation is not None:
            self._server = await asyncio.get_running_loop().create_server(
                self._open, sock=self._bind(), backlog=_BACKLOG
            )

    def stop_listening(self, for_s: float | None = None, *, cut_connections: bool = True) -> None:
        """Refuse new connections.

        Args:
            for_s: Real seconds until connections are taken again; None: until `listen`.
            cut_connections: Reset the open ones too.
        """
        self._forget_resumption()
        if self._server is not None:
            self._server.close()
            self._server = None
        if cut_connections:
            for connection in self._connections():
                connection.reset()
        if for_s is not None:
            loop = asyncio.get_running_loop()
            self._resumption = loop.call_later(for_s, lambda: loop.create_task(self.listen()))

    async def close(self) -> None:
        """Stop for good: idle connections get FIN, calls under way are cut."""
        self.stop_listening(cut_connections=False)
        if self._reservation is not None:
            self._reservation.close()
            self._reservation = None
        for connection in self._connections():
            connection.close()
        await asyncio.sleep(0)
        for connection in self._connections():
            connection.reset()
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def _open(self) -> Connection:
        connection = Connection(self._config, self._state)
        if self._on_open is not None:
            self._on_open(connection)
        return connection

    def _bind(self) -> socket.socket:
        """Bind the port. The socket names TCP, since asyncio switches Nagle's delay off only then."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(bound.close)
            bound.bind((self._host, self.port))
            on_failure.pop_all()
        return bound

    def _connections(self) -> list[Connection]:
        return [c for c in self._state.connections if isinstance(c, Connection)]

    def _forget_resumption(self) -> None:
        if self._resumption is not None:
            self._resumption.cancel()
            self._resumption = None
