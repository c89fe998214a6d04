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
| ``GET, POST /weather`` | ``weather``: `Weather` | the weather, and all there is |
| ``POST /listening`` | ``down_s`` (absent: for good), ``cut_connections``; or ``up`` | ``listening`` |
| ``POST /replies`` | ``number``, ``text``; ``ticket``, ``message_id_form``, ``copies``, ``after_ms`` | the event; with ``after_ms`` what was asked |
| ``POST /stops`` | ``number``; ``text``, ``ticket`` | the event |
| ``POST /starts`` | ``number``; ``text`` | the event |
| ``GET, POST /handsets`` | ``number``; ``receipts``, ``blocked`` | the numbers, and what was chosen for each |
| ``POST /receipts`` | ``ticket``, ``number``, ``status``; ``copies`` | the event |
| ``POST /callbacks/on`` | | switched-off URLs are used again |
| ``POST /callbacks/repost`` | ``event``: serial number | the event, which is posted once more |
| ``GET /callbacks`` | ``kind`` | list of `CallbackRecord` |
| ``GET /callbacks/violations`` | | those with violations |
| ``GET /accepted`` | ``request_id`` | list of `Campaign` |
| ``GET, DELETE /messages`` | ``number``, ``request_id``, ``ticket``, ``text`` (a part), ``wait`` (s, at most 60) | list of `HandsetMessage`, as soon as there is one; how many of ``number`` were forgotten |
| ``GET /threads`` | ``number`` | list of `EntryInWords`: the newest 500, both directions |
| ``GET /events`` | ``Last-Event-ID`` | the same and what changes, as server-sent events |
| ``GET /``, ``GET /view/latest`` | ``number`` | the phone page; a redirect to the newest message on it, or 404 |
| ``GET /readyz`` | ``wait`` (s, at most 60) | 200 once the gateway listens and the callback URL takes connections, else 503 |
| ``GET /counts`` | | what reached handsets per request_id and number, and per number and text |
| ``GET /attempts`` | ``request_id`` | posts, body hashes and outcomes per request_id |
| ``GET /requests`` | | list of `RequestRecord` |
| ``GET /stats`` | | total posts, most parallel, connections opened, pending callbacks, and so on |

Bodies are JSON, or forms with the same names. Errors are 400 with ``{"error": …}``. Numbers in a path or query
need their ``+`` percent-encoded. `admin_guard` says what browsers may do; the phone page and ``/events`` are for
this machine only.
"""

from collections.abc import Sequence

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from worker.sandbox.simulator.admin_controls import control_routes
from worker.sandbox.simulator.admin_guard import AdminGuard
from worker.sandbox.simulator.admin_handsets import handset_routes
from worker.sandbox.simulator.admin_json import answer
from worker.sandbox.simulator.admin_reports import report_routes
from worker.sandbox.simulator.admin_rules import rule_routes
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.phone.page_routes import page_routes
from worker.sandbox.simulator.simulator import Simulator


def create_admin_app(simulator: Simulator, listener: Listener) -> Starlette:
    """Build the admin's ASGI app.

    Args:
        simulator: The simulator that the app controls.
        listener: The gateway's port, for ``/listening``.
    """
    routes: Sequence[BaseRoute] = [
        *page_routes(simulator, listener),
        *report_routes(simulator, listener),
        *handset_routes(simulator),
        *control_routes(simulator, listener),
        *rule_routes(simulator),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(AdminGuard, threads=simulator.threads)],
        exception_handlers={msgspec.ValidationError: _explain, msgspec.DecodeError: _explain},
    )


async def _explain(request: Request, error: Exception) -> Response:  # noqa: ARG001  (Starlette's shape)
    return answer({"error": str(error)}, status=400)
