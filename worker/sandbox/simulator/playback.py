"""Write an answer to the wire, in the shape a fault gives it."""

import asyncio
from email.utils import formatdate
from typing import Any, NamedTuple

import msgspec
from starlette.types import Message, Receive, Scope, Send

from worker.sandbox.simulator.faults import Fault
from worker.sandbox.simulator.transport import SCOPE_KEY, Connection

_JSON = "application/json"
_HTML = "text/html; charset=utf-8"
_NOT_JSON = b"OK - message queued"
#: Statuses whose answers have no body.
_NO_CONTENT = frozenset({204, 304})
_NOT_HTTP = b"\x16\x03\x01 this is not HTTP\r\n\r\n"


class HttpReply(NamedTuple):
    """An HTTP answer; `headers` are those besides Content-Type and Content-Length."""

    status: int
    body: bytes
    content_type: str = _JSON
    headers: tuple[tuple[str, str], ...] = ()


def reshape(normal: HttpReply, fault: Fault, *, refusal_body: bytes, now: float) -> HttpReply:
    """Give the normal answer the shape of a fault.

    Args:
        normal: What the gateway would have answered.
        fault: The fault; shapes below HTTP leave the answer as it is.
        refusal_body: Body of the fault's own refusal.
        now: Seconds since the epoch, for a ``Retry-After`` that is a date.
    """
    status = fault.answered_status or fault.status or normal.status
    if fault.answer == "refusal":
        shaped = HttpReply(status, refusal_body)
    elif fault.answer == "html":
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        shaped = HttpReply(status, page.encode(), _HTML)
    elif fault.answer == "empty":
        shaped = HttpReply(status, b"")
    elif fault.answer == "not_json":
        shaped = HttpReply(status, _NOT_JSON)
    elif fault.answer == "no_ticket":
        shaped = HttpReply(status, _changed(normal.body, drop="sms_ticket"))
    elif fault.answer == "json":
        shaped = HttpReply(status, msgspec.json.encode(fault.body))
    elif fault.answer == "raw":
        shaped = HttpReply(status, fault.content)
    else:
        added = _changed(normal.body, add=fault.body) if fault.body else normal.body
        shaped = normal._replace(status=status, body=added)
    headers = [*shaped.headers, *fault.headers.items()]
    if fault.retry_after_s is not None:
        headers.append(("Retry-After", retry_after(fault, now)))
    content_type = shaped.content_type if fault.content_type is None else fault.content_type
    return shaped._replace(headers=tuple(headers), content_type=content_type)


def retry_after(fault: Fault, now: float) -> str:
    """Write a fault's ``Retry-After``."""
    seconds = fault.retry_after_s or 0.0
    if fault.retry_after_form == "date":
        return formatdate(now + seconds, usegmt=True)
    return f"{seconds:g}"


async def play(reply: HttpReply, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, or do what the fault does instead of answering."""
    if fault.answer == "silence":
        await _wait_for_disconnect(receive)
        return
    if fault.answer in ("reset", "reset_unread"):
        await cut(scope, receive, how="reset")
        return
    if fault.answer == "close":
        await cut(scope, receive, how="close")
        return
    if fault.answer == "garbage":
        connection_of(scope).write_raw(_NOT_HTTP)
        await cut(scope, receive, how="close")
        return
    if fault.on_reuse != "keep":
        connection_of(scope).cut_on_reuse(fault.on_reuse)
    if reply.status in _NO_CONTENT:
        reply = reply._replace(body=b"")
    await send(_head(reply))
    if fault.answer == "truncated":
        await send(_body(reply.body[: len(reply.body) // 2], more=True))
        await cut(scope, receive, how="close")
    elif fault.drip_ms:
        await _drip(reply.body, fault.drip_ms, send)
    else:
        await send(_body(reply.body))


async def cut(scope: Scope, receive: Receive, *, how: str) -> None:
    """Cut the connection: ``reset`` sends RST, anything else sends what was written and then FIN."""
    connection = connection_of(scope)
    if how == "reset":
        connection.reset()
    else:
        connection.close()
    await _wait_for_disconnect(receive)


def connection_of(scope: Scope) -> Connection:
    """Return the raw connection of a request.

    Raises:
        LookupError: The app is not served by this package's listener, so faults below HTTP cannot be played.
    """
    connection = scope.get(SCOPE_KEY)
    if not isinstance(connection, Connection):
        raise LookupError("faults below HTTP need the simulator's own listener")
    return connection


async def _drip(body: bytes, every_ms: int, send: Send) -> None:
    for position in range(len(body)):
        await asyncio.sleep(every_ms / 1000)
        await send(_body(body[position : position + 1], more=True))
    await send(_body(b""))


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(reply: HttpReply) -> Message:
    headers = [(name.lower(), value) for name, value in reply.headers]
    if reply.status not in _NO_CONTENT:
        headers += [("content-type", reply.content_type), ("content-length", str(len(reply.body)))]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return {"type": "http.response.start", "status": reply.status, "headers": encoded}


def _body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def _changed(body: bytes, *, drop: str = "", add: Any = None) -> bytes:
    decoded = msgspec.json.decode(body)
    if isinstance(decoded, dict):
        decoded.pop(drop, None)
        decoded |= add or {}
    return msgspec.json.encode(decoded)
