"""A reader of server-sent events over a plain socket, which may read as slowly as a test wants."""

import json
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit


class ServerEvent(NamedTuple):
    """One event: its name, its id, its data decoded from JSON."""

    name: str
    id: str
    data: Any


class EventStream:
    """One GET of an event stream; a context manager.

    Args:
        url: Where the stream is.
        last_id: Sent as ``Last-Event-ID``, as by a browser that comes back.
        receive_bytes: Size of the socket's receive buffer; 0: the system's own.
    """

    def __init__(self, url: str, *, last_id: str = "", receive_bytes: int = 0) -> None:
        target = urlsplit(url)
        self._socket = socket.socket()
        if receive_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(15)
        self._socket.connect((target.hostname, target.port))
        again = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        head = f"GET {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\n{again}\r\n"
        self._socket.sendall(head.encode())
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def events(self) -> Iterator[ServerEvent]:
        """Yield the events as they come."""
        fields: dict[str, str] = {}
        for line in self._lines():
            name, _, value = line.partition(": ")
            fields[name] = value
            if not line and "event" in fields:
                yield ServerEvent(fields["event"], fields["id"], json.loads(fields["data"]))
            if not line:
                fields = {}

    def _lines(self) -> Iterator[str]:
        """Undo the chunks of the transfer, then split into lines."""
        while self._file.readline().strip():
            pass
        rest = b""
        while size := int(self._file.readline(), 16):
            rest += self._file.read(size)
            self._file.readline()
            *lines, rest = rest.split(b"\n")
            yield from (line.decode() for line in lines)
