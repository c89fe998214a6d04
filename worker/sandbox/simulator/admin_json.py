"""JSON in and out of the admin interface, and forms in."""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

T = TypeVar("T")


def answer(content: Any, *, status: int = 200) -> Response:
    """Encode an answer."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def order(request: Request, shape: type[T]) -> T:
    """Decode a request body: JSON, or the fields of a form. An empty body counts as ``{}``.

    curl calls JSON a form unless told otherwise, so what begins like a JSON object is one.

    Raises:
        msgspec.ValidationError: The body does not fit the shape; the answer is then a 400.
    """
    body = await request.body() or b"{}"
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if not is_form or body.lstrip()[:1] in (b"{", b"["):
        return msgspec.json.decode(body, type=shape)
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
    if not fields:
        raise msgspec.ValidationError("neither JSON nor a form")
    return msgspec.convert(dict(fields), shape, strict=False)
