"""A customer's callback URL: records what the simulator posts and answers well or badly, as told."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from tests.support.waiting import until


class Received(NamedTuple):
    """One POST: path with query, headers in small letters, raw body, monotonic instant of arrival."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class CallbackReceiver:
    """An HTTP server in a thread.

    Attributes:
        status: Status of the answers to come.
        answer: Body of the answers to come.
        hold: While clear, answers wait for it.
        received: Everything posted so far.
    """

    def __init__(self) -> None:
        self.status = 200
        self.answer = b""
        self.hold = threading.Event()
        self.hold.set()
        self.received: list[Received] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/callbacks"

    def wait(self, count: int) -> list[Received]:
        """Return the first `count` posts, once they are there."""
        until(lambda: len(self.received) >= count)
        return self.received[:count]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body, time.monotonic()))
                receiver.hold.wait()
                try:
                    self.send_response(receiver.status)
                    self.send_header("Content-Length", str(len(receiver.answer)))
                    self.end_headers()
                    self.wfile.write(receiver.answer)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler
