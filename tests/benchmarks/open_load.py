"""Load generator, a process of its own: requests at scheduled instants, whatever comes back.

An open loop: departures follow the schedule even while answers are late, and a request that finds no free
connection waits for one with its clock running. So a stall of the server shows in every call that it delayed.
Plain standard library over raw sockets, since two cores have to carry it beside what it measures.

stdin: one JSON object with ``port``, ``headers``, ``rate_per_s`` (0: all at once, as connections get free),
``connections`` and ``requests``, each of them method, path and body; stdout: one JSON array with ``[scheduled
ns, ready ns, answered ns, status, bytes of the body]`` for each request, by CLOCK_MONOTONIC; status 0 for a
connection that broke.
"""

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any

#: Seconds between the connections and the first departure.
_HEAD_START_S = 0.2
#: Seconds after the last departure for which answers are waited for.
_PATIENCE_S = 30.0


class _Load:
    """The schedule, the free connections, and what came back."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.port, self.connections = plan["port"], plan["connections"]
        self.interval_ns = int(1e9 / plan["rate_per_s"]) if plan["rate_per_s"] else 0
        self.requests = [_request(plan["headers"], *each) for each in plan["requests"]]
        self.results: list[list[int]] = [[0] * 5 for _ in self.requests]
        self.free: deque[_Connection] = deque()
        self.due: deque[int] = deque()
        self.left = len(self.requests)
        self.done = asyncio.Event()
        self.opening: set[asyncio.Task[None]] = set()

    async def go(self) -> None:
        for _ in range(self.connections):
            await self._open()
        start_ns = time.monotonic_ns() + int(_HEAD_START_S * 1e9)
        for i in range(len(self.requests)):
            at_ns = start_ns + i * self.interval_ns
            if (wait_ns := at_ns - time.monotonic_ns()) > 0:
                await asyncio.sleep(wait_ns / 1e9)
            self.results[i][:2] = [at_ns, time.monotonic_ns()]
            self.due.append(i)
            self.depart()
        async with asyncio.timeout(_PATIENCE_S):
            await self.done.wait()

    def depart(self) -> None:
        """Send what is due, as far as connections are free."""
        while self.due and self.free:
            i = self.due.popleft()
            self.free.popleft().send(i, self.requests[i])

    def end(self, i: int, status: int, length: int = 0) -> None:
        """Take down how one request ended."""
        self.results[i][2:] = [time.monotonic_ns(), status, length]
        self.left -= 1
        if not self.left:
            self.done.set()

    def replace(self) -> None:
        """Open a connection in place of one that closed."""
        if self.left:
            task = asyncio.get_running_loop().create_task(self._open())
            self.opening.add(task)
            task.add_done_callback(self.opening.discard)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)


class _Connection(asyncio.Protocol):
    """One keep-alive connection, with at most one request under way."""

    def __init__(self, load: _Load) -> None:
        self.load = load
        self.transport: Any = None
        self.busy_with: int | None = None
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.load.free.append(self)
        self.load.depart()

    def send(self, i: int, request: bytes) -> None:
        """Write one request."""
        self.busy_with = i
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Read one answer; all of them say how long they are."""
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        head = head.lower() + b"\r\n"
        length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        if not end or len(body) < length or self.busy_with is None:
            return
        self.buffer = b""
        i, self.busy_with = self.busy_with, None
        self.load.end(i, int(head[9:12]), length)
        if b"\r\nconnection: close\r\n" not in head:
            self.load.free.append(self)
            self.load.depart()

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self.load.free:
            self.load.free.remove(self)
        if self.busy_with is not None:
            self.load.end(self.busy_with, 0)
        self.load.replace()


def _request(headers: dict[str, str], method: str, path: str, body: str) -> bytes:
    content = body.encode()
    named = {"host": "bench", "content-type": "application/json", "content-length": len(content), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content


async def _main() -> None:
    load = _Load(json.load(sys.stdin))
    await load.go()
    json.dump(load.results, sys.stdout)


if __name__ == "__main__":
    asyncio.run(_main())
