"""One HTTP POST on a connection of its own, with a limit on the whole exchange.

The POST uses asyncio streams and h11, so that the simulator starts fast and the limit covers everything from
connecting to the last byte of the answer.
"""

import asyncio
import contextlib
import ssl
import time
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import h11

_READ_BYTES = 65_536


class Posted(NamedTuple):
    """How a POST ended.

    Attributes:
        status: HTTP status; None when no whole answer came in time.
        ms: Real milliseconds it took.
        answer_bytes: Length of the answer's body.
        error: Empty, ``timeout``, or the name of what went wrong.
        connected: Whether the server took the connection.
    """

    status: int | None
    ms: float
    answer_bytes: int
    error: str
    connected: bool


async def post(url: str, body: bytes, *, content_type: str, timeout_s: float) -> Posted:
    """POST a body; failures are returned, never raised.

    Args:
        url: ``http`` or ``https``; its query string is sent unchanged.
        body: Sent as it is.
        content_type: Empty for no such header.
        timeout_s: Limit on connecting, sending and reading the answer together.
    """
    started = time.monotonic()
    status, size, error, connected = None, 0, "", False
    try:
        target = urlsplit(url)
        async with asyncio.timeout(timeout_s):
            secure = ssl.create_default_context() if target.scheme == "https" else None
            streams = await asyncio.open_connection(target.hostname, _port(target), ssl=secure)
            connected = True
            status, size = await _exchange(streams, target, body, content_type)
    except TimeoutError:
        error = "timeout"
    except (OSError, ValueError, h11.ProtocolError) as broken:
        error = type(broken).__name__
    return Posted(status, round((time.monotonic() - started) * 1000, 1), size, error, connected)


async def is_taken(url: str) -> bool:
    """Tell whether the place where a URL points to takes connections."""
    target = urlsplit(url)
    with contextlib.suppress(OSError, ValueError, TimeoutError):
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection(target.hostname, _port(target))
        writer.close()
        return True
    return False


def _port(target: SplitResult) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


async def _exchange(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    target: SplitResult,
    body: bytes,
    content_type: str,
) -> tuple[int, int]:
    reader, writer = streams
    try:
        connection = h11.Connection(h11.CLIENT)
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        head = h11.Request(method="POST", target=path, headers=_headers(target.netloc, body, content_type))
        parts = (
            connection.send(head),
            connection.send(h11.Data(data=body)),
            connection.send(h11.EndOfMessage()),
        )
        writer.write(b"".join(part for part in parts if part))
        await writer.drain()
        return await _answer(connection, reader)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _headers(netloc: str, body: bytes, content_type: str) -> list[tuple[str, str]]:
    headers = [
        ("Host", netloc.rpartition("@")[2]),
        ("User-Agent", "octopush-simulator"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    return [*headers, ("Content-Type", content_type)] if content_type else headers


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, int]:
    status, size = 0, 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            size += len(event.data)
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            return status, size
