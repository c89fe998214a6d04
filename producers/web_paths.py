"""Whom a process of ours answers at which path: one spelling of each, and scrapers that come straight."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .contract.addresses import Addresses

#: After a refusal the rest of the body, however long, is not worth reading.
CLOSE: Final = {"Connection": "close"}
#: Headers that a proxy adds. A proxy is to pass on callbacks only.
_PROXIED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")


class ExactPaths:
    """Answers 404 to paths that are written in another way than a client of ours writes them.

    A path that a proxy lets through must be the path that is served. Only the token may be percent-encoded:
    nobody knows how the gateway writes the URL that it was told.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_served = scope["type"] != "http" or _is_exact(scope["path"], scope.get("raw_path"))
        await (self._app if is_served else Response(status_code=404, headers=CLOSE))(scope, receive, send)


def _is_exact(path: str, raw: bytes | None) -> bool:
    raw = path.encode() if raw is None else raw
    return path.isprintable() and (raw == path.encode() or b"/callbacks/" in raw)


def client_of(request: Request) -> str | None:
    """Return the address of whoever calls, if it is known."""
    return request.client.host if request.client else None


def is_scraper(request: Request, allowed: Addresses) -> bool:
    """Say whether somebody may read metrics: from an allowed address, and not through a proxy."""
    return not any(name in request.headers for name in _PROXIED) and allowed.allow(client_of(request))
