"""The gateway app under a server that is not the simulator's own."""

import asyncio

import httpx
import pytest

from worker.sandbox.simulator.faults import PRESETS
from worker.sandbox.simulator.gateway_api import create_app
from worker.sandbox.simulator.settings import SimulatorSettings

_CALL = {"recipients": [{"phone_number": "+33612345678"}], "text": "Hello", "purpose": "alert"}


async def post(app):
    transport = httpx.ASGITransport(app)
    headers = {"api-login": "me@example.com", "api-key": "secret"}
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
        return await client.post("/v1/public/sms-campaign/send", json=_CALL)


def test_calls_are_answered_by_any_asgi_server():
    app = create_app(SimulatorSettings(api_login="me@example.com", api_key="secret"))

    answer = asyncio.run(post(app))

    assert answer.status_code == 201
    assert len(app.state.simulator.network.handsets.find()) == 1


def test_faults_below_http_say_what_they_need():
    app = create_app(SimulatorSettings(api_login="me@example.com", api_key="secret"))
    app.state.simulator.faults.default = PRESETS["accept_then_reset"]

    with pytest.raises(LookupError, match="listener"):
        asyncio.run(post(app))
