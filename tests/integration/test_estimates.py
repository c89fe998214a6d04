"""Estimates where not everybody counts: of calls, of campaigns, of who wants no more SMS."""

import dataclasses
from collections.abc import Iterator

import pytest
import redis

from producers import OverBudget, Producer, Recipient
from producers.contract.steps import drive
from producers.settings import ProducerSettings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.pseudonyms import pseudonyms
from tests.support.spending import budgets, used
from worker.gateway.outcomes import Accepted
from worker.operator.money_decisions import set_budget
from worker.operator.suppressions import Suppressions
from worker.person.erasing import Erasure
from worker.person.named import Person

PEOPLE = [f"+3361234560{each}" for each in range(4)]
TEXT = "Hi STOP au 30101"
CARELESS = ProducerSettings(marketing_hours_fr="off")
COUNTED = dataclasses.replace(CARELESS, budget_day="9")


@pytest.fixture
def counting(redis_client: redis.Redis) -> Iterator[Producer]:
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    made = Producer(client=redis_client, settings=COUNTED)
    yield made
    made.close()


@pytest.fixture
def careless(redis_client: redis.Redis) -> Iterator[Producer]:
    made = Producer(client=redis_client, settings=CARELESS)
    yield made
    made.close()


def run(sms: Producer, people: list[str], budget: str | None = None) -> None:
    sms.send_campaign(TEXT, people, campaign_id="spring", sender="Bistro", budget=budget)


def reserved(client: redis.Redis) -> int:
    return int(client.hget(KEYS.campaign("spring"), "reserved") or 0)


def test_messages_that_are_estimated_share_no_call_with_others(counting, careless, redis_client):
    for each, sms in enumerate((counting, careless, counting)):
        person = Recipient(PEOPLE[each], param1="x")
        sms.send(person, "Hi {param1} STOP au 30101", sender="Bistro", request_id=f"m{each}")
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="9"))
    assert len(worker.take()) == 2
    assert used(redis_client) == (0.15, 0)


@pytest.mark.parametrize("how", ["suppressed", "erased"])
def test_a_slice_that_leaves_without_somebody_reserves_less(counting, redis_client, how):
    run(counting, PEOPLE[:3], "1")
    assert reserved(redis_client) == 150_000
    if how == "suppressed":
        drive(Suppressions(CARELESS, "ops").add(PEOPLE[0], "asked"), redis_client)
    else:
        person = Person(PEOPLE[0], pseudonyms(redis_client).all_of(PEOPLE[0]))
        Erasure(redis_client, CARELESS, person, "ops", None).run()
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="9"))
    [claim] = worker.take()
    assert reserved(redis_client) == 100_000
    assert used(redis_client) == (0.1, 0)
    worker.finish(claim, Accepted("t"))
    assert (reserved(redis_client), used(redis_client)) == (0, (0, 0.1))


def test_slices_that_were_queued_without_a_budget_count_when_one_is_set(counting, redis_client, monkeypatch):
    monkeypatch.setattr("producers.queueing.chunks.SLICE", 2)
    run(counting, PEOPLE[:2])
    with pytest.raises(OverBudget):
        run(counting, PEOPLE, "0.15")
    assert reserved(redis_client) == 100_000
    [claim] = HandWorker(redis_client, queue="marketing").take()
    HandWorker(redis_client, queue="marketing").finish(claim, Accepted("t", cost="0.1"))
    assert reserved(redis_client) == 0


def test_a_slice_that_only_the_claim_estimates_gives_back_no_more_than_its_own(
    counting, careless, redis_client, monkeypatch
):
    monkeypatch.setattr("producers.queueing.chunks.SLICE", 2)
    run(careless, PEOPLE[:2])
    run(counting, PEOPLE, "1")
    assert reserved(redis_client) == 100_000
    worker = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="9"))
    claims = worker.take()
    assert reserved(redis_client) == 200_000
    worker.finish(next(each for each in claims if each.entry.id == "spring.0"), Accepted("t", cost="0.1"))
    assert reserved(redis_client) == 100_000


def test_a_slice_of_people_who_want_no_more_sms_costs_nothing(counting, redis_client):
    drive(Suppressions(CARELESS, "ops").add(PEOPLE[0], "asked"), redis_client)
    run(counting, PEOPLE[:1], "0.01")
    assert reserved(redis_client) == 0


@pytest.mark.parametrize("limit", ["0", "default"])
def test_an_operator_lifts_the_budget_of_a_campaign(counting, redis_client, limit):
    with pytest.raises(OverBudget):
        run(counting, PEOPLE, "0.01")
    redis_client.hset(KEYS.campaign("spring"), "limit", 10_000)
    assert drive(set_budget(KEYS, "campaign:spring", limit, "ops"), redis_client)[0]
    run(counting, PEOPLE)
    assert reserved(redis_client) == 200_000
