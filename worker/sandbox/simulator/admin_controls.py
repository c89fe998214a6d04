"""Admin writes: settings, clock, credit, blacklist, the listening port, the weather."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.sandbox.simulator.admin_json import answer, order
from worker.sandbox.simulator.clock import Clock
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.settings import patch_settings
from worker.sandbox.simulator.simulator import Simulator
from worker.sandbox.simulator.weather import Weather, set_weather, weather_of


class _Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class _ClockOrder(_Order):
    advance_s: float = 0.0
    set: datetime | None = None


class _WeatherOrder(_Order):
    weather: Weather


class _BalanceOrder(_Order):
    amount: float


class _ListeningOrder(_Order):
    up: bool = False
    down_s: float | None = None
    cut_connections: bool = True


def control_routes(simulator: Simulator, listener: Listener) -> Sequence[Route]:
    """Build the routes that change the account, the clock or the port."""
    return [*_account_routes(simulator), *_machine_routes(simulator, listener)]


def _account_routes(simulator: Simulator) -> Sequence[Route]:
    account = simulator.account

    async def settings(request: Request) -> Response:
        if request.method == "PATCH":
            patch_settings(simulator.settings, await order(request, dict[str, Any]))
        return answer(simulator.settings)

    async def balance(request: Request) -> Response:
        if request.method == "PUT":
            account.balance = (await order(request, _BalanceOrder)).amount
        return answer({"amount": account.balance})

    async def blacklist(request: Request) -> Response:
        number = request.path_params.get("number")
        if number and request.method == "PUT":
            account.blacklist.add(number)
        elif number and request.method == "DELETE":
            account.blacklist.discard(number)
        return answer({"numbers": sorted(account.blacklist)})

    return [
        Route("/settings", settings, methods=["GET", "PATCH"]),
        Route("/balance", balance, methods=["GET", "PUT"]),
        Route("/blacklist", blacklist, methods=["GET"]),
        Route("/blacklist/{number}", blacklist, methods=["PUT", "DELETE"]),
    ]


def _machine_routes(simulator: Simulator, listener: Listener) -> Sequence[Route]:
    async def reset(_: Request) -> Response:
        await simulator.reset()
        await listener.listen()
        return answer({"ok": True})

    async def listening(request: Request) -> Response:
        wanted = await order(request, _ListeningOrder)
        if wanted.up:
            await listener.listen()
        else:
            listener.stop_listening(wanted.down_s, cut_connections=wanted.cut_connections)
        return answer({"listening": listener.is_listening})

    async def weather(request: Request) -> Response:
        if request.method == "POST":
            await set_weather(simulator, listener, (await order(request, _WeatherOrder)).weather)
        return answer({"weather": weather_of(simulator, listener), "known": get_args(Weather)})

    async def callbacks_on(_: Request) -> Response:
        simulator.callbacks.switched_off.clear()
        return answer({"ok": True})

    return [
        Route("/reset", reset, methods=["POST"]),
        Route("/listening", listening, methods=["POST"]),
        Route("/weather", weather, methods=["GET", "POST"]),
        Route("/callbacks/on", callbacks_on, methods=["POST"]),
        _clock_route(simulator.clock),
    ]


def _clock_route(clock: Clock) -> Route:
    async def serve(request: Request) -> Response:
        if request.method == "POST":
            wanted = await order(request, _ClockOrder)
            if wanted.set is not None:
                clock.set(wanted.set)
            clock.advance(wanted.advance_s)
        return answer({"now": clock.now(), "offset_s": clock.offset_s, "paris": clock.paris().isoformat()})

    return Route("/clock", serve, methods=["GET", "POST"])
