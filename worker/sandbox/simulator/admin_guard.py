"""Who may call the admin interface from a browser, and what browsers may do with its answers.

Programs (curl, test clients) send neither ``Sec-Fetch-Site`` nor ``Origin`` and are let through.
"""

from contextlib import suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.sandbox.simulator.admin_json import answer
from worker.sandbox.simulator.threads import Threads

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM: Final = "application/x-www-form-urlencoded"
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class AdminGuard:
    """Refuses foreign names and foreign pages, and gives every answer its headers.

    A Host that is neither ``localhost`` nor an IP address gets a 421, against DNS rebinding. A write that a
    browser makes for another site gets a 403. A form that a browser posts by itself, without a script, is
    answered with the page: the query's ``number`` names the thread to show. Every write wakes those who look.
    """

    def __init__(self, app: ASGIApp, threads: Threads) -> None:
        self._app = app
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        goes_back = _is_plain_form(scope, headers)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    own[name] = value
                if goes_back and message["status"] < 400:
                    message["status"] = 303
                    own["location"] = page_at(QueryParams(scope["query_string"]).get("number"))
            await send(message)

        await self._admitted(scope, headers)(scope, receive, guarded)
        if scope["method"] not in _READING:
            self._threads.wake()

    def _admitted(self, scope: Scope, headers: Headers) -> ASGIApp:
        if not _is_ours(headers.get("host", "")):
            return answer({"error": "use localhost or an IP address"}, status=421)
        if scope["method"] not in _READING and not _is_same_site(headers):
            return answer({"error": "a page of another site may not do this"}, status=403)
        return self._app


def is_loopback(scope: Scope) -> bool:
    """Tell whether a request comes from this machine."""
    client = scope.get("client")
    with suppress(ValueError):
        return client is None or ip_address(client[0]).is_loopback
    return False


def page_at(number: str | None, place: str = "") -> str:
    """Return the address of the page, open at a number, and at an element of the thread."""
    query = f"?{urlencode({'number': number})}" if number else ""
    return f"/{query}{f'#{place}' if place else ''}"


def _is_ours(host: str) -> bool:
    with suppress(ValueError):
        name = urlsplit(f"//{host}").hostname or ""
        return name in {"", "localhost"} or bool(ip_address(name))
    return False


def _is_same_site(headers: Headers) -> bool:
    """Believe ``Sec-Fetch-Site``; without it, as from older browsers, compare ``Origin`` with ``Host``."""
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or origin == f"http://{headers.get('host', '')}"


def _is_plain_form(scope: Scope, headers: Headers) -> bool:
    is_form = headers.get("content-type", "").startswith(_FORM)
    return scope["method"] == "POST" and is_form and "text/html" in headers.get("accept", "")
