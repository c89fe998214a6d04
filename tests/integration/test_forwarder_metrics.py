"""What the web process tells of forwarders: figures that an alarm can go by."""

import pytest

from producers.contract.forwarder_figures import MEASURED, RESULTS
from tests.support.forwarding import HandForwarder
from tests.support.scraping import scrape
from worker.forwarding.outcomes import Delivered, Halted, Later, Refused, Unreachable
from worker.operator.forwarder_decisions import ForwarderDecisions


@pytest.fixture
def forwarder(redis_client) -> HandForwarder:
    return HandForwarder(redis_client)


@pytest.fixture
def page(redis_url):
    return lambda: scrape(redis_url)


def figures(page: str, forwarder: str = "bookings") -> dict[str, int]:
    lines = (line.partition(f'{{forwarder="{forwarder}"') for line in page.splitlines())
    found = ((name.removeprefix("octopush_forward_"), rest) for name, mark, rest in lines if mark)
    return {name + rest.rpartition("} ")[0]: int(float(rest.rpartition(" ")[2])) for name, rest in found}


def test_a_forwarder_tells_what_waits_since_when_and_what_is_dead(forwarder, redis_client, page):
    forwarder.arrive("r1", "r2", "r3")
    first, second = forwarder.take(2)
    forwarder.settle(first, Refused("410"))
    forwarder.settle(second, Later("500"))
    forwarder.pass_time(90)
    redis_client.zincrby(forwarder.keys.forwarders, -30_000, forwarder.name)

    told = figures(page())

    assert (told["waiting"], told["due"], told["dead"], told["held"]) == (2, 2, 1, 0)
    assert 90 <= told["oldest_seconds"] < 120
    assert 30 <= told["silent_seconds"] < 60
    tried = {result: told[f'attempts_total,result="{result}"'] for result in RESULTS}
    assert tried == dict.fromkeys(RESULTS, 0) | {"refused": 1, "failed": 1}


def test_a_forwarder_whose_receiver_is_away_is_held_until_one_event_is_delivered(forwarder, page):
    forwarder.arrive(*(f"r{number}" for number in range(6)))
    for event in forwarder.take(5):
        forwarder.settle(event, Unreachable("timeout"))
    assert figures(page())["held"] == 1

    forwarder.pass_time(31)
    forwarder.settle(forwarder.take_one(), Delivered())

    assert figures(page())["held"] == 0


@pytest.mark.parametrize("by", ["a person", "its receiver"])
def test_a_forwarder_that_is_paused_counts_as_held(by, forwarder, page):
    forwarder.arrive("r1")
    event = forwarder.take_one()
    if by == "a person":
        ForwarderDecisions(forwarder.redis, forwarder.keys, forwarder.name, "anna").pause()
    else:
        forwarder.settle(event, Halted("410", lasting=True))

    assert figures(page())["held"] == 1


def test_an_idle_forwarder_has_nothing_that_is_old(forwarder, page):
    forwarder.take()

    told = figures(page())

    assert (told["waiting"], told["oldest_seconds"], told["silent_seconds"]) == (0, 0, 0)


def test_figures_of_forwarders_stand_beside_what_waits_at_gates(forwarder, redis_client, page):
    forwarder.arrive("r1")
    forwarder.take()
    redis_client.hset("{sms}:gates", "777", '{"code":"1"}')
    redis_client.zadd("{sms}:aside:777", {"a": 0, "b": 1})

    shown = page()

    assert figures(shown)["waiting"] == 1
    assert 'octopush_sends_aside{gate="breaker"} 2.0\n' in shown


def test_however_many_forwarders_there_ever_were_a_page_names_those_heard_last(redis_client, page):
    redis_client.zadd("{sms}:forwarders", {f"f{number}": number for number in range(MEASURED + 10)})

    shown = page()

    assert figures(shown, f"f{MEASURED + 9}")
    assert not figures(shown, "f0")
