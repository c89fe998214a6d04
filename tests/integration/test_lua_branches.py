"""Rare branches of the Lua scripts: what the tests of their subjects never come to."""

from decimal import Decimal

import pytest
import redis

from producers import Producer
from producers.contract.assembly import joined
from producers.contract.keys import Keys
from producers.contract.scripts import Script
from producers.contract.settings import RedisSettings
from producers.feeds import Feed
from tests.support.hand_worker import HandWorker, gateway_id, numbers_of
from tests.support.lua_scripts import ROOT, script_files
from tests.support.observed import observed
from tests.support.sends import claim_one, correlate_one
from tests.support.template_sends import number, only, send_codes
from worker.account.gates import Gates
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.ledger.claims import Over
from worker.operator.decisions import Decisions
from worker.queue.entries import Entry
from worker.queue.holder import DEAD_MS

KEYS = Keys()
#: Names that may be added to any script before Lua refuses its layer: that takes 200 at most.
SPARE_NAMES = 6
NO_ANSWER = Unknown("read_timeout")
#: What leaves open whether a duplicate is one of ours.
UNSURE = {"in_doubt": True, "id_used_up": True}
NO_CREDIT = Deferred("104", account=True)
FRENCH, BELGIAN = "+33612345678", "+32470123456"


@pytest.fixture
def gates(redis_client) -> Gates:
    return Gates(redis_client, KEYS)


def send(sms: Producer, request_id: str, to: str = FRENCH, **options: object) -> str:
    return sms.send(to, "Hi", sender="Bistro", purpose="alert", request_id=request_id, **options).request_id


def now_ms(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


@pytest.mark.parametrize("path", script_files(), ids=lambda path: path.stem)
def test_every_script_has_names_to_spare(redis_client, path):
    script = Script(".".join(path.parent.relative_to(ROOT).parts), path.stem)
    names = ", ".join(f"spare{each}" for each in range(SPARE_NAMES))
    text = joined({**script.texts, script.name: f"local {names}\n{script.texts[script.name]}"})
    assert redis_client.script_load(f"#!lua\n{text}")


def test_an_acceptance_may_come_without_a_ticket(sms, hand):
    send(sms, "a")

    assert hand.finish(only(hand.take()), Accepted(None)) == "accepted"
    assert sms.status("a").ticket is None


@pytest.mark.parametrize("outcome", [Duplicate("120"), Accepted("sms_1")])
def test_what_comes_to_an_end_without_its_body_ends_all_the_same(sms, hand, redis_client, outcome):
    """Somebody deleted the body, or an evicting Redis did: nobody can say whose ticket is missing."""
    send(sms, "a")
    claim = only(hand.take())
    redis_client.delete(KEYS.body("a"))

    assert hand.finish(claim, outcome, in_doubt=True) == "accepted"


def test_the_claim_of_a_call_that_a_later_one_has_replaced_is_not_given_back(sms, hand, redis_client):
    """The worker that could not get its claim confirmed was slow to give it back."""
    send_codes(sms, range(2))
    first = only(hand.take())
    hand.lose(first)
    second = claim_one(hand.ledger, first.entry.id)
    assert second.token == first.token + 1

    hand.ledger._give_back_call(first, unsure=False)

    assert redis_client.hget(KEYS.record(first.entry.id), "running") == second.entry.lease.encode()
    assert redis_client.zscore(KEYS.attempt_leases, second.lease)


def test_a_slice_adds_its_cost_to_its_campaign_once_and_moves_there_when_it_proves_accepted(
    sms, redis_client
):
    hand = HandWorker(redis_client, queue="marketing")
    options = {"sender": "Bistro", "purpose": "wholesale"}
    sms.send_campaign(
        "Hi STOP au 30101", [number(each) for each in range(600)], campaign_id="spring", **options
    )
    paid, doubtful = sorted(hand.take(), key=lambda claim: claim.entry.id)
    hand.finish(paid, Accepted("sms_1", cost="25.0"))
    hand.finish(doubtful, Duplicate("120"), **UNSURE)
    parked = sms.campaign_status("spring")
    assert (parked.accepted, parked.unknown, parked.cost) == (500, 100, Decimal(25))

    reached = numbers_of(doubtful)[0]
    assert correlate_one(hand.ledger, "sms_2", reached, now_ms(redis_client)).request_id == "spring.1"
    proven = sms.campaign_status("spring")
    assert (proven.accepted, proven.unknown, proven.cost) == (600, 0, Decimal(25))


def test_numbers_are_forgotten_with_the_sends_that_waited_for_a_ticket(sms, hand, redis_client):
    send(sms, "a")
    hand.finish(only(hand.take()), NO_ANSWER)
    redis_client.delete(KEYS.record("a"))

    assert correlate_one(hand.ledger, "sms_1", FRENCH, now_ms(redis_client)).request_id is None
    assert list(redis_client.scan_iter(KEYS.prefix + "unticketed:*")) == []


def test_a_ticket_of_the_gateways_own_is_contradicted_by_no_callback(sms, hand, redis_client):
    """The number still waits for the ticket of an earlier attempt, which this answer has brought."""
    send(sms, "a")
    hand.finish(only(hand.take()), Accepted(None))
    redis_client.hset(KEYS.record("a"), "ticket", "sms_1")

    assert correlate_one(hand.ledger, "sms_2", FRENCH, now_ms(redis_client)).request_id is None
    assert sms.status("a").ticket == "sms_1"


def test_a_ticket_contradicted_while_its_send_is_under_way_is_believed_no_more(sms, hand, redis_client):
    send(sms, "a")
    hand.finish(only(hand.take()), NO_ANSWER)
    assert correlate_one(hand.ledger, "sms_1", FRENCH, now_ms(redis_client)).request_id == "a"

    correlate_one(hand.ledger, "sms_2", FRENCH, now_ms(redis_client))

    assert not redis_client.hexists(KEYS.record("a"), "ticket")
    assert sms.status("a").state == "sending"


def test_a_member_that_a_person_sent_again_keeps_its_ticket_when_that_of_its_call_is_contradicted(
    sms, hand, redis_client
):
    send_codes(sms, range(3))
    hand.finish(only(hand.take()), Duplicate("120"), **UNSURE)
    assert correlate_one(hand.ledger, "sms_1", number(0), now_ms(redis_client)).request_id == "m0"
    redis_client.hset(KEYS.record("m1"), "ticket", "sms_9")

    correlate_one(hand.ledger, "sms_2", number(0), now_ms(redis_client))

    assert [sms.status(each).ticket for each in ("m0", "m1", "m2")] == [None, "sms_9", None]


def test_members_of_a_call_that_is_forgotten_are_left_as_they_are(sms, hand, redis_client):
    send_codes(sms, range(2))
    claim = only(hand.take())
    hand.record(claim, Accepted("sms_1"))
    redis_client.delete(KEYS.record(claim.entry.id))

    hand.end_members(claim.entry)

    assert [redis_client.hget(KEYS.record(each), "state") for each in ("m0", "m1")] == [b"queued", b"queued"]
    assert hand.is_idle()


def test_the_entry_of_a_member_ends_since_the_member_leaves_with_its_call(sms, hand):
    send_codes(sms, range(2))
    only(hand.take())

    assert claim_one(hand.ledger, "m0") == Over("shared")


def test_a_call_falls_apart_into_those_who_still_wait_and_those_who_left_alone(sms, hand, redis_client):
    send_codes(sms, range(3))
    batch = hand.fetch()
    assert sms.cancel("m1") == "cancelled"
    # Its worker had lost it, and claimed it alone.
    redis_client.hset(KEYS.record("m2"), mapping={"state": "sending", "token": 1})

    assert hand.members.dissolve(batch.entries[0], "alert", 0) is False

    assert redis_client.lrange(KEYS.queue("alert").ready, 0, -1) == [b"m0", b"m2"]


def test_a_member_that_waited_aside_alone_leaves_its_gate_with_the_call(sms, hand, redis_client):
    send_codes(sms, range(2))
    redis_client.hset(KEYS.record("m0"), "aside", "credit")
    redis_client.zadd(KEYS.aside("credit"), {"m0": 0})

    claim = only(hand.take())

    assert len(numbers_of(claim)) == 2
    assert not redis_client.exists(KEYS.aside("credit"))
    assert not redis_client.hexists(KEYS.record("m0"), "aside")


def test_a_member_without_a_body_fails_alone(sms, hand, redis_client):
    send_codes(sms, range(3))
    redis_client.delete(KEYS.body("m1"))

    assert numbers_of(only(hand.take())) == [number(0), number(2)]
    lost = sms.status("m1")
    assert (lost.state, lost.code) == ("failed", "body_lost")


@pytest.mark.parametrize(("lost", "reason"), [("record", "gone"), ("body", "body_lost")])
def test_what_is_lost_while_somebody_decides_is_not_sent_again(sms, hand, redis_client, lost, reason):
    """The body was read already, to make the new one."""
    send(sms, "a")
    hand.finish(only(hand.take()), Refused("121"))
    deciding = Decisions(RedisSettings(), by="anna@desk").replay("a")
    read = next(deciding).run(redis_client)
    redis_client.delete(getattr(KEYS, lost)("a"))

    assert deciding.send(read).run(redis_client) == reason
    assert hand.take() == []


def test_nothing_is_learnt_from_a_message_without_a_body(redis_client, gates):
    gates.observe([observed(Accepted("t", cost="0.05"), request_id="gone")])

    assert not redis_client.exists(KEYS.prefix + "prices")


@pytest.mark.parametrize("priced", [True, False])
def test_one_balance_may_open_several_tariffs(sms, hand, gates, redis_client, priced):
    for request_id, to in (("french", FRENCH), ("belgian", BELGIAN)):
        send(sms, request_id, to)
    for claim in hand.take():
        assert hand.finish(claim, NO_CREDIT) == "queued"
    if priced:
        redis_client.hset(KEYS.prefix + "prices", mapping={"sms_premium:33": 0.05, "sms_premium:32": 0.07})
    gates.see_balance(0.0)

    given_back, _ = gates.see_balance(1.0)

    assert given_back == 2
    assert sorted(claim.entry.id for claim in hand.take()) == ["belgian", "french"]


def test_a_marker_whose_list_is_gone_brings_nothing_and_keeps_nobody(sms, hand, redis_client):
    send_codes(sms, range(2))
    redis_client.delete(*redis_client.scan_iter(KEYS.prefix + "gather:*"))
    send(sms, "a")

    assert [gateway_id(claim) for claim in hand.take()] == ["a"]


def lost_lease(hand: HandWorker, sms: Producer) -> Entry:
    """Take an entry whose lease runs out, so that it is nobody's."""
    send(sms, "a")
    [entry] = hand.fetch().entries
    hand.redis.zrem(hand.names.leases, entry.lease)
    return entry


@pytest.mark.parametrize("what", ["nack", "requeue"])
def test_an_entry_whose_lease_is_lost_goes_nowhere(sms, hand, redis_client, what):
    entry = lost_lease(hand, sms)

    getattr(hand.holder, what)([entry])

    assert not redis_client.exists(hand.names.dead)
    assert hand.left() == []


def test_dead_letters_end_after_a_while_with_their_envelopes(sms, hand, redis_client):
    redis_client.zadd(
        hand.names.dead, {"old": now_ms(redis_client) - DEAD_MS - 1, "young": now_ms(redis_client)}
    )
    redis_client.hset(hand.names.envelopes, mapping={"old": "x", "young": "y"})
    send(sms, "a")

    hand.holder.nack(hand.fetch().entries)

    assert redis_client.zrange(hand.names.dead, 0, -1) == [b"young", b"a"]
    assert redis_client.hkeys(hand.names.envelopes) == [b"young"]


def test_a_feed_leaves_a_stream_that_is_gone(sms, redis_client):
    send(sms, "a")
    sms.cancel("a")
    feed = Feed("statuses", "app", client=redis_client)
    assert next(iter(feed)).request_id == "a"
    redis_client.delete(KEYS.stream("statuses"))
    feed.stop()

    assert list(feed) == []
    assert not redis_client.exists(KEYS.stream("statuses"))
