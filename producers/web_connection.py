"""Connections to the callback server: uvicorn's, with a deadline for heads and a limit of their number.

    octopush-worker web

uvicorn waits for the head of a request for ever. A thousand clients that send half of one use up the file
descriptors of the process, and then no callback is answered. Here a head must come within seconds. When there
are too many connections, the one that has kept us waiting longest is closed: a callback comes in one piece.
"""

import asyncio
import resource
from contextlib import suppress
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds from the beginning of a connection, or from the last answer on it, to the end of a request's head.
HEAD_S: Final = 5.0
#: Connections of one process at a time.
CONNECTIONS_MAX: Final = 1_000
#: File descriptors that the process asks for: connections that are being closed need some, too.
_FILES: Final = 8 * CONNECTIONS_MAX


def raise_file_limit() -> None:
    """Take as many file descriptors as the operating system grants without privileges. Safe to repeat."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Connection(H11Protocol):
    """One connection from a client; uvicorn makes it."""

    #: Connections whose request is not complete; the one that has waited longest comes first.
    _incomplete: ClassVar[dict["Connection", None]] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; make room if there are too many connections."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > CONNECTIONS_MAX:
            next(iter(self._incomplete), self).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._incomplete.pop(self, None)
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the parser; it may have the whole head now."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request, if the client keeps the connection."""
        super().on_response_complete()
        self._stop_waiting()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """End a connection whose bytes are no HTTP, also in the middle of a body or after the answer."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        with suppress(h11.LocalProtocolError):
            super().send_400_response(msg)
        self.transport.close()

    def _watch(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self._deadline = self._deadline or self.loop.call_later(HEAD_S, self.transport.close)
        else:
            self._stop_waiting()
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._incomplete.setdefault(self)
        else:
            self._incomplete.pop(self, None)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
