"""Admin reads: what arrived, what was accepted, what handsets show, how callbacks were answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.sandbox.simulator.admin_json import answer
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.phone.wording import EntryInWords, in_words
from worker.sandbox.simulator.postman import is_taken
from worker.sandbox.simulator.simulator import Simulator
from worker.sandbox.simulator.threads import Entry

#: Longest real time that a caller may wait for, in seconds.
_LONGEST_WAIT_S: Final = 60.0
_POLL_S: Final = 0.1


def report_routes(simulator: Simulator, listener: Listener) -> Sequence[Route]:
    """Build the routes that read, and the one that forgets messages."""
    journal, handsets, callbacks = simulator.gateway.journal, simulator.network.handsets, simulator.callbacks
    threads = simulator.threads

    def told(entries: Sequence[Entry]) -> list[EntryInWords]:
        return [in_words(entry, handsets) for entry in entries]

    return [
        _get("/health", lambda _: {"ok": True}),
        _get("/accepted", lambda query: journal.accepted(query.get("request_id"))),
        Route("/messages", _messages(simulator), methods=["GET", "DELETE"]),
        Route("/readyz", _readyz(simulator, listener)),
        _get("/threads", lambda query: told(threads.entries(query.get("number")))),
        _get("/counts", lambda _: handsets.counts()),
        _get("/attempts", lambda query: journal.attempts(query.get("request_id"))),
        _get("/requests", lambda _: journal.requests),
        _get("/stats", lambda _: _stats(simulator)),
        _get("/callbacks", lambda query: callbacks.of_kind(query.get("kind"))),
        _get("/callbacks/violations", lambda _: callbacks.violating()),
    ]


def _get(path: str, read: Callable[[QueryParams], Any]) -> Route:
    async def serve(request: Request) -> Response:
        return answer(read(request.query_params))

    return Route(path, serve)


def _messages(simulator: Simulator) -> Callable[[Request], Awaitable[Response]]:
    handsets, threads = simulator.network.handsets, simulator.threads

    async def serve(request: Request) -> Response:
        query = request.query_params
        if request.method == "DELETE":
            forgotten = handsets.forget(query.get("number"))
            threads.forget(query.get("number"))
            return answer({"forgotten": forgotten})
        wanted = _among(query, "number", "request_id", "ticket", "text")
        deadline = time.monotonic() + _wait_s(query)
        while not (found := handsets.find(**wanted)) and (left_s := deadline - time.monotonic()) > 0:
            await threads.change(left_s)
        return answer(found)

    return serve


def _readyz(simulator: Simulator, listener: Listener) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        deadline = time.monotonic() + _wait_s(request.query_params)
        while True:
            url = simulator.callbacks.url_for("reply")
            parts = {"gateway": listener.is_listening, "callbacks": await is_taken(url) if url else None}
            is_ready = all(part is not False for part in parts.values())
            if is_ready or time.monotonic() >= deadline:
                return answer({"ready": is_ready, **parts}, status=200 if is_ready else 503)
            await asyncio.sleep(_POLL_S)

    return serve


def _wait_s(query: QueryParams) -> float:
    return min(max(msgspec.convert(query.get("wait", "0"), float, strict=False), 0.0), _LONGEST_WAIT_S)


def _among(query: QueryParams, *names: str) -> dict[str, str | None]:
    return {name: query.get(name) for name in names}


def _stats(simulator: Simulator) -> dict[str, int]:
    journal = simulator.gateway.journal
    return {
        "posts": journal.total_posts(),
        "accepted": len(journal.campaigns),
        "messages": len(simulator.network.handsets.find()),
        "under_way": simulator.limits.under_way,
        "most_parallel": simulator.limits.most_under_way,
        "connections_opened": journal.connections_opened,
        "request_ids_remembered": len(simulator.gateway.memory),
        "callbacks_pending": simulator.pending,
        "waiting_for_clock": simulator.clock.waiting,
    }
