"""What every request passes before anything else looks at it, and every answer on its way out.

Requests under a foreign name (DNS rebinding) and actions that another site's page asks for (CSRF) end here.
Every answer, errors included, carries the headers that keep a browser from doing more with it than showing
it.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: No inline script or style, nothing from elsewhere, no frame around a page.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

#: Methods that change nothing.
_SAFE: Final = frozenset({"GET", "HEAD"})
#: A name or an address, and perhaps a port.
_HOST: Final = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


class Doors:
    """Turns away what must not come in; an ASGI application around another.

    Args:
        app: what is behind the doors.
        hosts: names under which the console is reached, besides those of this machine.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) != 1 or not self._is_ours(headers["host"]):
            return PlainTextResponse("No console under this name: CONSOLE_HOSTS lists its names.\n", 421)
        if scope["method"] not in _SAFE and not is_same_origin(headers):
            return PlainTextResponse("This request does not come from a page of the console.\n", 403)
        return None

    def _is_ours(self, host: str) -> bool:
        return is_loopback(host) or host_name(host) in self._hosts


def host_name(host: str) -> str:
    """Take the port off the value of a ``Host`` header; what is none names nothing."""
    found = _HOST.fullmatch(host.lower())
    return found[1] if found else ""


def is_loopback(host: str) -> bool:
    """Say whether the value of a ``Host`` header names this machine to itself."""
    name = host_name(host)
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"


def is_same_origin(headers: Headers) -> bool:
    """Say whether a page of the console asks: by ``Sec-Fetch-Site``, over plain HTTP by ``Origin``."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    try:
        return urlsplit(headers.get("origin", "")).netloc.lower() == headers.get("host", "-").lower()
    except ValueError:  # such as "http://["
        return False
