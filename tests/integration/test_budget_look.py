"""What waits for a budget leaves once money has come back: a budget never holds what can be paid."""

import pytest

from producers import Producer, Recipient
from producers.contract.scripts import Command
from producers.settings import ProducerSettings
from tests.support.hand_worker import HandWorker
from tests.support.spending import DAY, KEYS, budgets, used
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted, Refused
from worker.ledger.budget_look import _AFFORD, MOST, MOST_BYTES, BudgetLook

TEXT = "Hello STOP au 30101"
#: Euros of a segment whose price nobody knows yet, and what it really costs.
UNKNOWN, REAL = 0.25, "0.04"


def producer(redis_url, **chosen):
    return Producer(redis_url, settings=ProducerSettings(budget_day="1000", **chosen))


@pytest.fixture
def sms(redis_url):
    return producer(redis_url)


def queue(sms, count, prefix="m"):
    for n in range(count):
        sms.send(f"+336{n:08d}", TEXT, sender="Bistro", request_id=f"{prefix}{n}")


def at_work(redis_client, **chosen):
    """A worker with a budget, and its look."""
    counted = budgets(**chosen)
    worker = HandWorker(redis_client, queue="marketing", budgets=counted)
    return worker, BudgetLook(redis_client, KEYS, counted)


def waiting(redis_client):
    return redis_client.zcard(KEYS.aside("budget"))


def price(redis_client, euros=REAL):
    redis_client.hset(KEYS.prices, "sms_premium:33", euros)


def refused_while_others_wait(sms, redis_client, others=1):
    """Let others wait for a budget of one message that is free again; return a worker and its look."""
    price(redis_client)
    queue(sms, 1 + others)
    worker, look = at_work(redis_client, budget_day="0.05")
    [claim] = worker.take()
    assert waiting(redis_client) == others
    worker.finish(claim, Refused("110"))
    return worker, look


def test_what_costs_less_than_it_might_makes_room_until_all_have_left(sms, redis_client):
    queue(sms, 20)
    worker, look = at_work(redis_client, budget_day="1")
    claims = worker.take()
    assert len(claims) == 1 / UNKNOWN
    sent = 0
    while claims:
        assert sum(used(redis_client)) <= 1
        for claim in claims:
            worker.finish(claim, Accepted(f"t{claim.entry.id}", cost=REAL))
        price(redis_client)
        sent += len(claims)
        if waiting(redis_client):
            assert until(look.look) > 0
        claims = worker.take()

    assert sent == 20
    assert waiting(redis_client) == 0
    assert used(redis_client) == (0, pytest.approx(0.8))


def test_a_refusal_gives_its_money_to_the_next(sms, redis_client):
    price(redis_client)
    queue(sms, 2)
    worker, look = at_work(redis_client, budget_day="0.05")
    [claim] = worker.take()
    assert look.look() == 0
    worker.finish(claim, Refused("110"))

    assert until(look.look) == 1
    assert [each.entry.id for each in worker.take()] == ["m1"]


def test_no_more_go_on_than_fit_and_what_never_fits_stays(sms, redis_client):
    price(redis_client)
    sms.send([f"+3361234560{n}" for n in range(5)], TEXT, sender="Bistro", request_id="big")
    queue(sms, 6)
    worker, look = at_work(redis_client, budget_day="0.12")
    claims = worker.take()
    assert len(claims) == 3
    due = redis_client.zscore(worker.names.delayed, "big")
    for claim in claims[:2]:
        worker.finish(claim, Refused("110"))

    assert until(look.look) == 2
    assert redis_client.zscore(worker.names.delayed, "big") == due
    assert len(worker.take()) == 2
    assert sum(used(redis_client)) == pytest.approx(0.12)


def test_an_application_without_money_keeps_nobody_else(redis_url, redis_client):
    price(redis_client)
    poor, rich = producer(redis_url, app="poor"), producer(redis_url, app="rich")
    queue(poor, MOST + 2, prefix="poor")
    worker, look = at_work(redis_client, budget_day="10", budget_app_day="0.04")
    assert len(worker.take()) == 1
    rich.send(["+33612345678", "+33612345679"], TEXT, sender="Bistro", request_id="rich0")
    assert worker.take() == []
    redis_client.hset(KEYS.prefix + "budgets", "app", "80000")
    redis_client.hset(KEYS.spend("app:poor", DAY), "reserved", "80000")

    until(lambda: look.look() == 1)
    assert [each.entry.id for each in worker.take()] == ["rich0"]


def test_of_a_shared_call_as_many_members_leave_as_fit(sms, redis_client):
    price(redis_client)
    queue(sms, 1)
    worker, look = at_work(redis_client, budget_day="0.05")
    [claim] = worker.take()
    for n in range(4):
        person = Recipient(f"+3361234560{n}", first_name="Zoe")
        sms.send(person, "Hi {first_name} STOP au 30101", sender="Bistro", request_id=f"shared{n}")
    assert worker.take() == []
    # The call waits as a whole: not one of its members fits.
    [(_, whole)] = redis_client.zrange(KEYS.aside("budget"), 0, -1, withscores=True)
    assert whole == pytest.approx(0.16)
    worker.finish(claim, Refused("110"))

    assert until(look.look) == 1
    [one] = worker.take()
    assert one.body.count(b"+336") == 1
    assert used(redis_client) == (0.04, 0)


def test_one_worker_of_all_looks_at_a_time_whatever_the_clock_did(sms, redis_client):
    _, look = refused_while_others_wait(sms, redis_client)
    money = budgets(budget_day="0.05").given()
    given = {"money": money, "every_ms": 3_600_000, "most": MOST, "most_bytes": MOST_BYTES}
    key = KEYS.prefix + "budget_look"
    redis_client.hset(key, "at", redis_client.time()[0] * 1000 + 1_800_000)
    assert Command(_AFFORD, KEYS.prefix, given, int).run(redis_client) == 0
    # Further ahead than anybody sets it: the clock of the server went back.
    redis_client.hset(key, "at", redis_client.time()[0] * 1000 + 36_000_000)

    assert look.look() == 1


def test_what_is_due_already_keeps_its_place(sms, redis_client):
    worker, look = refused_while_others_wait(sms, redis_client)
    redis_client.zadd(worker.names.delayed, {"m1": 1}, xx=True)

    assert look.look() == 0
    assert redis_client.exists(KEYS.prefix + "budget_look")
    assert redis_client.zscore(worker.names.delayed, "m1") == 1
    assert [each.entry.id for each in worker.take()] == ["m1"]


def test_whoever_goes_on_fits_by_what_claims_reserve(sms, redis_client):
    queue(sms, 20)
    worker, look = at_work(redis_client, budget_day="1")
    for claim in worker.take():
        worker.finish(claim, Accepted(f"t{claim.entry.id}", cost=REAL))
    price(redis_client)

    # Three reserve 0.25 of the 0.84, as they were estimated. Two more fit, at their price.
    assert until(look.look) == 5
    assert len(worker.take()) == 5
    assert used(redis_client) == (pytest.approx(0.83), pytest.approx(0.16))


def look_again(redis_client, most_bytes, limit):
    """Look at so many bytes, however soon; say how many go on, and where the next look begins."""
    key = KEYS.prefix + "budget_look"
    redis_client.hdel(key, "at")
    given = {"money": budgets(budget_day=limit).given(), "every_ms": 1000, "most": MOST}
    found = Command(_AFFORD, KEYS.prefix, {**given, "most_bytes": most_bytes}, int).run(redis_client)
    return found, int(redis_client.hget(key, "rank"))


def test_a_look_ends_behind_so_many_bytes_of_bodies_and_the_next_one_goes_on_there(sms, redis_client):
    price(redis_client)
    for name in ("a", "b", "c"):
        sms.send(["+33612345601", "+33612345602"], TEXT, sender="Bistro", request_id=name)
    worker, _ = at_work(redis_client, budget_day="0.05")
    assert worker.take() == []
    size = redis_client.strlen(KEYS.body("a"))

    # None fits. The first look ends behind one body, the next one behind two, which are the last.
    assert look_again(redis_client, 1, "0.05") == (0, 1)
    assert look_again(redis_client, size + 1, "0.05") == (0, 0)
    # Nothing is left at all, or all fits: nobody needs a body.
    assert look_again(redis_client, 1, "1") == (3, 0)
    redis_client.hset(KEYS.spend("account", DAY), "reserved", "50000")
    assert look_again(redis_client, 1, "0.05") == (0, 0)


def test_what_has_lost_its_record_is_passed_over(sms, redis_client):
    worker, look = refused_while_others_wait(sms, redis_client, others=2)
    redis_client.delete(KEYS.record("m1"))

    assert until(look.look) == 1
    assert [each.entry.id for each in worker.take()] == ["m2"]


@pytest.mark.parametrize("chosen", [{}, {"budget_day": "10"}], ids=["nothing is counted", "nothing waits"])
def test_where_nothing_is_counted_or_nothing_waits_nothing_is_written(sms, redis_client, chosen):
    queue(sms, 1)
    worker, look = at_work(redis_client, **chosen)
    assert len(worker.take()) == 1

    assert look.look() == 0
    assert not redis_client.exists(KEYS.prefix + "budget_look")
