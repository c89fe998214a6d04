"""The gateway's HTTP interface under ``/v1/public``: send, cancel, balance, parameters; else JSON 404, 405.

Paths, fields and the success answer are documented by Octopush; which status a refusal has is assumed.
"""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.sandbox.simulator.accounts import authenticate
from worker.sandbox.simulator.campaign import SendCall
from worker.sandbox.simulator.exchanges import Arrived, Exchange, encode_refusal, json_reply, refused
from worker.sandbox.simulator.faults import NO_FAULT
from worker.sandbox.simulator.playback import HttpReply
from worker.sandbox.simulator.reading import read_call
from worker.sandbox.simulator.refusals import Refusal, refuse
from worker.sandbox.simulator.settings import SimulatorSettings
from worker.sandbox.simulator.simulator import Simulator
from worker.sandbox.simulator.validation import check

BASE_PATH = "/v1/public"


def create_app(settings: SimulatorSettings | None = None, *, simulator: Simulator | None = None) -> Starlette:
    """Build the gateway's ASGI app.

    Args:
        settings: Settings of a new simulator; not used when `simulator` is given.
        simulator: The simulator to serve, when it is shared with the admin app.
    """
    served = simulator or Simulator(settings)
    routes = [
        Route(f"{BASE_PATH}/sms-campaign/send", Exchange(served, "send", _send), methods=["POST"]),
        Route(f"{BASE_PATH}/sms-campaign/cancel", Exchange(served, "cancel", _cancel), methods=["DELETE"]),
        Route(f"{BASE_PATH}/wallet/check-balance", Exchange(served, "balance", _balance), methods=["GET"]),
        Route(
            f"{BASE_PATH}/user/campaign-parameters",
            Exchange(served, "parameters", _parameters),
            methods=["GET"],
        ),
        Route(
            f"{BASE_PATH}/user/campaign-parameters/edit", Exchange(served, "edit", _edit), methods=["PATCH"]
        ),
    ]

    async def explain(request: Request, error: Exception) -> Response:  # noqa: ARG001  (Starlette's shape)
        status = error.status_code if isinstance(error, HTTPException) else 500
        body = encode_refusal(refuse(status, status=status), served)
        return Response(body, status, media_type="application/json")

    app = Starlette(routes=routes, exception_handlers={404: explain, 405: explain})
    app.state.simulator = served
    return app


async def _send(simulator: Simulator, arrived: Arrived) -> HttpReply:
    login, fields = authenticate(arrived.request.headers, simulator.settings), arrived.fields
    if isinstance(login, Refusal):
        return refused(simulator, arrived, login)
    if limited := _limited(simulator, arrived):
        return limited
    if isinstance(fields, Refusal):
        return refused(simulator, arrived, fields)
    call = read_call(fields, login)
    if arrived.fault is not NO_FAULT:
        call.served, call.tells_contacts = arrived.fault.served(call.numbers), arrived.fault.tells_contacts
    if call.simulation:
        return _simulate(simulator, arrived, call)
    decided = await simulator.gateway.submit(call)
    if isinstance(decided, Refusal):
        return refused(simulator, arrived, decided)
    arrived.record.outcome, arrived.record.ticket = "accepted", decided.ticket
    return json_reply(simulator.settings.success_status, simulator.gateway.success_body(decided))


def _simulate(simulator: Simulator, arrived: Arrived, call: SendCall) -> HttpReply:
    """Answer a ``simulation_mode`` call, which sends nothing."""
    settings = simulator.settings
    if refusal := check(call, settings):
        return refused(simulator, arrived, refusal)
    if settings.simulation_burns_request_id:
        if simulator.gateway.memory.is_known(call.login, call.request_id):
            again = refuse(settings.duplicate_code, status=settings.duplicate_status)
            return refused(simulator, arrived, again)
        simulator.gateway.claim(call)
    arrived.record.outcome = "simulated"
    body = simulator.gateway.simulated_body(call)
    if settings.simulation_fires_receipts and (ticket := body.get("sms_ticket")):
        for number in call.numbers:
            simulator.network.receipt(ticket, number, "DELIVERED")
    return json_reply(settings.success_status, body)


def _limited(simulator: Simulator, arrived: Arrived) -> HttpReply | None:
    """Refuse a send that comes too fast, or while too many others are under way."""
    settings = simulator.settings
    if simulator.limits.is_crowded:
        refusal = refuse(settings.parallel_code, status=settings.parallel_status)
        return refused(simulator, arrived, refusal)
    wait_s = simulator.limits.take_token()
    if not wait_s:
        return None
    whole_s = int(wait_s) + 1
    headers: Mapping[str, tuple[tuple[str, str], ...]] = {
        "none": (),
        "seconds": (("Retry-After", str(whole_s)),),
        "date": (("Retry-After", formatdate(simulator.clock.now() + whole_s, usegmt=True)),),
    }
    return refused(simulator, arrived, refuse(128, status=429), headers[settings.rate_limit_retry_after])


async def _cancel(simulator: Simulator, arrived: Arrived) -> HttpReply:
    login = authenticate(arrived.request.headers, simulator.settings)
    if isinstance(login, Refusal):
        return refused(simulator, arrived, login)
    fields = arrived.fields
    if isinstance(fields, Refusal):
        return refused(simulator, arrived, fields)
    if refusal := simulator.gateway.cancel(str(fields.get("ticket_number", ""))):
        return refused(simulator, arrived, refusal)
    arrived.record.outcome = "answered"
    return HttpReply(204, b"")


async def _balance(simulator: Simulator, arrived: Arrived) -> HttpReply:
    login = authenticate(arrived.request.headers, simulator.settings)
    if isinstance(login, Refusal):
        return refused(simulator, arrived, login)
    arrived.record.outcome = "answered"
    return json_reply(200, _wallet(simulator, arrived.request))


def _wallet(simulator: Simulator, request: Request) -> dict[str, Any]:
    """Describe the credit in euros, or in messages of a product when one is asked for (documented)."""
    product = request.query_params.get("product_name")
    if not product or not request.query_params.get("country_code"):
        return {"amount": simulator.account.balance, "unit": "euros"}
    amount = int(simulator.account.balance / simulator.settings.price_per_segment)
    wallet: dict[str, Any] = {"amount": amount, "unit": product}
    return wallet | {"wallet_packs": []} if "with_details" in request.query_params else wallet


async def _parameters(simulator: Simulator, arrived: Arrived) -> HttpReply:
    login = authenticate(arrived.request.headers, simulator.settings)
    if isinstance(login, Refusal):
        return refused(simulator, arrived, login)
    arrived.record.outcome = "answered"
    return json_reply(200, simulator.parameters.body())


async def _edit(simulator: Simulator, arrived: Arrived) -> HttpReply:
    login = authenticate(arrived.request.headers, simulator.settings)
    if isinstance(login, Refusal):
        return refused(simulator, arrived, login)
    if isinstance(arrived.fields, Refusal):
        return refused(simulator, arrived, arrived.fields)
    simulator.parameters.change(arrived.fields)
    arrived.record.outcome = "answered"
    return json_reply(200, simulator.parameters.body())
