"""Raw connections: uvicorn's HTTP protocol, with access to the socket for the faults below HTTP."""

import contextlib
import itertools
import socket
import struct
from asyncio import CancelledError, get_running_loop
from typing import Literal

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

#: Key of the `Connection` in an ASGI scope.
SCOPE_KEY = "simulator.connection"

#: SO_LINGER switched on, with a time of 0: closing sends RST instead of FIN.
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(H11Protocol):
    """One TCP connection from a client.

    Attributes:
        serial: 1 for the first connection of the process, and so on.
    """

    _serials = itertools.count(1)

    def __init__(self, config: uvicorn.Config, server_state: ServerState) -> None:
        super().__init__(config, server_state, {}, get_running_loop())
        self.serial = next(self._serials)
        self._on_reuse: Literal["keep", "close", "reset"] = "keep"
        self._inner = self.app
        self.app = self._with_connection

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the HTTP parser, unless they begin a request on a connection to be cut."""
        is_next_request = self.cycle is not None and self.cycle.response_complete
        if self._on_reuse == "keep" or not is_next_request:
            super().data_received(data)
        elif self._on_reuse == "reset":
            self.reset()
        else:
            self.close()

    def cut_on_reuse(self, how: Literal["keep", "close", "reset"]) -> None:
        """Choose what happens to the connection when the next request arrives on it."""
        self._on_reuse = how

    def reset(self) -> None:
        """Send RST at once; what was written and not yet sent is lost."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self.transport.abort()

    def close(self) -> None:
        """Send what was written, then FIN."""
        self.transport.close()

    def write_raw(self, data: bytes) -> None:
        """Write bytes past the HTTP parser."""
        self.transport.write(data)

    async def _with_connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[SCOPE_KEY] = self
        with contextlib.suppress(CancelledError):
            await self._inner(scope, receive, send)
