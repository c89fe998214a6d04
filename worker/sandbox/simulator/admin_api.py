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
| ``POST /replies`` | ``number``, ``text``; ``after_ms``, ``copies``, ``ticket``, … | the event |
| ``POST /stops`` | ``number``; ``text``, ``ticket`` | the event |
| ``POST /starts`` | ``number``; ``text`` | the event |
| ``GET, POST /handsets`` | ``number``; ``receipts``, ``blocked`` | what was chosen for each number |
| ``POST /receipts`` | ``ticket``, ``number``, ``status``; ``copies`` | the event |
| ``POST /callbacks/on`` | | switched-off URLs are used again |
| ``POST /callbacks/repost`` | ``event``: its ``serial`` | the event, posted once more |
| ``GET /callbacks`` | ``kind`` | list of `CallbackRecord` |
| ``GET /callbacks/violations`` | | those with violations |
| ``GET /accepted`` | ``request_id`` | list of `Campaign` |
| ``GET /messages`` | ``number``, ``request_id``, ``ticket``, ``text``, ``wait`` | list of `HandsetMessage` |
| ``DELETE /messages`` | ``number`` | how many were ``forgotten``, all without a number |
| ``GET /threads`` | ``number`` | list of `EntryInWords`, the newest of both directions |
| ``GET /events`` | header ``Last-Event-ID`` | the same and every change, as server-sent events |
| ``GET /`` | ``number`` | the phone page |
| ``GET /view/latest`` | ``number`` | a redirect to the newest message on the page; else 404 |
| ``GET /readyz`` | ``wait`` | 200 once gateway and callback URL take connections; else 503 |
| ``GET /counts`` | | what reached handsets per request_id and number, and per number and text |
| ``GET /attempts`` | ``request_id`` | posts, body hashes and outcomes per request_id |
| ``GET /requests`` | | list of `RequestRecord` |
| ``GET /stats`` | | total posts, most parallel, connections opened, pending callbacks, and so on |

Bodies are JSON, or forms with the same names. ``wait`` is in real seconds, at most 60: the answer comes as
soon as there is something to tell, or when the time is over. A ``text`` to look for may be a part. A reply
with ``after_ms`` is no event yet: its order comes back, with a 202. Errors are 400 with ``{"error": …}``.
Numbers in a path or query need their ``+`` percent-encoded. `admin_guard` says what browsers may do. The
phone page and ``/events`` are for this machine only.
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
