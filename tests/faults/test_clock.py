"""The clock of the Redis host really leaps under running processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from producers import Message
from tests.support.clock import LeapingServer, NoLeapError
from tests.support.installation import IMPATIENT, Installation, new_number

#: Seconds for what must happen soon although the clock is wrong by a minute or an hour.
SOON_S = 20.0


@pytest.fixture
def install(tmp_path_factory) -> Iterator[Callable[..., Installation]]:
    """Start installations on the Redis named."""
    with ExitStack() as stopping:

        def start(redis_url: str, **options) -> Installation:
            made = Installation(tmp_path_factory.mktemp("installation"), redis_url, **options)
            return stopping.enter_context(made)

        yield start


@pytest.fixture
def server(tmp_path) -> Iterator[LeapingServer]:
    leaping = LeapingServer(tmp_path / "leaping")
    try:
        leaping.start()
    except NoLeapError as problem:
        pytest.skip(f"left out, the clock cannot be moved here: {problem}")
    yield leaping
    leaping.kill()


def shown(installation: Installation, *sends) -> list[int]:
    return [len(installation.handset(sent)) for sent in sends]


def test_a_dead_worker_is_followed(install, server):
    first = install(server.url)
    number = new_number()
    first.gateway.fault("accept_then_silence", times=1, match={"number": number})
    lost = first.send(to=number)
    first.wait_for(lambda: first.posts(lost))
    second = install(server.url, namespace=first.namespace, OCTOPUSH_BASE_URL=first.simulator.base_url)
    first.worker.kill()
    server.leap(-3600)
    assert second.settled(lost, SOON_S).state == "accepted"
    assert shown(first, lost) == [1]


@pytest.mark.parametrize("seconds", [-3600, -5, 3600])
def test_sending_goes_on(install, server, seconds):
    """With a rate, with calls under way, with a pause, and a message that waits for its second attempt."""
    installation = install(server.url, SEND_RATE_PER_S="5", **IMPATIENT)
    number = new_number()
    installation.gateway.fault("silence_before", times=3, match={"number": number})
    again = installation.send(to=number)
    installation.wait_for(lambda: len(installation.posts(again)) == 3)
    sends = [again, *(installation.send() for _ in range(8))]
    server.leap(seconds)
    sends += installation.producer.send_many(
        [Message(new_number(), "Sale! STOP au 30101", sender="Shop") for _ in range(3)]
    )
    sends += [installation.send()]
    assert installation.all_settled(sends, SOON_S + 10) == {"accepted"}
    assert shown(installation, *sends) == [1] * len(sends)
    assert '"sms.fenced"' not in installation.worker.output
