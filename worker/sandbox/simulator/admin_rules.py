"""Admin rules: faults of calls, fates of messages, handsets that answer by themselves."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.sandbox.simulator.admin_json import answer, order
from worker.sandbox.simulator.fates import FateRule
from worker.sandbox.simulator.faults import NO_FAULT, PRESETS, FaultRule, fault_from
from worker.sandbox.simulator.handsets import AutoReply
from worker.sandbox.simulator.matching import Rule, RuleBook
from worker.sandbox.simulator.simulator import Simulator

R = TypeVar("R", bound=Rule)


def rule_routes(simulator: Simulator) -> Sequence[Route]:
    """Build the routes for the three rule books and the default fault."""
    network, faults = simulator.network, simulator.faults

    async def default(request: Request) -> Response:
        wanted = await order(request, dict[str, Any])
        faults.default = fault_from(wanted) if request.method == "PUT" else NO_FAULT
        return answer(faults.default)

    async def presets(_: Request) -> Response:
        return answer(PRESETS)

    return [
        Route("/faults/default", default, methods=["PUT", "DELETE"]),
        Route("/faults/presets", presets, methods=["GET"]),
        _book("/faults", faults.rules, _fault_rule),
        _book("/fates", network.fates, lambda fields: msgspec.convert(fields, FateRule)),
        _book("/auto-replies", network.auto_replies, lambda fields: msgspec.convert(fields, AutoReply)),
    ]


def _fault_rule(fields: dict[str, Any]) -> FaultRule:
    fault = fault_from(fields.get("fault") or {})
    return msgspec.convert(fields | {"fault": msgspec.to_builtins(fault)}, FaultRule)


def _book(path: str, book: RuleBook[R], build: Callable[[dict[str, Any]], R]) -> Route:
    async def serve(request: Request) -> Response:
        if request.method == "POST":
            return answer({"id": book.add(build(await order(request, dict[str, Any])))}, status=201)
        if request.method == "DELETE":
            book.clear()
        return answer(book.listing())

    return Route(path, serve, methods=["GET", "POST", "DELETE"])
