"""Somebody's server that takes webhooks, well or badly: it writes what it likes on the connection."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.support.waiting import until

GOOD = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def answer(status: int, *headers: str) -> bytes:
    """Write an answer without a body."""
    lines = [f"HTTP/1.1 {status} x", "Content-Length: 0", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True)
class Post:
    """One POST: its headers in small letters, its body, and when it came, on the monotonic clock."""

    line: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event_id(self) -> str:
        """Names the event."""
        return self.headers["webhook-id"]


class WebhookReceiver:
    """A server in threads.

    Args:
        port: where it listens; any free port by default.

    Attributes:
        respond: what it does about a POST: writes an answer to the connection, or does not.
        posts: everything that came, in order.
    """

    def __init__(self, port: int = 0) -> None:
        self.respond: Callable[[Post, socket.socket], None] = lambda _, connection: connection.sendall(GOOD)
        self.posts: list[Post] = []
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    receiver._handle(self.rfile, self.connection)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self.port}/hooks/canary-path?key=canary-query"

    @property
    def event_ids(self) -> list[str]:
        """The events that came, in order, repeats included."""
        return [post.event_id for post in self.posts]

    def wait(self, count: int, seconds: float = 15.0) -> list[Post]:
        """Return the first POSTs, once so many are there."""
        until(lambda: len(self.posts) >= count, seconds)
        return self.posts[:count]

    def answers(self, data: bytes) -> None:
        """Answer from now on with these bytes."""
        self.respond = lambda _, connection: connection.sendall(data)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, stream: socketserver.StreamRequestHandler, connection: socket.socket) -> None:
        line = stream.readline().decode("latin-1").strip()
        if not line:
            return
        headers = {}
        while header := stream.readline().decode("latin-1").strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        post = Post(line, headers, body, time.monotonic())
        self.posts.append(post)
        self.respond(post, connection)
