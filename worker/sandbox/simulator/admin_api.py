"""The admin interface: JSON over HTTP on a port of its own, reachable when the gateway has vanished.

| Method and path | Body or query | Answer |
|---|---|---|
| ``GET /health`` | | ``{"ok": true}`` |
| ``POST /reset`` | | everything as at start, settings included |
| ``GET, PATCH /settings`` | names and new values | all settings |
| ``GET, POST /clock`` | ``advance_s`` or ``set`` (ISO 8601) | ``now``, ``offset_s``, ``paris`` |
| ``GET, PUT /balance`` | ``amount`` | ``amount`` |
| ``GET /blacklist``, ``PUT, DELETE /blacklist/{number}`` | | ``numbers`` |
| ``GET, POST, DELETE /faults`` | a `FaultRule`; its fault may name a ``preset`` | rules with their use |
| ``GET /faults/presets``, ``PUT, DELETE /faults/default`` | a `Fault` or ``preset`` | the presets |
| ``GET, POST, DELETE /fates`` | a `FateRule` | rules with their use |
| ``GET, POST, DELETE /auto-replies`` | an `AutoReply` | rules with their use |
| ``POST /listening`` | ``down_s`` (absent: for good), ``cut_connections``; or ``up`` | ``listening`` |
| ``POST /replies`` | ``number``, ``text``; ``ticket``, ``message_id_form`` | the event |
| ``POST /stops`` | ``number``; ``text``, ``ticket`` | the event |
| ``POST /receipts`` | ``ticket``, ``number``, ``status``; ``copies`` | the event |
| ``POST /callbacks/on`` | | switched-off URLs are used again |
| ``GET /callbacks`` | ``kind`` | list of `CallbackRecord` |
| ``GET /callbacks/violations`` | | those with violations |
| ``GET /accepted`` | ``request_id`` | list of `Campaign` |
| ``GET /messages`` | ``number``, ``request_id``, ``ticket`` | list of `HandsetMessage` |
| ``GET /counts`` | | what reached handsets per request_id and number, and per number and text |
| ``GET /attempts`` | ``request_id`` | posts, body hashes and outcomes per request_id |
| ``GET /requests`` | | list of `RequestRecord` |
| ``GET /stats`` | | total posts, most parallel, connections opened, pending callbacks, and so on |

A request whose Host is neither ``localhost`` nor an IP address gets a 421: a page in a browser might
otherwise make its own name resolve to this machine (DNS rebinding). Errors are 400 with ``{"error": …}``.
Numbers in a path or query need their ``+`` percent-encoded.
"""

from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from worker.sandbox.simulator.admin_controls import control_routes
from worker.sandbox.simulator.admin_json import answer
from worker.sandbox.simulator.admin_reports import report_routes
from worker.sandbox.simulator.admin_rules import rule_routes
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.simulator import Simulator


def create_admin_app(simulator: Simulator, listener: Listener) -> Starlette:
    """Build the admin's ASGI app.

    Args:
        simulator: The simulator that the app controls.
        listener: The gateway's port, for ``/listening``.
    """
    routes: Sequence[BaseRoute] = [
        *report_routes(simulator),
        *control_routes(simulator, listener),
        *rule_routes(simulator),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(_NoForeignNames)],
        exception_handlers={msgspec.ValidationError: _explain, msgspec.DecodeError: _explain},
    )


class _NoForeignNames:
    """Refuses requests whose Host is neither localhost nor an IP address, against DNS rebinding."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else ""
        refusal = answer({"error": "use localhost or an IP address"}, status=421)
        await (self._app if _is_ours(host) else refusal)(scope, receive, send)


def _is_ours(host: str) -> bool:
    with suppress(ValueError):
        name = urlsplit(f"//{host}").hostname or ""
        return name in {"", "localhost"} or bool(ip_address(name))
    return False


async def _explain(request: Request, error: Exception) -> Response:  # noqa: ARG001  (Starlette's shape)
    return answer({"error": str(error)}, status=400)
