"""The routes of the phone page; for browsers on this machine only."""

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from worker.sandbox.simulator.admin_guard import is_loopback, page_at
from worker.sandbox.simulator.admin_json import answer
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.phone.page import page
from worker.sandbox.simulator.phone.stream import events
from worker.sandbox.simulator.simulator import Simulator

_FILES: Final = {
    "phone.css": "text/css; charset=utf-8",
    "phone.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

_Serve = Callable[[Request], Awaitable[Response]]


def page_routes(simulator: Simulator, listener: Listener) -> Sequence[Route]:
    """Build the routes: the page, its files, its events, and the way to the newest message."""

    async def show(request: Request) -> Response:
        return HTMLResponse(page(simulator, listener, request.query_params.get("number") or None))

    async def stream(request: Request) -> Response:
        last_id = request.headers.get("last-event-id", "")
        return StreamingResponse(events(simulator, listener, last_id), media_type="text/event-stream")

    async def latest(request: Request) -> Response:
        number = request.query_params.get("number")
        shown = [e for e in simulator.threads.entries(number) if e.message is not None and e.message.reached]
        if not shown:
            return answer({"error": "no handset shows such a message"}, status=404)
        return RedirectResponse(page_at(shown[-1].number, f"e{shown[-1].id}"), 303)

    served = {"/": show, "/events": stream, "/view/latest": latest}
    return [
        *(Route(path, _for_this_machine(serve)) for path, serve in served.items()),
        *(Route(f"/{name}", _for_this_machine(_file(name, kind))) for name, kind in _FILES.items()),
    ]


def _file(name: str, media_type: str) -> _Serve:
    async def serve(_: Request) -> Response:
        return Response(files(__package__).joinpath(name).read_bytes(), media_type=media_type)

    return serve


def _for_this_machine(serve: _Serve) -> _Serve:
    async def guarded(request: Request) -> Response:
        if not is_loopback(request.scope):
            return answer({"error": "the phone page is for browsers on its own machine"}, status=403)
        return await serve(request)

    return guarded
