"""A stand-in for the gateway's send call that costs as little CPU as it can, and counts.

It answers after a fixed delay and judges nothing: the simulator of the sandbox does that, at many times the
cost. HTTP/1.1 with keep-alive, one request at a time on a connection. The server part is plain standard
library, so that it runs in any environment; with uvloop installed beside its interpreter it uses that.

    with BenchGateway(delay_ms=100) as gateway:
        ...  # POST to gateway.base_url + "/sms-campaign/send"
        assert gateway.stats()["calls"] == 64
"""

import argparse
import asyncio
import functools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

#: The interpreter with uvloop that `environments` builds.
FAST_PYTHON = Path(__file__).parents[2] / ".bench" / "gateway" / "bin" / "python"

_TICKS = os.sysconf("SC_CLK_TCK")
_REQUEST_ID = re.compile(rb'"request_id"\s*:\s*"([^"]*)"')
_PHONE = re.compile(rb'"phone_number"\s*:\s*"([^"]*)"')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_TICKET = (
    b'{"sms_ticket":"sms_%022d","number_of_contacts":%d,"number_of_sms_needed":%d,'
    b'"residual_credit":100000.0,"total_cost":%.3f}'
)


class _Book:
    """What was counted since the last reset."""

    def __init__(self, *, delay_ms: float = 0.0, record: bool = False, mark: int = 0) -> None:
        self.delay_ms = delay_ms
        self.mark = mark
        self.calls = self.answered = self.recipients = self.repeated_ids = self.repeated_phones = 0
        self.in_flight = self.in_flight_max = self.marked = 0
        self.first_ns = self.mark_ns = self.last_ns = self.last_answer_ns = 0
        self.ids: set[bytes] = set()
        self.phones: set[bytes] = set()
        self.records: list[tuple[bytes, int]] | None = [] if record else None

    def count(self, body: bytes, at_ns: int) -> int:
        """Take down one call that began at a time, and return its recipients."""
        self.calls += 1
        self.last_ns = at_ns
        if self.calls == 1:
            self.first_ns = at_ns
        found = _REQUEST_ID.search(body)
        request_id = found[1] if found else b""
        phones = _PHONE.findall(body)
        self.recipients += len(phones)
        if not self.mark_ns and self.recipients >= self.mark:
            self.mark_ns, self.marked = at_ns, self.recipients
        self.repeated_ids += request_id in self.ids
        self.ids.add(request_id)
        before = len(self.phones)
        self.phones.update(phones)
        self.repeated_phones += len(phones) - (len(self.phones) - before)
        if self.records is not None:
            self.records.append((request_id, at_ns))
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        return len(phones)

    def stats(self) -> dict[str, Any]:
        """Give every number; ids and phones as how many there are."""
        hidden = {"ids", "phones", "records"}
        numbers = {name: value for name, value in vars(self).items() if name not in hidden}
        return {**numbers, "distinct_ids": len(self.ids), "distinct_phones": len(self.phones)}


class _Server:
    """Shared by all connections: the book, and tickets that never repeat."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.book = _Book()
        self.tickets = 0

    def admin(self, head: bytes, body: bytes) -> bytes:
        """Answer what is no send call."""
        if head.startswith(b"GET /v1/public/wallet/check-balance"):
            return _answer(b"200 OK", b'{"amount":100000.0,"unit":"\xe2\x82\xac"}')
        if head.startswith(b"GET /stats "):
            return _answer(b"200 OK", json.dumps(self.book.stats()).encode())
        if head.startswith(b"GET /records "):
            records = [(request_id.decode(), at_ns) for request_id, at_ns in self.book.records or ()]
            return _answer(b"200 OK", json.dumps(records).encode())
        if head.startswith(b"POST /reset "):
            self.book = _Book(**json.loads(body or b"{}"))
            return _answer(b"200 OK", b"{}")
        return _answer(b"404 Not Found", b"{}")


class _Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, server: _Server) -> None:
        self.server = server
        self.transport: Any = None
        self.buffer = b""
        self.began_ns = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect one request; most clients send its head and its body separately."""
        if not self.buffer:
            self.began_ns = time.monotonic_ns()
        data = self.buffer = self.buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(data, 0, end)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(data) < size:
            return
        self.buffer = data[size:]
        if data.startswith(b"POST /v1/public/sms-campaign/send "):
            self._send(data[end + 4 : size])
        else:
            self.transport.write(self.server.admin(data[:end], data[end + 4 : size]))

    def _send(self, body: bytes) -> None:
        book = self.server.book
        recipients = book.count(body, self.began_ns)
        if book.delay_ms:
            self.server.loop.call_later(book.delay_ms / 1000, self._accept, book, recipients)
        else:
            self._accept(book, recipients)

    def _accept(self, book: _Book, recipients: int) -> None:
        book.in_flight -= 1
        book.answered += 1
        book.last_answer_ns = time.monotonic_ns()
        self.server.tickets += 1
        ticket = _TICKET % (self.server.tickets, recipients, recipients, recipients * 0.05)
        # A client that was killed meanwhile has no use for its answer.
        if not self.transport.is_closing():
            self.transport.write(_answer(b"201 Created", ticket))


def _answer(status: bytes, body: bytes) -> bytes:
    return _HEAD % (status, len(body)) + body


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    state = _Server(loop)
    server = await loop.create_server(functools.partial(_Connection, state), "127.0.0.1", port, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - how the parent learns the port
    # The parent holds the other end: it reads as closed when the parent is gone, however it died.
    over = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()
    server.close()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port
    with suppress(ImportError):
        import uvloop  # only in the environment of the benchmarks

        uvloop.install()
    asyncio.run(_serve(port))


class BenchGateway:
    """The stand-in in a process of its own; a context manager.

    Args:
        delay_ms: milliseconds between a call and its answer.
        record: whether `records` is kept.
        python: the interpreter; None takes the one with uvloop if it was built, else this one.
    """

    def __init__(self, *, delay_ms: float = 0.0, record: bool = False, python: Path | None = None) -> None:
        self._start_with = {"delay_ms": delay_ms, "record": record}
        self._python = python or (FAST_PYTHON if FAST_PYTHON.exists() else Path(sys.executable))
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def base_url(self) -> str:
        """What ``OCTOPUSH_BASE_URL`` has to be."""
        return f"http://127.0.0.1:{self._port}/v1/public"

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None, "not started"
        return self._process.pid

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            # -S would be faster to start, but hides uvloop.
            [str(self._python), "-I", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self._port = int(self._process.stdout.readline())
            self.reset(**self._start_with)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                pipe.close()

    def stats(self) -> dict[str, Any]:
        """Read all numbers since the last reset; times are CLOCK_MONOTONIC in nanoseconds.

        ``calls``, ``answered``, ``recipients``, ``distinct_ids``, ``repeated_ids``, ``distinct_phones``,
        ``repeated_phones``, ``in_flight``, ``in_flight_max``, and the first byte of the first call, of the
        one that brought recipient number ``mark`` and of the last: ``first_ns``, ``mark_ns``, ``last_ns``;
        ``marked`` recipients had come by ``mark_ns``; ``last_answer_ns``.
        """
        return self._ask("GET", "/stats")

    def records(self) -> Iterable[tuple[str, int]]:
        """Read ``(request_id, ns)`` of each call's first byte, in their order; empty unless switched on."""
        return [(request_id, at_ns) for request_id, at_ns in self._ask("GET", "/records")]

    def reset(self, *, delay_ms: float = 0.0, record: bool = False, mark: int = 0) -> None:
        """Forget all numbers and behave as told from now on; calls in flight are answered uncounted.

        Args:
            delay_ms: milliseconds between a call and its answer.
            record: whether `records` is kept.
            mark: the call that brings this recipient has its time kept as ``mark_ns``; 0 for the first.
        """
        self._ask("POST", "/reset", {"delay_ms": delay_ms, "record": record, "mark": mark})

    def cpu_s(self) -> float:
        """Read the CPU seconds that the stand-in has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


if __name__ == "__main__":
    _main()
