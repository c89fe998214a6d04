"""A network that fails on purpose: a TCP proxy between a client and Redis, or the gateway, with switches.

    with TcpProxy(redis_server.port) as proxy:
        client = redis.Redis(port=proxy.port)
        client.ping()
        proxy.drop_next_reply(after=b"EVALSHA")

Switches act at once, on open connections and on new ones. When either side hangs up, so does the other.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

_CHUNK_BYTES: Final = 65_536
#: Seconds in which the threads must have ended.
_PATIENCE_S: Final = 10.0


class TcpProxy:
    """Listens on a free loopback port and forwards to another port. Every method is thread-safe.

    Args:
        upstream_port: where the real server listens, on loopback.

    Attributes:
        port: where clients connect.
    """

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._lock = threading.Condition()
        self._links: list[_Link] = []
        self._stalled = False
        self._delay_s = 0.0
        self._drip_bytes = 0
        self._marker: bytes | None = None
        self._dropped = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="proxy", daemon=True)

    @property
    def replies_dropped(self) -> int:
        """How many replies were swallowed so far."""
        with self._lock:
            return self._dropped

    def pass_through(self) -> None:
        """Behave from now on; what stalled flows on, cut connections stay cut."""
        self._switch()

    def move(self, upstream_port: int) -> None:
        """Lead to another server, as a name does that was moved: open connections stay where they are."""
        self._upstream_port = upstream_port

    def drop_next_reply(self, after: bytes = b"") -> None:
        """Lose one answer: swallow what the server says next, then cut that connection.

        Args:
            after: wait for a request that contains these bytes; else the next words of the server are lost,
                whatever they answer.
        """
        with self._lock:
            self._marker = after
            for link in self._links:
                link.armed = not after
                link.tail = b""

    def delay(self, seconds: float) -> None:
        """Hold up every piece of data, in both directions, for so long."""
        self._switch(delay_s=seconds)

    def drip(self, interval_s: float, size: int = 1) -> None:
        """Hand on a few bytes at a time.

        Args:
            interval_s: seconds before each piece.
            size: bytes in a piece.
        """
        self._switch(delay_s=interval_s, drip_bytes=size)

    def half_open(self) -> None:
        """Accept connections and data but forward nothing, as behind a dead route, until `pass_through`."""
        self._switch(stalled=True)

    def cut_all(self) -> None:
        """Break all open connections; new ones are served."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.cut()

    def close(self) -> None:
        """Stop listening and break all connections. Safe to call twice."""
        # Closing alone would leave the acceptor waiting on some systems.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(_PATIENCE_S)
        self.cut_all()
        with self._lock:
            assert self._lock.wait_for(lambda: not self._links, _PATIENCE_S), "a connection stays open"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _switch(self, *, stalled: bool = False, delay_s: float = 0.0, drip_bytes: int = 0) -> None:
        with self._lock:
            self._stalled, self._delay_s, self._drip_bytes = stalled, delay_s, drip_bytes
            self._lock.notify_all()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._upstream_port), _PATIENCE_S)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                link = _Link(client, server, self._lock)
                with self._lock:
                    link.armed = self._marker == b""
                    self._links.append(link)
                threading.Thread(target=self._serve, args=(link,), name="proxy", daemon=True).start()

    def _serve(self, link: "_Link") -> None:
        link.run(self._carry)
        with self._lock:
            self._links.remove(link)
            self._lock.notify_all()

    def _carry(self, link: "_Link", chunk: bytes, target: socket.socket) -> None:
        """Do to one piece of data whatever the switches say.

        Raises:
            OSError: the connection is over.
        """
        with self._lock:
            if target is link.server:
                self._look_for_marker(link, chunk)
            elif link.armed and self._marker is not None:
                self._marker, link.armed = None, False
                self._dropped += 1
                raise ConnectionAbortedError
            self._lock.wait_for(lambda: not self._stalled or link.is_cut.is_set())
            delay_s, size = self._delay_s, self._drip_bytes or len(chunk)
        for start in range(0, len(chunk), size):
            if link.is_cut.wait(delay_s) if delay_s else link.is_cut.is_set():
                raise ConnectionAbortedError
            target.sendall(chunk[start : start + size])

    def _look_for_marker(self, link: "_Link", chunk: bytes) -> None:
        if self._marker:
            seen = link.tail + chunk
            link.armed = link.armed or self._marker in seen
            link.tail = seen[-len(self._marker) :]


class _Link:
    """One client's connection and the one to the server behind it, with a thread per direction."""

    def __init__(self, client: socket.socket, server: socket.socket, changed: threading.Condition) -> None:
        self.client, self.server, self._changed = client, server, changed
        self.is_cut = threading.Event()
        #: Whether the server's next words are to be lost, and the end of the client's last words.
        self.armed, self.tail = False, b""

    def run(self, carry: Callable[["_Link", bytes, socket.socket], None]) -> None:
        """Carry data both ways until either side ends, then close both."""

        def pump(source: socket.socket, target: socket.socket) -> None:
            with suppress(OSError):
                while chunk := source.recv(_CHUNK_BYTES):
                    carry(self, chunk, target)
            self.cut()

        replies = threading.Thread(target=pump, args=(self.server, self.client), name="proxy", daemon=True)
        replies.start()
        pump(self.client, self.server)
        replies.join()
        self.client.close()
        self.server.close()

    def cut(self) -> None:
        """Wake whatever waits on this connection; the threads then close it."""
        self.is_cut.set()
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._changed:
            self._changed.notify_all()
