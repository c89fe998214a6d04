"""Style, script and icon of the pages: read once, served as they are."""

import hashlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def static_routes() -> list[Route]:
    """Make a route for each file; they hold no secrets and need no session."""
    return [Route(f"/static/{name}", _endpoint(name, kind)) for name, kind in _TYPES.items()]


def _endpoint(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = (files("worker.console") / "static" / name).read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # Kept, but asked about each time: a new version of the console shows at once.
    headers = {"ETag": etag, "Cache-Control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(content, headers=headers, media_type=kind)

    return answer
