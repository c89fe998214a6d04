"""JSON in and out of the admin interface."""

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

T = TypeVar("T")


def answer(content: Any, *, status: int = 200) -> Response:
    """Encode an answer."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def order(request: Request, shape: type[T]) -> T:
    """Decode a request body; an empty one counts as ``{}``.

    Raises:
        msgspec.ValidationError: The body does not fit the shape; the answer is then a 400.
    """
    return msgspec.json.decode(await request.body() or b"{}", type=shape)
