"""Refusals that nobody knows: the third of the same words keeps what these messages have in common."""

import pytest

from producers import Message, Producer, Recipient
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.observed import observed
from tests.support.sends import NoHolder
from tests.support.template_sends import CODE, number
from worker.account.gates import Gates
from worker.gateway.outcomes import Accepted, Unexplained
from worker.ledger.claims import Claim
from worker.queue.entries import Batch

ODD = Unexplained("777", "no such thing")


class Place:
    """Both queues, the gates, and who sends."""

    def __init__(self, sms: Producer, client) -> None:
        self.sms, self.redis = sms, client
        self.now = 1000.0
        self.gates = Gates(client, KEYS, lambda: self.now)
        self.workers = {name: HandWorker(client, queue=name) for name in ("alert", "marketing")}

    def send(self, request_id: str, sender: str = "Bistro", *, purpose: str = "wholesale", **options) -> str:
        self.sms.send(
            number(0), "Hi STOP au 30101", sender=sender, purpose=purpose, request_id=request_id, **options
        )
        return request_id

    def take(self) -> list[Claim]:
        return [claim for worker in self.workers.values() for claim in worker.take()]

    def answer(self, claim: Claim, outcome, *, sender: str = "Bistro") -> str | None:
        facts = {"request_id": claim.entry.id, "queue": claim.queue, "sender": sender}
        self.gates.observe([observed(outcome, **facts)])
        return self.workers[claim.queue].finish(claim, outcome)

    def refuse(self, outcome=ODD, **facts) -> list[str]:
        """Post all there is; the gateway refuses each in these words."""
        claims = self.take()
        states = [self.answer(claim, outcome, **facts) for claim in claims]
        assert set(states) <= {"unknown"}
        return [claim.entry.id for claim in claims]

    def burn(
        self, *senders: str, purpose: str = "wholesale", name: str = "burnt", outcome=ODD, **options
    ) -> None:
        """Have as many messages refused, one of each sender."""
        for each, sender in enumerate(senders):
            self.send(f"{name}-{each}", sender, purpose=purpose, **options)
            assert self.refuse(outcome) == [f"{name}-{each}"]

    def leaves(self, *args, **options) -> bool:
        """Send one more message and say whether it is posted, rather than put aside."""
        self.send(*args, **options)
        return [claim.entry.id for claim in self.take()] == [args[0]]

    def shut(self) -> list[str]:
        return [shut.name for shut in self.gates.current()]


@pytest.fixture
def place(sms, redis_client) -> Place:
    return Place(sms, redis_client)


def test_two_are_no_breaker_and_the_third_is_one(place):
    place.burn("Bistro", "Bistro")
    assert place.leaves("third")
    assert place.shut() == []
    place.burn("Bistro", name="again")
    assert place.shut() == ["777"]
    assert not place.leaves("fourth")


def test_who_is_alike_waits_and_everybody_else_goes_on(place):
    place.burn("Bistro", "Bistro", "Bistro")
    assert not place.leaves("alike")
    assert place.leaves("another-sender", "Cafe")
    assert place.leaves("another-type", type="sms_low_cost")
    assert place.leaves("another-purpose", purpose="alert")
    assert place.sms.status("alike").waits_for == (
        "code 777, nobody knows it; sender Bistro, type sms_premium, queue marketing"
    )
    assert place.sms.status("alike").state == "queued"


def test_different_codes_make_no_breaker(place):
    for code in ("777", "778", "779"):
        place.burn("Bistro", name=code, outcome=Unexplained(code))
    assert place.shut() == []


def test_one_message_counts_once(place):
    place.send("a")
    [claim] = place.take()
    for _ in range(5):
        place.gates.observe([observed(ODD, request_id="a", queue="marketing", sender="Bistro")])
    place.answer(claim, ODD)
    assert place.shut() == []
    assert place.redis.hget(KEYS.counts, "unexplained") == b"1"


def test_refusals_far_apart_make_no_breaker(place, monkeypatch):
    place.burn("Bistro", "Bistro")
    monkeypatch.setattr("worker.account.gates.SUSPECT_MS", 1)
    place.burn("Bistro", name="late")
    assert place.shut() == []


def test_a_campaign_of_many_slices_costs_three(place):
    place.sms.send_campaign(
        "Sale STOP au 30101", [number(each) for each in range(3000)], campaign_id="spring", sender="Bistro"
    )
    worker = place.workers["marketing"]
    batch = worker.fetch()
    assert len(batch.entries) > 5
    unknown = 0
    for entry in batch.entries:
        [found] = worker.ledger.claim(Batch(batch.queue, [entry], NoHolder()), ())
        if isinstance(found, Claim):
            assert place.answer(found, ODD) == "unknown"
            unknown += 1
    assert unknown == 3
    found = place.sms.campaign_status("spring")
    assert found.aside == len(batch.entries) - 3
    assert found.waits_for == (
        "code 777, nobody knows it; sender Bistro, campaign spring, type sms_premium, queue marketing",
    )
    assert place.leaves("not-of-the-campaign")


def test_campaigns_that_differ_in_their_senders_have_nothing_narrow_in_common(place):
    for each in range(3):
        place.sms.send_campaign(
            "Sale STOP au 30101", [number(each)], campaign_id=f"c{each}", sender=f"Sender{each}"
        )
    place.refuse()
    assert place.shut() == []


def test_who_has_nothing_narrow_in_common_is_not_held(place):
    place.burn("Bistro", "Cafe", "Shop")
    assert place.shut() == []
    assert place.leaves("next")


def test_a_type_that_is_not_the_usual_one_is_narrow(place):
    place.burn("Bistro", "Cafe", "Shop", type="sms_low_cost")
    assert place.shut() == ["777"]
    assert not place.leaves("low-cost", type="sms_low_cost")
    assert place.leaves("premium")


def test_alerts_wait_when_none_like_them_is_accepted(place):
    place.send("well", purpose="alert")
    [claim] = place.take()
    place.answer(claim, Accepted("t"))
    place.now += 60
    place.burn("Bistro", "Bistro", "Bistro", purpose="alert")
    assert place.shut() == ["777"]
    assert not place.leaves("next", purpose="alert")


def test_alerts_go_on_when_others_like_them_are_accepted_meanwhile(place):
    place.burn("Bistro", "Bistro", purpose="alert")
    place.send("well", purpose="alert")
    [claim] = place.take()
    place.answer(claim, Accepted("t"))
    place.burn("Bistro", purpose="alert", name="again")
    assert place.shut() == []
    assert place.leaves("next", purpose="alert")


def test_marketing_waits_even_if_some_of_it_is_accepted(place):
    place.burn("Bistro", "Bistro")
    place.send("well")
    [claim] = place.take()
    place.answer(claim, Accepted("t"))
    place.burn("Bistro", name="again")
    assert place.shut() == ["777"]


def test_what_was_under_way_makes_no_second_breaker(place):
    for each in range(9):
        place.send(f"m{each}")
    assert len(place.refuse()) == 9
    assert place.shut() == ["777"]


def test_another_group_with_the_same_code_has_a_breaker_of_its_own(place):
    place.burn("Bistro", "Bistro", "Bistro")
    place.burn("Cafe", "Cafe", "Cafe", name="cafe")
    assert place.shut() == ["777", "777.2"]
    assert place.gates.open("777.2", "anna") == (True, 0)
    assert not place.leaves("bistro")
    assert place.leaves("cafe", "Cafe")


def test_an_operator_lets_them_go_on(place):
    place.burn("Bistro", "Bistro", "Bistro")
    for each in range(3):
        assert not place.leaves(f"m{each}")
    assert place.gates.open("777", "anna@desk") == (True, 3)
    assert {claim.entry.id for claim in place.take()} == {"m0", "m1", "m2"}
    assert (place.shut(), place.sms.status("m0").waits_for) == ([], None)
    [(_, entry)] = place.redis.xrange(KEYS.stream("audit"))
    assert (entry[b"action"], entry[b"gate"], entry[b"code"], entry[b"by"]) == (
        *(b"release", b"777", b"777"),
        b"anna@desk",
    )
    assert place.gates.open("777", "anna@desk") == (False, 0)


def test_nothing_but_an_operator_opens_a_breaker(place):
    place.burn("Bistro", "Bistro", "Bistro")
    assert not place.leaves("m")
    place.gates.see_balance(1000.0)
    place.gates.open("credit", "anna")
    place.redis.zadd(KEYS.queue("marketing").delayed, {"m": 1}, xx=True)
    assert place.take() == []
    assert place.sms.status("m").waits_for is not None


def test_who_meets_two_gates_waits_at_one_and_then_at_the_other(place):
    place.burn("Bistro", "Bistro", "Bistro")
    assert not place.leaves("m")
    place.redis.hset(
        KEYS.gates,
        "credit",
        '{"code":"104","since":1,"floors":{"sms_premium:33":{"segments":1,"at":1}}}',
    )
    place.gates.open("777", "anna")
    assert place.take() == []
    assert place.redis.zcard(KEYS.aside("777")) == 0
    assert place.redis.zrange(KEYS.aside("credit"), 0, -1) == [b"m"]


def test_a_shared_call_ends_as_unknown_and_the_fourth_waits(place):
    def call(which: int) -> list[str]:
        ids = [f"c{which}-{each}" for each in range(2)]
        to = [Recipient(number(each), param1="x") for each in range(2)]
        place.sms.send_many(
            [
                Message(one, CODE, sender="Bistro", purpose="alert", request_id=request_id)
                for one, request_id in zip(to, ids, strict=True)
            ]
        )
        return ids

    for which in range(3):
        ids = call(which)
        assert len(place.refuse()) == 1
        assert {place.sms.status(each).state for each in ids} == {"unknown"}
    waiting = call(3)
    assert place.take() == []
    assert {place.sms.status(each).state for each in waiting} == {"queued"}
    assert all("nobody knows it" in place.sms.status(each).waits_for for each in waiting)
    place.gates.open("777", "anna")
    [claim] = place.take()
    place.answer(claim, Accepted("t"))
    assert {place.sms.status(each).state for each in waiting} == {"accepted"}
    assert place.workers["alert"].is_idle()
