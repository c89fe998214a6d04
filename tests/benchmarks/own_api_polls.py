"""Clients of `own_api` that wait for events, a process of their own: hundreds of polls by group.

stdin: one JSON object with ``port``, ``headers``, ``waiting`` (paths of polls, each repeated for ever on a
connection of its own) and ``watched`` (a path of a poll whose entries are noted and acknowledged). Writes a
line to stdout once every poll has begun. Ends when stdin does, and then writes one JSON object: ns by
CLOCK_MONOTONIC at which each entry was there, by its id.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any


class _Connection:
    """One keep-alive connection."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._port, self._headers = plan["port"], plan["headers"]

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def call(self, method: str, path: str, body: str = "") -> bytes:
        """Make a call, and return the body of its answer; what is not answered 200 ends everything."""
        said = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
        if body:
            said += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self._writer.write(f"{method} {path} HTTP/1.1\r\nhost: bench\r\n{said}\r\n{body}".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        answer = await self._reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if head[9:12] != b"200":
            raise RuntimeError(f"a poll was answered {head[9:12]!r}")
        return answer


async def _wait(plan: dict[str, Any], path: str) -> None:
    connection = _Connection(plan)
    await connection.open()
    while True:
        await connection.call("GET", path)


async def _watch(plan: dict[str, Any], seen: dict[str, int]) -> None:
    connection = _Connection(plan)
    await connection.open()
    while True:
        answer = await connection.call("GET", plan["watched"])
        now = time.monotonic_ns()
        ids = [each["entry_id"] for each in json.loads(answer)["entries"]]
        seen.update(dict.fromkeys(ids, now))
        if ids:
            said = {"stream": "replies", "group": "watched", "entry_ids": ids}
            await connection.call("POST", "/v1/events/ack", json.dumps(said))


async def _main() -> None:
    plan = json.loads(sys.stdin.readline())
    seen: dict[str, int] = {}
    polls = [asyncio.create_task(_watch(plan, seen))]
    for path in plan["waiting"]:
        polls.append(asyncio.create_task(_wait(plan, path)))
        await asyncio.sleep(0.005)
    print("waiting", flush=True)  # noqa: T201 - what the benchmark reads
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    over = asyncio.create_task(ended.wait())
    done, _ = await asyncio.wait({over, *polls}, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()
    print(json.dumps(seen), flush=True)  # noqa: T201 - what the benchmark reads
    for each in polls:
        each.cancel()
        with suppress(asyncio.CancelledError):
            await each


if __name__ == "__main__":
    asyncio.run(_main())
