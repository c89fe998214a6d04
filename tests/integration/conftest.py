"""Fixtures of many of these tests: a producer, workers whose steps are called by hand, console, simulator."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis

from producers import Producer
from producers.contract.settings import RedisSettings
from producers.settings import ProducerSettings
from tests.support.callback_receiver import CallbackReceiver
from tests.support.callbacks_by_hand import CallbacksByHand
from tests.support.console_client import OPERATOR, VIEWER, ConsoleClient, console_settings
from tests.support.hand_worker import HandWorker
from tests.support.installation import ANY_HOUR
from tests.support.keys import AllKeys
from tests.support.marketing import market
from tests.support.redis_users import own_user
from tests.support.sends import claim_one, finish_one
from tests.support.simulator import PATIENCE_S, SimulatorThread, simulator, simulator_thread
from worker.gateway.outcomes import Duplicate, Refused
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import Ledger
from worker.queue.leases import Leases
from worker.sandbox.redis_server import RedisServer

__all__ = ["market", "simulator", "simulator_thread"]


@pytest.fixture
def sms(redis_url: str) -> Iterator[Producer]:
    """Give a producer on this test's Redis."""
    producer = Producer(settings=ProducerSettings.from_env({**ANY_HOUR, "REDIS_URL": redis_url}))
    yield producer
    producer.close()


@pytest.fixture
def ledger(redis_client: redis.Redis) -> Ledger:
    """Give the ledger, to be worked by hand."""
    keys = AllKeys()
    return Ledger(redis_client, RedisSettings(), Leases(redis_client, keys), Confirmation(redis_client, keys))


@pytest.fixture
def hand(redis_client: redis.Redis) -> HandWorker:
    """Give a worker of alerts, to be worked by hand."""
    return HandWorker(redis_client)


@pytest.fixture
def callbacks(redis_client: redis.Redis, hand: HandWorker) -> CallbacksByHand:
    """Bring callbacks by hand to what `hand` has sent."""
    return CallbacksByHand(redis_client, hand.ledger)


@pytest.fixture
def parked(redis_client: redis.Redis, sms: Producer, ledger: Ledger) -> Callable[..., None]:
    """Let messages end as rejected with a code, or as unknown."""

    def end(*ids: str, code: str = "121", state: str = "rejected", **options: Any) -> None:
        for request_id in ids:
            sms.send(
                "+33612345678", "Hello", sender="Bistro", purpose="alert", request_id=request_id, **options
            )
            outcome = Refused(code) if state == "rejected" else Duplicate(code)
            assert finish_one(ledger, claim_one(ledger, request_id), outcome) == state
        redis_client.delete(AllKeys().queue("alert").ready)

    return end


@pytest.fixture
def console_url(redis_server: RedisServer, redis_client: redis.Redis) -> Iterator[str]:
    """Name the shared server as the console's own user does."""
    with own_user(redis_client, redis_server.port, "console") as url:
        yield url


@pytest.fixture
def api_url(redis_server: RedisServer, redis_client: redis.Redis) -> Iterator[str]:
    """Name the shared server as the API's own user does."""
    with own_user(redis_client, redis_server.port, "api") as url:
        yield url


@pytest.fixture
def console(console_url: str) -> Iterator[ConsoleClient]:
    """Give a browser at the console, not logged in."""
    with ConsoleClient(console_settings(console_url)) as client:
        yield client


@pytest.fixture
def operator(console: ConsoleClient) -> ConsoleClient:
    """Give a browser at the console in which an operator is logged in."""
    assert console.log_in(OPERATOR).status_code == 303
    return console


@pytest.fixture
def viewer(console_url: str) -> Iterator[ConsoleClient]:
    """Give another browser, in which a viewer is logged in."""
    with ConsoleClient(console_settings(console_url)) as client:
        assert client.log_in(VIEWER).status_code == 303
        yield client


@pytest.fixture
def gateway_http(simulator: SimulatorThread) -> Iterator[httpx.Client]:
    """Give an HTTP client with the account's credentials."""
    with httpx.Client(
        base_url=simulator.base_url,
        headers={"api-login": "sandbox@example.com", "api-key": "sandbox-key"},
        timeout=PATIENCE_S,
        trust_env=False,
    ) as client:
        yield client


@pytest.fixture
def send_sms(gateway_http: httpx.Client) -> Callable[..., httpx.Response]:
    """Post one good alert, with any fields changed; a field set to `...` is left out."""

    def post(*numbers: str, **changes: Any) -> httpx.Response:
        fields = {
            "recipients": [{"phone_number": number} for number in numbers or ("+33612345678",)],
            "text": "Your table is ready",
            "sender": "Bistro",
            "purpose": "alert",
            **changes,
        }
        body = {name: value for name, value in fields.items() if value is not ...}
        return gateway_http.post("/sms-campaign/send", json=body)

    return post


@pytest.fixture
def callback_receiver(simulator: SimulatorThread) -> Iterator[CallbackReceiver]:
    """Give a callback URL the simulator already posts to, receipts after a few milliseconds."""
    with CallbackReceiver() as running:
        simulator.admin.settings(callback_url=running.url, receipts={"ack_delay_ms": 5, "final_delay_ms": 60})
        yield running
        simulator.admin.reset()
