"""An alert does not wait behind marketing: each row of the table in docs/guarantees.md."""

import time

import pytest

from producers import Message, Sent
from tests.support.installation import Installation, new_id, new_number
from worker.main import marketing_calls

#: Seconds within which an alert leaves, and within which one leaves that a dead worker had.
LEAVES_S, TAKEN_OVER_S = 2.0, 15.0
SALE = "Sale! STOP au 30101"
THREADS = 4


def ready(installation: Installation) -> Installation:
    """See the worker send, so that no alert waits for its start."""
    assert installation.settled(installation.send()).state == "accepted"
    return installation


def marketing(installation: Installation, count: int, recipients: int = 1) -> list[Sent]:
    """Queue marketing messages to so many recipients each."""
    numbers = [[new_number() for _ in range(recipients)] for _ in range(count)]
    return installation.producer.send_many([Message(each, SALE, sender="Shop") for each in numbers])


def posts(installation: Installation, sends: list[Sent]) -> list[float]:
    """List when POSTs of these messages arrived at the gateway."""
    ids = {sent.request_id for sent in sends}
    return [record.at for record in installation.gateway.requests() if record.request_id in ids]


def leaves(installation: Installation) -> Sent:
    """Send an alert and see it arrive at the gateway in time."""
    begun = time.time()
    alert = installation.send("Your code is 1234")
    [arrived, *_] = installation.wait_for(lambda: posts(installation, [alert]))
    assert arrived - begun < LEAVES_S
    return alert


def test_a_backlog(install):
    calls = 5
    installation = ready(install(threads=THREADS, WORKER_CALLS=str(calls)))
    installation.gateway.settings(latency_ms=500)
    sends = marketing(installation, 100)
    installation.wait_for(lambda: len(posts(installation, sends)) >= marketing_calls(calls))

    begun = time.time()
    alert = installation.send("Your code is 1234")
    # What is posted while the application still queues the alert is not before it.
    queued = time.time()
    [arrived, *_] = installation.wait_for(lambda: posts(installation, [alert]))
    assert arrived - begun < LEAVES_S
    # Calls that end right now are followed by as many.
    assert sum(queued < at < arrived for at in posts(installation, sends)) <= marketing_calls(calls)
    assert installation.settled(alert).state == "accepted"
    assert len(posts(installation, sends)) < 50


def test_a_rate_that_a_campaign_has_used_up(install):
    """Each slice takes 25 seconds of the rate."""
    installation = ready(install(SEND_RATE_PER_S="20"))
    slices = marketing(installation, 10, recipients=500)
    installation.wait_for(lambda: posts(installation, slices))
    for _ in range(8):
        assert installation.settled(leaves(installation)).state == "accepted"
    assert len(posts(installation, slices)) <= 3


@pytest.mark.parametrize("in_flight", [1, 2, 5])
def test_few_calls_in_flight(install, in_flight):
    installation = ready(install(SEND_IN_FLIGHT=str(in_flight)))
    installation.gateway.settings(latency_ms=400)
    sends = marketing(installation, 60)
    for number in range(4):
        installation.wait_for(lambda number=number: len(posts(installation, sends)) > 2 * number)
        queued = time.time()
        [arrived, *_] = posts(installation, [leaves(installation)])
        # What was fetched before may begin after.
        begun = [at for at in posts(installation, sends) if queued < at < arrived]
        assert len(begun) <= max(1, in_flight - 1)


def test_a_burst_of_alerts_has_every_call_that_is_free(install):
    installation = ready(install(SEND_IN_FLIGHT="2"))
    installation.gateway.settings(latency_ms=200)
    sends = marketing(installation, 60)
    installation.wait_for(lambda: posts(installation, sends))
    alerts = [Message(new_number(), "Your code is 1234", sender="Bistro", purpose="alert") for _ in range(12)]
    before = len(posts(installation, sends))
    burst = installation.producer.send_many(alerts)
    installation.wait_for(lambda: len(posts(installation, burst)) == 12)
    assert len(posts(installation, sends)) - before <= 2


@pytest.mark.parametrize("limit", [1, 16])
def test_a_limit_that_strain_has_cut_while_marketing_hangs(install, limit):
    """More marketing is out than the limit would allow, and none of it comes back."""
    installation = ready(install())
    installation.gateway.fault("silence_before", match={"text_contains": "Sale"})
    sends = marketing(installation, 200)
    installation.wait_for(lambda: len(posts(installation, sends)) >= 50)
    installation.redis.hset(installation.keys.strain, mapping={"limit": limit, "top": 100})
    for _ in range(3):
        assert installation.settled(leaves(installation)).state == "accepted"


@pytest.mark.parametrize("calls", [2, 10])
def test_a_process_whose_places_marketing_has_taken_and_a_gateway_that_hangs(install, calls):
    installation = ready(install(WORKER_CALLS=str(calls)))
    installation.gateway.fault("silence_before", match={"text_contains": "Sale"})
    sends = marketing(installation, 50)
    installation.wait_for(lambda: len(posts(installation, sends)) == marketing_calls(calls))
    for _ in range(3):
        assert installation.settled(leaves(installation)).state == "accepted"


def test_a_sibling_that_died_while_the_other_is_full_of_marketing_that_hangs(install):
    first = ready(install(WORKER_CALLS="2"))
    first.gateway.fault("silence_before", times=1, match={"text_contains": "lost"})
    first.gateway.fault("silence_before", match={"text_contains": "Sale"})
    lost = first.send("Your code is lost")
    first.wait_for(lambda: posts(first, [lost]))
    second = install(namespace=first.namespace, OCTOPUSH_BASE_URL=first.simulator.base_url, WORKER_CALLS="2")
    sends = marketing(first, 20)
    first.wait_for(lambda: len(posts(first, sends)) == 2)

    first.worker.kill()
    died = time.time()
    first.wait_for(lambda: any(at > died for at in posts(first, [lost])))

    assert posts(first, [lost])[-1] - died < TAKEN_OVER_S
    assert second.settled(lost).state == "accepted"


def test_a_paused_campaign(install):
    installation = ready(install(SEND_RATE_PER_S="20", SEND_IN_FLIGHT="1"))
    campaign = new_id("c")[:20]
    installation.gateway.settings(latency_ms=100)
    numbers = [new_number() for _ in range(3_000)]
    installation.producer.send_campaign(SALE, numbers, campaign_id=campaign, sender="Shop")
    installation.producer.pause_campaign(campaign)
    for _ in range(3):
        assert installation.settled(leaves(installation)).state == "accepted"
    installation.producer.resume_campaign(campaign)
    for _ in range(3):
        assert installation.settled(leaves(installation)).state == "accepted"
