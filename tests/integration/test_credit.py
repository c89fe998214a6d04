"""What the account cannot pay waits aside, and nobody else waits for it."""

import json
import time
from datetime import timedelta

import pytest

from producers import Message, Producer, Recipient
from producers.contract.scripts import Command
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.observed import observed
from tests.support.sends import claim_one
from tests.support.template_sends import CODE, number, states
from worker.account.gates import ASIDE_MS, TRIED_ANYWAY_LONGEST_MS, Gates
from worker.account.probe import AccountProbe
from worker.account.throttle import Throttle
from worker.gateway.outcomes import Accepted, Deferred, Unknown
from worker.ledger.claims import Claim, Over, Result

NO_CREDIT = Deferred("104", account=True)
BELGIAN = "+32470123456"


@pytest.fixture
def marketing(redis_client) -> HandWorker:
    return HandWorker(redis_client, queue="marketing")


@pytest.fixture
def alerts(redis_client) -> HandWorker:
    return HandWorker(redis_client)


@pytest.fixture
def gates(redis_client) -> Gates:
    return Gates(redis_client, KEYS)


@pytest.fixture
def throttle(redis_client) -> Throttle:
    return Throttle(redis_client, KEYS)


def send(sms: Producer, request_id: str, *numbers: str, purpose: str = "wholesale", **options) -> str:
    sms.send(
        list(numbers), "Hi STOP au 30101", sender="Bistro", purpose=purpose, request_id=request_id, **options
    )
    return request_id


def slice_of(sms: Producer, request_id: str, size: int, **options) -> str:
    return send(sms, request_id, *(number(each) for each in range(size)), **options)


def refuse(worker: HandWorker) -> list[str]:
    """Fetch and claim what there is, refuse all of it for want of credit; return what was posted."""
    claims = worker.take()
    for claim in claims:
        assert worker.finish(claim, NO_CREDIT) == "queued"
    # This worker's retries are due at once: they are claimed again, and nobody posts.
    assert worker.take() == []
    return [claim.entry.id for claim in claims]


def pay(worker: HandWorker, gates: Gates, cost: str = "0.05", **odd) -> list[str]:
    """Fetch and claim what there is, accept all of it at this price each; return what was posted."""
    claims = worker.take()
    for claim in claims:
        outcome = Accepted(f"t-{claim.entry.id}", cost=cost)
        facts = {"sender": "Bistro", "type": "sms_premium", "number": "+336", **odd}
        gates.observe([observed(outcome, request_id=claim.entry.id, queue=claim.queue, **facts)])
        worker.finish(claim, outcome)
    return [claim.entry.id for claim in claims]


def aside(redis_client) -> list[str]:
    return [each.decode() for each in redis_client.zrange(KEYS.aside("credit"), 0, -1)]


def test_what_cannot_be_paid_waits_and_what_can_be_paid_leaves(sms, marketing, alerts, redis_client):
    slice_of(sms, "big", 10)
    assert refuse(marketing) == ["big"]

    slice_of(sms, "smaller", 9)
    slice_of(sms, "as-big", 10)
    slice_of(sms, "bigger", 11)
    send(sms, "alert", number(0), purpose="alert")

    assert [claim.entry.id for claim in marketing.take()] == ["smaller"]
    assert [claim.entry.id for claim in alerts.take()] == ["alert"]
    assert set(aside(redis_client)) == {"big", "as-big", "bigger"}
    assert not redis_client.exists(KEYS.hold)


def test_a_refusal_costs_neither_an_attempt_nor_the_window_and_the_entry_never_leaves_its_queue(
    sms, marketing, redis_client
):
    slice_of(sms, "big", 10)
    refuse(marketing)
    record = redis_client.hgetall(KEYS.record("big"))
    assert (record[b"state"], record.get(b"attempts"), record.get(b"first")) == (b"queued", None, None)
    assert marketing.take() == []
    assert marketing.left() == ["big"]
    seconds, _ = redis_client.time()
    due = redis_client.zscore(KEYS.queue("marketing").delayed, "big") / 1000 - seconds
    assert ASIDE_MS / 1000 - 5 < due <= ASIDE_MS / 1000 + 1


def test_the_window_of_what_waits_aside_does_not_run(sms, marketing, redis_client):
    """Else what was deferred once would be over after 20 hours, though nothing was ever taken."""
    slice_of(sms, "deferred", 10)
    slice_of(sms, "unpaid", 10)
    deferred, unpaid = marketing.take()
    marketing.finish(deferred, Deferred("500", proven=True))
    marketing.finish(unpaid, NO_CREDIT)
    assert redis_client.hget(KEYS.record("deferred"), "first")
    assert marketing.take() == []

    assert "deferred" in aside(redis_client)
    assert redis_client.hget(KEYS.record("deferred"), "first") is None


def test_a_costly_country_does_not_keep_a_cheap_one(sms, alerts):
    send(sms, "belgian", BELGIAN, purpose="alert")
    assert refuse(alerts) == ["belgian"]
    send(sms, "another", BELGIAN, purpose="alert")
    send(sms, "french", number(0), purpose="alert")
    send(sms, "other-type", BELGIAN, purpose="alert", type="sms_low_cost")
    assert {claim.entry.id for claim in alerts.take()} == {"french", "other-type"}


@pytest.mark.parametrize(
    ("numbers", "country"),
    [
        (["+33612345678"], "33"),
        (["+12025550123"], "1"),
        (["+77012345678"], "7"),
        (["+262692123456"], "262"),
        (["+33612345678", "+33755512345"], "33"),
        (["+33612345678", BELGIAN], "several"),
    ],
)
def test_a_price_is_known_by_type_and_country(sms, gates, marketing, redis_client, numbers, country):
    send(sms, "a", *numbers)
    assert pay(marketing, gates, "0.60") == ["a"]
    each = 0.6 / len(numbers)
    assert redis_client.hgetall(KEYS.prices) == {f"sms_premium:{country}".encode(): b"%.6f" % each}


def test_a_free_message_teaches_no_price(sms, gates, marketing, redis_client):
    send(sms, "a", number(0))
    pay(marketing, gates, "0.0")
    assert not redis_client.exists(KEYS.prices)


def test_the_price_the_balance_and_the_reason_can_be_read(sms, gates, marketing):
    slice_of(sms, "cheap", 2)
    pay(marketing, gates, "0.10")
    slice_of(sms, "big", 10)
    refuse(marketing)
    assert sms.status("big").waits_for == "credit: costs about 0.50, balance not seen yet (code 104)"
    gates.see_balance(0.2)
    assert sms.status("big").waits_for == "credit: costs about 0.50, 0.20 left (code 104)"
    assert sms.status("cheap").waits_for is None


def test_a_price_that_nobody_knows_is_said_to_be_unknown(sms, gates, marketing):
    slice_of(sms, "big", 10)
    refuse(marketing)
    gates.see_balance(0.2)
    assert sms.status("big").waits_for == "credit: price unknown, 0.20 left (code 104)"


def test_a_price_that_is_learnt_later_is_told_and_counts(sms, gates, marketing, alerts):
    slice_of(sms, "big", 10)
    refuse(marketing)
    send(sms, "alert", number(0), purpose="alert")
    pay(alerts, gates)
    assert gates.see_balance(0.2) == (0, True)
    assert sms.status("big").waits_for == "credit: costs about 0.50, 0.20 left (code 104)"
    assert gates.see_balance(0.3) == (0, False)
    assert gates.see_balance(0.5) == (1, False)


def test_who_can_no_longer_pay_an_alert_asks_for_the_balance_at_once(sms, throttle, marketing, alerts):
    slice_of(sms, "big", 10)
    refuse(marketing)
    assert [throttle.due_probe("credit") for _ in range(2)] == [True, False]
    slice_of(sms, "as-big", 10)
    assert marketing.take() == []
    assert not throttle.due_probe("credit")
    send(sms, "alert", number(0), purpose="alert")
    refuse(alerts)
    assert [throttle.due_probe("credit") for _ in range(2)] == [True, False]


def test_credit_lets_go_on_what_it_can_pay_and_no_more(sms, gates, marketing, alerts, redis_client):
    send(sms, "known", number(0), purpose="alert")
    pay(alerts, gates)
    for size in (10, 20, 30):
        slice_of(sms, f"of-{size}", size)
    claims = marketing.take()
    for claim in claims:
        marketing.finish(claim, NO_CREDIT)
    assert gates.see_balance(0.2) == (0, True)
    assert marketing.take() == []
    assert gates.see_balance(1.0) == (2, False)
    assert {claim.entry.id for claim in marketing.take()} == {"of-10", "of-20"}
    assert aside(redis_client) == ["of-30"]


def test_without_a_price_a_balance_that_rises_lets_all_be_tried_again(sms, gates, marketing):
    slice_of(sms, "big", 10)
    refuse(marketing)
    assert [gates.see_balance(balance)[0] for balance in (1.0, 1.0, 0.9)] == [0, 0, 0]
    assert gates.see_balance(1.1) == (1, False)
    assert refuse(marketing) == ["big"]
    assert gates.see_balance(1.1) == (0, False)


def test_an_estimate_that_is_wrong_keeps_nobody_for_ever(sms, gates, marketing, redis_client, monkeypatch):
    redis_client.hset(KEYS.prices, "sms_premium:33", "1000")
    slice_of(sms, "big", 10)
    refuse(marketing)
    assert gates.see_balance(5.0) == (0, True)
    monkeypatch.setattr("worker.account.gates.TRIED_ANYWAY_MS", 0)
    assert gates.see_balance(5.0) == (1, False)
    assert [claim.entry.id for claim in marketing.take()] == ["big"]


def age_refusals(redis_client, ms: int) -> None:
    """Let the last refusals of all tariffs be this old."""
    seconds, _ = redis_client.time()
    gate = json.loads(redis_client.hget(KEYS.gates, "credit"))
    for floor in gate["floors"].values():
        floor["at"] = seconds * 1000 - ms
    redis_client.hset(KEYS.gates, "credit", json.dumps(gate))


def test_credit_that_came_before_the_balance_was_seen_keeps_nobody_for_long(
    sms, gates, marketing, redis_client
):
    slice_of(sms, "big", 10)
    refuse(marketing)
    assert [gates.see_balance(100.0) for _ in range(2)] == [(0, True), (0, False)]
    # It is tried again, each time after twice as long.
    for patience_ms in (30_000, 60_000, 120_000):
        age_refusals(redis_client, patience_ms - 5_000)
        assert gates.see_balance(100.0) == (0, False)
        age_refusals(redis_client, patience_ms)
        assert gates.see_balance(100.0) == (1, False)
        assert refuse(marketing) == ["big"]
    age_refusals(redis_client, 240_000)
    assert gates.see_balance(100.0) == (1, False)
    assert pay(marketing, gates) == ["big"]


def test_what_is_never_paid_is_tried_once_an_hour(sms, gates, marketing, redis_client):
    slice_of(sms, "big", 10)
    refuse(marketing)
    gates.see_balance(1.0)
    for _ in range(10):
        age_refusals(redis_client, TRIED_ANYWAY_LONGEST_MS)
        assert gates.see_balance(1.0) == (1, False)
        assert refuse(marketing) == ["big"]
    age_refusals(redis_client, TRIED_ANYWAY_LONGEST_MS - 5_000)
    assert gates.see_balance(1.0) == (0, False)


def test_many_slices_cost_few_posts(sms, marketing):
    for each in range(50):
        slice_of(sms, f"s{each}", 3)
    batch = marketing.fetch()
    first, *others = batch.entries
    [claim] = marketing.ledger.claim(type(batch)(batch.queue, [first], batch.holder), ())
    marketing.finish(claim, NO_CREDIT)
    found = marketing.ledger.claim(type(batch)(batch.queue, others, batch.holder), ())
    assert {each.state for each in found} == {"aside"}


def test_what_waits_aside_can_be_cancelled_and_leaves_nothing(sms, marketing, redis_client):
    slice_of(sms, "big", 10)
    refuse(marketing)
    assert sms.cancel("big") == "cancelled"
    assert (aside(redis_client), marketing.left()) == ([], [])
    assert redis_client.hget(KEYS.record("big"), "aside") is None


def test_a_ttl_ends_what_waits_aside_in_time(sms, marketing, redis_client):
    slice_of(sms, "first", 10)
    refuse(marketing)
    slice_of(sms, "short", 10, ttl=timedelta(milliseconds=500))
    assert marketing.take() == []
    assert redis_client.zscore(KEYS.queue("marketing").delayed, "short") == float(
        redis_client.hget(KEYS.record("short"), "expires")
    )
    deadline = time.monotonic() + 10
    while sms.status("short").state != "expired" and time.monotonic() < deadline:
        assert marketing.take() == []
    assert sms.status("short").state == "expired"
    assert aside(redis_client) == ["first"]


def test_a_message_in_doubt_goes_on_being_asked_for(sms, marketing, gates, redis_client):
    slice_of(sms, "doubtful", 10)
    slice_of(sms, "big", 10)
    doubtful, big = marketing.take()
    marketing.finish(doubtful, Unknown("read_timeout"))
    marketing.finish(big, NO_CREDIT)
    [again] = marketing.take()
    assert (again.entry.id, again.in_doubt) == ("doubtful", True)
    assert marketing.finish(again, NO_CREDIT) == "sending"
    assert aside(redis_client) == ["big"]


def test_a_shared_call_waits_and_its_members_say_why(sms, alerts, gates, redis_client):
    ids = [f"m{each}" for each in range(3)]
    sms.send_many(
        [
            Message(
                Recipient(number(n), param1=each), CODE, sender="Bistro", purpose="alert", request_id=each
            )
            for n, each in enumerate(ids)
        ]
    )
    [call] = refuse(alerts)
    assert len(call) > 36
    assert {sms.status(each).waits_for for each in ids} == {
        "credit: price unknown, balance not seen yet (code 104)"
    }
    # One who leaves makes the rest cheaper, but it is the call that waits, until it is given back.
    assert sms.cancel("m1") == "cancelled"
    gates.see_balance(0.01)
    gates.see_balance(5.0)
    [claim] = alerts.take()
    alerts.finish(claim, Accepted("t"))
    assert states(sms, ids) == ["accepted", "cancelled", "accepted"]
    assert aside(redis_client) == []
    assert alerts.is_idle()


def test_a_call_whose_members_have_all_left_leaves_nothing(sms, alerts, redis_client):
    ids = ["m0", "m1"]
    sms.send_many(
        [
            Message(
                Recipient(number(n), param1=each), CODE, sender="Bistro", purpose="alert", request_id=each
            )
            for n, each in enumerate(ids)
        ]
    )
    refuse(alerts)
    assert [sms.cancel(each) for each in ids] == ["cancelled", "cancelled"]
    redis_client.zadd(KEYS.queue("alert").delayed, {aside(redis_client)[0]: 1}, xx=True)
    assert alerts.take() == []
    assert aside(redis_client) == []
    assert alerts.is_idle()


def test_a_campaign_says_what_waits_and_its_pause_and_cancel_hold(sms, marketing, gates, redis_client):
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.05")
    sms.send_campaign(
        "Sale STOP au 30101", [number(each) for each in range(1200)], campaign_id="spring", sender="Bistro"
    )
    refuse(marketing)
    gates.see_balance(5.0)
    found = sms.campaign_status("spring")
    assert (found.aside, found.pending) == (3, 1200)
    [why] = found.waits_for
    assert why.startswith("credit: costs about ")
    assert why.endswith(", 5.00 left (code 104)")

    sms.pause_campaign("spring")
    gates.open("credit", "anna")
    assert marketing.take() == []
    assert (sms.campaign_status("spring").aside, sms.campaign_status("spring").waiting) == (0, 3)
    sms.resume_campaign("spring")
    assert len(refuse(marketing)) == 3

    sms.cancel_campaign("spring")
    found = sms.campaign_status("spring")
    assert (found.aside, found.waits_for, found.cancelled) == (0, (), 1200)
    assert aside(redis_client) == []
    assert marketing.is_idle()


@pytest.mark.parametrize("gate_is_forgotten", [False, True])
def test_nobody_is_stranded_whatever_became_of_the_gate(sms, marketing, redis_client, gate_is_forgotten):
    slice_of(sms, "big", 10)
    refuse(marketing)
    if gate_is_forgotten:
        redis_client.delete(KEYS.gates, KEYS.credit)
        assert sms.status("big").waits_for == "credit: about to go on"
    redis_client.zadd(KEYS.queue("marketing").delayed, {"big": 1}, xx=True)
    assert len(marketing.take()) == gate_is_forgotten
    assert aside(redis_client) == ([] if gate_is_forgotten else ["big"])


def test_a_worker_that_dies_in_the_middle_of_giving_back_strands_nobody(
    sms, marketing, gates, monkeypatch, redis_client
):
    for each in range(5):
        slice_of(sms, f"s{each}", 10)
    refuse(marketing)
    run, steps = Command.run, []

    def doomed(self, client):
        steps.extend([1] * (self.script.name == "give_back"))
        if len(steps) == 2:
            raise KeyboardInterrupt
        return run(self, client)

    monkeypatch.setattr("worker.account.gates.AT_ONCE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(Command, "run", doomed)
        with pytest.raises(KeyboardInterrupt):
            gates.open("credit", "anna")
    assert len(marketing.take()) == 2
    assert len(aside(redis_client)) == 3
    assert gates.open("credit", "anna") == (False, 3)
    assert len(marketing.take()) == 3
    assert aside(redis_client) == []


def test_a_claim_puts_aside_and_ends_the_lease_in_one_step(sms, marketing, redis_client):
    slice_of(sms, "first", 10)
    refuse(marketing)
    slice_of(sms, "next", 10)
    batch = marketing.fetch()
    [over] = marketing.ledger.claim(batch, ())
    # The worker dies here, before it settles anything.
    assert over == Over("aside")
    assert redis_client.zcard(KEYS.queue("marketing").leases) == 0
    assert redis_client.zscore(KEYS.queue("marketing").delayed, "next") is not None


def test_who_has_lost_the_entry_puts_it_nowhere(sms, marketing, redis_client):
    slice_of(sms, "first", 10)
    refuse(marketing)
    slice_of(sms, "next", 10)
    batch = marketing.fetch()
    marketing.lose_entry(batch.entries[0])
    other = HandWorker(redis_client, queue="marketing")
    assert [entry.id for entry in other.fetch().entries] == ["next"]
    marketing.ledger.claim(batch, ())
    assert redis_client.zscore(KEYS.queue("marketing").delayed, "next") is None


def test_what_somebody_has_fetched_is_not_given_back_beside(sms, marketing, gates, redis_client):
    slice_of(sms, "big", 10)
    refuse(marketing)
    redis_client.zadd(KEYS.queue("marketing").delayed, {"big": 1}, xx=True)
    batch = marketing.fetch()
    gates.open("credit", "anna")
    assert redis_client.zscore(KEYS.queue("marketing").delayed, "big") is None
    assert [claim.entry.id for claim in marketing.claim(batch)] == ["big"]


def test_what_waits_aside_moves_to_its_paused_campaign_when_it_is_due(sms, marketing, redis_client):
    sms.send_campaign("Sale STOP au 30101", [number(0)], campaign_id="spring", sender="Bistro")
    refuse(marketing)
    sms.pause_campaign("spring")
    redis_client.zadd(KEYS.queue("marketing").delayed, {"spring.0": 1}, xx=True)
    assert marketing.take() == []
    found = sms.campaign_status("spring")
    assert (found.aside, found.waiting, aside(redis_client)) == (0, 1, [])


def probing(redis_client, gates, *balances: float | None):
    """Make a probe that sees these balances, one per request, and is always due."""
    throttle = Throttle(redis_client, KEYS)
    asked = []

    def balance():
        asked.append(1)
        return balances[len(asked) - 1]

    probe = AccountProbe(throttle, gates, balance)

    def look():
        for key in (KEYS.credit, KEYS.hold):
            if redis_client.exists(key):
                redis_client.hset(key, "probe_at", 0)
        probe.look()
        return len(asked)

    return look, throttle


def test_an_account_with_nothing_left_is_held_as_a_whole(sms, marketing, gates, redis_client):
    slice_of(sms, "big", 10)
    look, throttle = probing(redis_client, gates, 0.0, 0.0, 10.0)
    assert look() == 0
    refuse(marketing)
    assert look() == 1
    assert throttle.current_hold().code == "104"
    look()
    assert throttle.current_hold() is not None
    look()
    assert throttle.current_hold() is None
    assert [claim.entry.id for claim in marketing.take()] == ["big"]


def test_an_account_with_something_left_is_not_held(sms, marketing, gates, redis_client):
    slice_of(sms, "big", 10)
    refuse(marketing)
    look, throttle = probing(redis_client, gates, 0.3, None)
    look()
    look()
    assert throttle.current_hold() is None
    assert aside(redis_client) == ["big"]


def test_a_hold_that_only_an_operator_ends_is_left_by_the_probe(gates, redis_client):
    look, throttle = probing(redis_client, gates, 100.0)
    throttle.hold("126")
    assert look() == 1
    assert throttle.current_hold().code == "126"
    throttle.release("anna@desk")
    assert throttle.current_hold() is None


def test_one_worker_of_all_asks_for_the_balance_and_the_wait_doubles(sms, marketing, throttle, redis_client):
    assert not throttle.due_probe("credit")
    slice_of(sms, "big", 10)
    refuse(marketing)
    waits = []
    for _ in range(3):
        assert throttle.due_probe("credit")
        assert not throttle.due_probe("credit")
        seconds, _ = redis_client.time()
        waits.append(round((float(redis_client.hget(KEYS.credit, "probe_at")) / 1000 - seconds) / 5))
        redis_client.hset(KEYS.credit, "probe_at", 0)
    assert waits == [1, 2, 4]


def test_nobody_asks_for_the_balance_once_nothing_waits(sms, marketing, gates, throttle, redis_client):
    slice_of(sms, "big", 10)
    refuse(marketing)
    sms.cancel("big")
    assert gates.see_balance(1.0) == (0, True)
    assert not redis_client.exists(KEYS.gates, KEYS.credit)
    assert not throttle.due_probe("credit")


def test_what_is_not_gated_is_claimed_as_before(sms, marketing, redis_client):
    slice_of(sms, "a", 3)
    redis_client.hset(KEYS.gates, "of-a-newer-version", '{"code":"1"}')
    assert isinstance(claim_one(marketing.ledger, "a"), Claim)


def test_the_last_answer_of_a_batch_tells_what_is_left_on_the_account(sms, alerts, redis_client):
    for each in range(4):
        send(sms, f"a{each}", number(each), purpose="alert")
    said = ["9.90", "9.80", None]
    claims = alerts.take()
    results = [
        Result(claim, Accepted(f"t{place}", credit=credit), 1, False, False, 0)
        for place, (claim, credit) in enumerate(zip(claims[:3], said, strict=True))
    ]

    alerts.ledger.finish([*results, Result(claims[3], Deferred("128"), 1, False, False, 0)])

    seen = redis_client.hgetall(KEYS.credit_seen)
    assert seen[b"amount"] == b"9.80"
    assert int(seen[b"at"]) == int(redis_client.hget(KEYS.record("a1"), "ended"))


def test_an_answer_without_a_balance_leaves_the_last_one_standing(sms, alerts, redis_client):
    send(sms, "a", number(1), purpose="alert")
    redis_client.hset(KEYS.credit_seen, mapping={"amount": "5.00", "at": 1})

    assert pay(alerts, Gates(redis_client, KEYS)) == ["a"]

    assert redis_client.hgetall(KEYS.credit_seen) == {b"amount": b"5.00", b"at": b"1"}


def test_the_balance_that_a_probe_sees_is_noted_also_if_nothing_waits(gates, redis_client):
    gates.see_balance(94.995)

    assert redis_client.hget(KEYS.credit_seen, "amount") == b"94.99500"
