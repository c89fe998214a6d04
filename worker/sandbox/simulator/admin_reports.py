"""Admin reads: what arrived, what was accepted, what handsets show, how callbacks were answered."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.sandbox.simulator.admin_json import answer
from worker.sandbox.simulator.simulator import Simulator


def report_routes(simulator: Simulator) -> Sequence[Route]:
    """Build the routes that change nothing."""
    journal, handsets, callbacks = simulator.gateway.journal, simulator.network.handsets, simulator.callbacks
    return [
        _get("/health", lambda _: {"ok": True}),
        _get("/accepted", lambda query: journal.accepted(query.get("request_id"))),
        _get("/messages", lambda query: handsets.find(**_among(query, "number", "request_id", "ticket"))),
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
