"""Admin writes: what handsets do, and what becomes of what they get."""

import functools
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.sandbox.simulator.admin_json import answer, order
from worker.sandbox.simulator.fates import Receipts
from worker.sandbox.simulator.settings import MessageIdForm
from worker.sandbox.simulator.simulator import Simulator


class _Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    number: str


class _ReplyOrder(_Order):
    text: str
    ticket: str | None = None
    message_id_form: MessageIdForm | None = None
    copies: int = 1
    after_ms: float = 0.0


class _StopOrder(_Order):
    text: str = "stop"
    ticket: str | None = None


class _StartOrder(_Order):
    text: str = "START"


class _ReceiptOrder(_Order):
    ticket: str
    status: str
    copies: int = 1


class _HandsetOrder(_Order):
    receipts: Receipts | Literal["usual"] | None = None
    blocked: bool | None = None


class _RepostOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    event: int


def handset_routes(simulator: Simulator) -> Sequence[Route]:
    """Build the routes that make a handset act."""
    return [*_writing_routes(simulator), *_callback_routes(simulator)]


def _writing_routes(simulator: Simulator) -> Sequence[Route]:
    network = simulator.network

    async def reply(request: Request) -> Response:
        wanted = await order(request, _ReplyOrder)
        write = functools.partial(
            network.reply,
            wanted.number,
            wanted.text,
            ticket=wanted.ticket,
            message_id_form=wanted.message_id_form,
            copies=wanted.copies,
        )
        if wanted.after_ms > 0:
            network.write_later(wanted.after_ms, wanted.number, write)
            return answer(wanted, status=202)
        return answer(write(), status=201)

    async def stop(request: Request) -> Response:
        wanted = await order(request, _StopOrder)
        return answer(network.stop(wanted.number, wanted.text, ticket=wanted.ticket), status=201)

    async def start(request: Request) -> Response:
        wanted = await order(request, _StartOrder)
        return answer(network.start(wanted.number, wanted.text), status=201)

    async def handsets(request: Request) -> Response:
        if request.method == "POST":
            _choose(simulator, await order(request, _HandsetOrder))
        return answer(_chosen(simulator))

    return [
        Route("/replies", reply, methods=["POST"]),
        Route("/stops", stop, methods=["POST"]),
        Route("/starts", start, methods=["POST"]),
        Route("/handsets", handsets, methods=["GET", "POST"]),
    ]


def _callback_routes(simulator: Simulator) -> Sequence[Route]:
    async def receipt(request: Request) -> Response:
        wanted = await order(request, _ReceiptOrder)
        event = simulator.network.receipt(wanted.ticket, wanted.number, wanted.status, copies=wanted.copies)
        return answer(event, status=201)

    async def repost(request: Request) -> Response:
        event = simulator.threads.event((await order(request, _RepostOrder)).event)
        if event is None:
            return answer({"error": "no such event among those on the phone page"}, status=404)
        simulator.callbacks.emit(event)
        return answer(event, status=201)

    return [
        Route("/receipts", receipt, methods=["POST"]),
        Route("/callbacks/repost", repost, methods=["POST"]),
    ]


def _choose(simulator: Simulator, wanted: _HandsetOrder) -> None:
    receipts_of, blacklist = simulator.network.receipts_of, simulator.account.blacklist
    if wanted.receipts == "usual":
        receipts_of.pop(wanted.number, None)
    elif wanted.receipts is not None:
        receipts_of[wanted.number] = wanted.receipts
    if wanted.blocked is not None:
        (blacklist.add if wanted.blocked else blacklist.discard)(wanted.number)


def _chosen(simulator: Simulator) -> list[dict[str, Any]]:
    """List the handsets that anything is known of."""
    receipts_of, blacklist = simulator.network.receipts_of, simulator.account.blacklist
    numbers = {entry.number for entry in simulator.threads.entries()} | set(receipts_of) | blacklist
    return [
        {"number": number, "receipts": receipts_of.get(number, "usual"), "blocked": number in blacklist}
        for number in sorted(numbers)
    ]
