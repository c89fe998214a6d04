"""Opt-outs, hours, money and erasures hold together where one message meets several of them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import redis

from producers import OverBudget, Recipient
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.queueing import chunks
from producers.rules.money import MoneySettings
from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from tests.support.clock import leap
from tests.support.hand_worker import KEYS, HandWorker, numbers_of
from tests.support.marketing import Marketing
from tests.support.pseudonyms import pseudonyms
from tests.support.spending import DAY, budgets, used
from tests.support.template_sends import number
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused
from worker.ledger.budgets import Budgets
from worker.operator.decisions import Decisions
from worker.operator.money_decisions import set_budget
from worker.person.erasing import Erasure
from worker.person.named import Person

Market = Callable[..., Marketing]


@pytest.fixture
def market(redis_client: redis.Redis, redis_url: str):
    made: list[Marketing] = []

    def make(**rules) -> Marketing:
        made.append(Marketing(redis_client, redis_url, **rules))
        return made[-1]

    yield make
    for each in made:
        each.sms.close()


def erase(client: redis.Redis, who: int) -> None:
    person = Person(number(who), pseudonyms(client).all_of(number(who)))
    Erasure(client, RedisSettings(), person, "ben", None).run()


def replay(client: redis.Redis, request_id: str) -> None:
    """Let a person decide that a parked message leaves again."""
    decisions = Decisions(ProducerSettings(), "ops")
    if drive(decisions.replay(request_id), client) is not None:
        assert drive(decisions.resolve(request_id, "send-again"), client) is None


def fields(client: redis.Redis, key: str) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in client.hgetall(key).items()}


# Erasures.


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("outcome", [Refused("103"), Duplicate("120")])
def test_of_a_parked_slice_the_others_get_theirs_after_one_was_erased_and_one_wrote_stop(
    market: Market, redis_client, runs: bool, outcome: Outcome
):
    here = market(budget_day="1000")
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    people = [number(each) for each in range(4)]
    here.sms.send_campaign("Salut STOP au 30101", people, campaign_id="c", sender="Bistro", budget="1")
    [claim] = here.hand.take()
    if runs:
        erase(redis_client, 1)
    here.hand.finish(claim, outcome)
    if not runs:
        erase(redis_client, 1)
    here.stop(2)
    replay(redis_client, "c.0")

    [claim] = here.hand.take()
    assert numbers_of(claim) == [number(0), number(3)]
    record, campaign = fields(redis_client, KEYS.record("c.0")), fields(redis_client, KEYS.campaign("c"))
    assert (record["recipients"], record["segments"], record["estimate"]) == ("2", "2", "100000")
    assert len(record["to"].split()) == 2
    assert campaign["reserved"] == "100000"
    here.hand.finish(claim, Accepted("sms_1"))
    status = here.sms.campaign_status("c")
    assert (status.recipients, status.accepted, status.cancelled, status.done) == (4, 2, 2, True)
    assert fields(redis_client, KEYS.campaign("c"))["reserved"] == "0"


def test_what_was_erased_of_a_slice_of_different_lengths_counts_no_more(market: Market, redis_client):
    here = market(budget_day="1000")
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    long = "Salut {first_name} " + "a" * 120 + " STOP au 30101"
    people = [Recipient(number(each), first_name="x" * (20 * each + 1)) for each in range(3)]
    here.sms.send(people, long, sender="Bistro", purpose="wholesale", request_id="a")
    [claim] = here.hand.take()
    here.hand.finish(claim, Refused("103"))
    before = fields(redis_client, KEYS.record("a"))
    erase(redis_client, 0)

    record = fields(redis_client, KEYS.record("a"))
    assert record["weights"] == before["weights"][1:]
    assert int(record["segments"]) == sum(map(int, record["weights"]))
    assert len(msgspec.json.decode(redis_client.get(KEYS.body("a")))["recipients"]) == 2


@pytest.mark.parametrize("waits", [True, False])
def test_a_shared_call_of_which_everybody_was_erased_leaves_no_trace(
    market: Market, redis_client, waits: bool
):
    here = market()
    here.send(0, "a", shared=True)
    here.send(1, "b", shared=True)
    batch = here.hand.fetch()
    claims = [] if waits else here.hand.claim(batch)
    if waits:
        here.hand.ledger.compose(batch)
    for who in (0, 1):
        erase(redis_client, who)
    for claim in claims:
        here.hand.finish(claim, Deferred("429"))
    if waits:
        here.hand.claim(batch)

    assert here.hand.take() == []
    assert here.hand.is_idle()
    assert [key for key in redis_client.scan_iter("*") if b"@" in key] == []


# Opt-outs.


def test_who_is_left_out_at_the_claim_answers_nothing_that_he_did_not_get(market: Market, redis_client):
    here = market()
    here.send(range(3), "a", with_replies=True)
    here.stop(1)
    [claim] = here.hand.take()
    assert here.hand.finish(claim, Accepted("sms_a")) == "accepted"
    for who in range(3):
        here.write(who, "Oui")

    replies = {each["number"]: each["request_id"] for each in here.callbacks.entries()}
    assert replies == {number(0): "a", number(1): "", number(2): "a"}


# What is held.


def test_what_was_held_alone_and_leaves_in_a_shared_call_is_counted_no_more(market: Market, redis_client):
    here = market(budget_day="1000")
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here.hand = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.04"))
    here.send(0, "a", shared=True)
    assert here.hand.take() == []
    assert list(fields(redis_client, KEYS.held).values()) == ["1"]

    here.send(1, "b", shared=True)
    drive(set_budget(KEYS, "account", "10000000", "ops"), redis_client)
    [claim] = here.hand.take()
    assert sorted(numbers_of(claim)) == [number(0), number(1)]
    assert fields(redis_client, KEYS.held) == {}
    here.hand.finish(claim, Accepted("sms_1"))
    assert not {"held", "held_until"} & fields(redis_client, KEYS.record("a")).keys()


def test_what_was_held_alone_until_its_time_is_over_says_so_although_it_gathers_again(
    market: Market, redis_client
):
    here = market(budget_day="1000")
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here.hand = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.04"))
    for who, name in enumerate("ab"):
        here.send(who, name, shared=True, ttl=timedelta(days=7))
        assert here.hand.take() == []
    for name in "ab":
        redis_client.hset(KEYS.record(name), "expires", 1)
        redis_client.zadd(here.hand.names.delayed, {name: 1})

    assert here.hand.take() == []
    assert here.state("a") == here.state("b") == ("expired", "over_budget")
    assert fields(redis_client, KEYS.held) == {}


def test_what_fits_again_and_cannot_be_paid_is_not_said_to_be_over_budget(market: Market, redis_client):
    here = market(budget_day="1000")
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here.hand = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.04"))
    here.send(0, "a")
    assert here.hand.take() == []
    redis_client.hset(
        KEYS.gates, "credit", '{"code":"105","since":1,"floors":{"sms_premium:33":{"segments":1,"at":1}}}'
    )
    drive(set_budget(KEYS, "account", "10000000", "ops"), redis_client)

    assert here.hand.take() == []
    record = fields(redis_client, KEYS.record("a"))
    assert (record["aside"], record.get("held"), record.get("held_until")) == ("credit", None, None)
    assert fields(redis_client, KEYS.held) == {}
    assert redis_client.zcard(KEYS.aside("budget")) == 0


def test_a_slice_that_was_held_and_waits_for_its_paused_campaign_is_held_no_more(
    market: Market, redis_client
):
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here = market(budget_day="1000")
    here.hand = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.04"))
    here.sms.send_campaign("Salut STOP au 30101", [number(0)], campaign_id="c", sender="Bistro")
    assert here.hand.take() == []
    here.sms.pause_campaign("c")
    drive(set_budget(KEYS, "account", "10000000", "ops"), redis_client)
    assert here.hand.take() == []

    assert fields(redis_client, KEYS.held) == {}
    assert not [name for name in fields(redis_client, KEYS.campaign("c")) if name.startswith("held:")]
    here.sms.resume_campaign("c")
    assert len(here.hand.take()) == 1


def test_a_slice_that_was_surely_not_taken_does_not_fail_in_a_pause_of_days(market: Market, redis_client):
    """Its window does not run while it could not be tried: else a pause over a weekend would lose it."""
    here = market()
    here.sms.send_campaign("Salut STOP au 30101", [number(0)], campaign_id="c", sender="Bistro")
    [claim] = here.hand.take()
    assert here.hand.finish(claim, Deferred("500", proven=True)) == "queued"
    here.sms.pause_campaign("c")
    assert here.hand.take() == []
    leap(redis_client, 60 * 3600)
    here.sms.resume_campaign("c")

    assert len(here.hand.take()) == 1
    assert here.state("c.0")[0] == "sending"


def test_what_waited_for_money_and_may_not_leave_now_is_held_for_its_hours_alone(
    market: Market, redis_client
):
    here = market(budget_day="1000")
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here.hand = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="0.04"))
    here.sms.send_campaign("Salut STOP au 30101", [number(0)], campaign_id="c", sender="Bistro")
    assert here.hand.take() == []
    today = datetime.now(UTC).date()
    closed = ",".join(f"FR:{today + timedelta(days=each)}" for each in range(-1, 4))
    hours = RulesSettings(extra_holidays=closed)
    here.hand = HandWorker(redis_client, queue="marketing", hours=hours, budgets=budgets(budget_day="0.04"))
    redis_client.zadd(here.hand.names.delayed, {"c.0": 1})

    assert here.hand.take() == []
    status = here.sms.status("c.0")
    assert (status.held, status.waits_for[:11]) == ("hours", "held until ")
    assert "aside" not in fields(redis_client, KEYS.record("c.0"))
    assert redis_client.zcard(KEYS.aside("budget")) == 0
    campaign = here.sms.campaign_status("c")
    assert (campaign.aside, [each.reason for each in campaign.holds]) == (0, ["hours"])


# Money.


def slices_of(here: Marketing, people: range, **options) -> None:
    """Run a campaign in slices of two."""
    whom = [number(each) for each in people]
    here.sms.send_campaign("Salut STOP au 30101", whom, campaign_id="c", sender="Bistro", **options)


@pytest.mark.parametrize("counted", [True, False])
def test_a_budget_that_a_campaign_gets_later_is_used_by_all_that_has_not_ended(
    market: Market, redis_client, monkeypatch, counted: bool
):
    monkeypatch.setattr(chunks, "SLICE", 2)
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here = market(budget_day="1000" if counted else "0")
    here.hand = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="1000"))
    slices_of(here, range(2))
    [claim] = here.hand.take()
    assert fields(redis_client, KEYS.campaign("c"))["reserved"] == "100000"

    slices_of(here, range(4), budget="0.2")
    assert here.hand.finish(claim, Accepted("sms_1", cost="0.07")) == "accepted"
    campaign = fields(redis_client, KEYS.campaign("c"))
    assert (campaign["reserved"], campaign["spent"]) == ("100000", "70000")
    with pytest.raises(OverBudget):
        slices_of(here, range(6))
    assert redis_client.exists(KEYS.record("c.2")) == 0


@pytest.mark.parametrize(("limit", "slices"), [("300000", 3), ("0", 4), ("100000", 1)])
def test_what_an_operator_sets_for_a_campaign_holds_for_the_run_that_goes_on(
    market: Market, redis_client, monkeypatch, limit: str, slices: int
):
    monkeypatch.setattr(chunks, "SLICE", 2)
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here = market()
    slices_of(here, range(2), budget="0.2")
    drive(set_budget(KEYS, "campaign:c", limit, "ops"), redis_client)
    with suppress(OverBudget):
        slices_of(here, range(8), budget="0.2")
    assert fields(redis_client, KEYS.campaign("c"))["slices"] == str(slices)

    # Another budget is another decision.
    if slices < 4:
        slices_of(here, range(8), budget="0.5")


def test_what_does_not_fit_is_not_claimed_again_and_again_by_a_worker_whose_clock_is_days_behind(
    market: Market, redis_client
):
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here = market(budget_day="1000")
    here.send(0, "a")
    long_ago = Budgets(MoneySettings(budget_day="0.04"), days=lambda _: [(DAY, 0, 1000)])
    hand = HandWorker(redis_client, queue="marketing", budgets=long_ago)

    assert hand.claim(hand.fetch()) == []
    assert redis_client.zscore(hand.names.delayed, "a") > redis_client.time()[0] * 1000


def test_a_slice_of_which_nobody_is_left_needs_no_budget(market: Market, redis_client):
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here = market()
    here.stop(0)
    here.stop(1)
    slices_of(here, range(2), budget="0.04")

    assert here.state("c.0") == ("cancelled", "suppressed")
    assert fields(redis_client, KEYS.campaign("c"))["reserved"] == "0"
    here.send(2, "a")
    slices_of(here, range(2), budget="0.04")


def test_a_shared_call_reserves_for_each_member_whoever_has_counted_what_it_costs(
    market: Market, redis_client
):
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    counting, other = market(budget_day="1000"), market()
    for who, sender in enumerate((counting, other, counting, other)):
        sender.send(who, f"m{who}", shared=True)
    hand = HandWorker(redis_client, queue="marketing", budgets=budgets(budget_day="1000"))

    claims = hand.take()
    assert sum(len(numbers_of(claim)) for claim in claims) == 4
    assert used(redis_client) == (0.2, 0)


@pytest.mark.parametrize("purpose", ["wholesale", "alert"])
def test_of_a_shared_call_as_many_leave_as_the_budget_pays(market: Market, redis_client, purpose: str):
    """Each of them costs little: what they share, to save calls, must not keep them."""
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    here = market(budget_day="1000")
    for who in range(10):
        here.send(who, f"m{who}", shared=True, purpose=purpose)
    limits = budgets(budget_day="0.22", budget_alerts="stop")
    hand = HandWorker(redis_client, queue="alert" if purpose == "alert" else "marketing", budgets=limits)

    claims = hand.take()
    assert sum(len(numbers_of(claim)) for claim in claims) == 4
    assert used(redis_client) == (0.2, 0)
    for claim in claims:
        assert hand.finish(claim, Accepted("sms_1")) == "accepted"
    states = [here.state(f"m{who}") for who in range(10)]
    others = ("cancelled", "over_budget") if purpose == "alert" else ("queued", None)
    assert sorted(states) == sorted([("accepted", None)] * 4 + [others] * 6)

    drive(set_budget(KEYS, "account", "400000", "ops"), redis_client)
    claims = hand.take()
    assert sum(len(numbers_of(claim)) for claim in claims) == (0 if purpose == "alert" else 4)
    for claim in claims:
        hand.finish(claim, Accepted("sms_2"))
    drive(set_budget(KEYS, "account", "0", "ops"), redis_client)
    for claim in hand.take():
        hand.finish(claim, Accepted("sms_3"))
    assert hand.is_idle()
    assert fields(redis_client, KEYS.held) == {}


# Caps.


def test_the_last_slice_of_a_campaign_of_alerts_is_counted_as_little_as_the_others(
    market: Market, redis_client, monkeypatch
):
    monkeypatch.setattr(chunks, "SLICE", 2)
    here = market(number_alerts_per_hour=1)
    here.send(2, "code", purpose="alert")
    whom = [number(each) for each in range(3)]
    here.sms.send_campaign("Votre salon est ouvert", whom, campaign_id="c", sender="Bistro", purpose="alert")

    assert here.state("c.0") == here.state("c.1") == ("queued", None)
