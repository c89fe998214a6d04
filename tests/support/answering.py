"""A server that answers every request alike: what stands where somebody else was expected."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Answering(ThreadingHTTPServer):
    """A server that answers every request alike.

    Args:
        status: of each answer.
        body: of each answer.
        endless: whether more follows, without an end.
        changes: status of answers to PATCH, where it is another one.
        headers: of each answer.
    """

    def __init__(
        self, status: int, body: bytes = b"", *, endless: bool = False, changes: int = 0, **headers: str
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(status)

            def do_POST(self) -> None:
                self._answer(status)

            def do_PATCH(self) -> None:
                self._answer(changes or status)

            def _answer(self, status: int) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.methods.append(self.command)
                self.send_response(status)
                length: Mapping[str, str] = {} if endless else {"Content-Length": str(len(body))}
                for name, value in {**headers, **length}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body)
                    while endless:
                        self.wfile.write(b"x" * 65_536)

            def log_message(self, *_: object) -> None:
                pass

        outer = self
        self.methods: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return super().__enter__()

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        super().__exit__(*args)
