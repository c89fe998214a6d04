"""Processes of ``octopush-worker forward-http``, and a look at what they have left to do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from producers.contract.steps import drive
from tests.support.forwarder_process import ForwarderProcess
from tests.support.forwarding import HandForwarder, reply
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver
from worker.inquiry import forwarders
from worker.inquiry.forwarders import ForwarderState

NAME = "bookings"
#: A little longer than a lease lasts.
LEASE_S = 31
SECRET_TEXT = "canary-text"


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    """Run the server that the webhooks go to."""
    with WebhookReceiver() as running:
        yield running


@pytest.fixture
def hand(redis_client: redis.Redis) -> HandForwarder:
    """Work on the store by hand, beside the processes."""
    return HandForwarder(redis_client, NAME, ("replies", "optouts"))


@pytest.fixture
def start(
    tmp_path: Path, redis_url: str, receiver: WebhookReceiver
) -> Iterator[Callable[..., ForwarderProcess]]:
    """Start processes of the forwarder; all are killed in the end, and their logs looked at."""
    started: list[ForwarderProcess] = []

    def begin(url: str = receiver.url, at: str = redis_url, **environ: str) -> ForwarderProcess:
        log = tmp_path / f"forwarder-{len(started)}.log"
        process = ForwarderProcess(log, {"REDIS_URL": at, **environ}, NAME, url)
        started.append(process)
        return process.start()

    yield begin
    for process in started:
        process.kill()
        assert "canary" not in process.output
        assert "whsec_" not in process.output
        assert "+336" not in process.output
        assert "Traceback" not in process.output


def state(hand: HandForwarder) -> ForwarderState:
    (found,) = drive(forwarders.states(hand.keys, [NAME]), hand.redis)
    return found


def add(hand: HandForwarder, *names: str) -> None:
    for name in names:
        hand.add(reply(name, SECRET_TEXT))


def names(count: int, begin: str = "r") -> list[str]:
    return [f"{begin}{number:03d}" for number in range(count)]


def until_empty(hand: HandForwarder) -> None:
    until(lambda: state(hand).waiting == 0 and all_taken_in(hand), 40)


def all_taken_in(hand: HandForwarder) -> bool:
    return all(group["lag"] == 0 for group in hand.redis.xinfo_groups(hand.keys.stream("replies")))


def taken_in(hand: HandForwarder, count: int) -> None:
    until(lambda: state(hand).waiting == count)
