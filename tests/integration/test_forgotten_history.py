"""A process knows of something that Redis has forgotten: what it does about it loses no entry.

So it is after a failover within one flow. The old primary, which the process asked a moment ago, said that
something was over. The new one has not heard of that, and is told to end the entry.
"""

from datetime import UTC, datetime

import pytest

from producers.contract.jobs import QUEUE_CALLBACKS
from producers.contract.scripts import Command
from producers.contract.settings import RedisSettings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.template_sends import number, only, send_codes, states
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.gateway.outcomes import Accepted, Deferred
from worker.ledger.claims import Result
from worker.ledger.members import _END_MEMBERS, AT_ONCE
from worker.queue.entries import Entry

ALERT, CALLBACKS = KEYS.queue("alert"), KEYS.queue(QUEUE_CALLBACKS)


def ready(client, queue=ALERT):
    return [entry.decode() for entry in client.lrange(queue.ready, 0, -1)]


def test_a_message_that_has_something_left_to_do_goes_back_to_the_front(sms, hand, redis_client):
    for request_id in ("a", "b"):
        sms.send(number(1), f"Code {request_id}", sender="Bistro", purpose="alert", request_id=request_id)
    batch = hand.fetch()
    sms.send(number(2), "Code c", sender="Bistro", purpose="alert", request_id="c")

    hand.holder.ack(batch.entries)

    assert ready(redis_client) == ["a", "b", "c"]
    assert redis_client.zcard(ALERT.leases) == 0
    assert [hand.finish(claim, Accepted("t")) for claim in hand.take()] == ["accepted"] * 3


def test_a_message_in_an_attempt_goes_back_to_the_front(sms, hand, redis_client):
    sms.send(number(1), "Code", sender="Bistro", purpose="alert", request_id="a")
    claim = only(hand.take())

    hand.holder.ack([claim.entry])

    assert ready(redis_client) == ["a"]
    assert sms.status("a").state == "sending"


def test_a_message_whose_claim_was_forgotten_goes_back_to_the_front(sms, hand, redis_client):
    sms.send(number(1), "Code", sender="Bistro", purpose="alert", request_id="a")
    before = redis_client.dump(KEYS.record("a"))
    claim = only(hand.take())
    redis_client.restore(KEYS.record("a"), 0, before, replace=True)
    redis_client.delete(KEYS.attempt_leases, KEYS.attempt_starts)

    assert hand.ledger.finish([Result(claim, Accepted("t"), 1, False, False, delay_ms=0)]) == [None]

    assert (ready(redis_client), redis_client.zcard(ALERT.leases)) == (["a"], 0)


@pytest.mark.parametrize("how", ["ended", "forgotten", "leaves with its call"])
def test_an_entry_with_nothing_left_to_do_ends(sms, hand, redis_client, how):
    sms.send(number(1), "Code", sender="Bistro", purpose="alert", request_id="a")
    batch = hand.fetch()
    if how == "ended":
        sms.cancel("a")
    elif how == "forgotten":
        redis_client.delete(KEYS.record("a"))
    else:
        redis_client.hset(KEYS.record("a"), "call", "@call")

    hand.holder.ack(batch.entries)

    assert (ready(redis_client), redis_client.zcard(ALERT.leases)) == ([], 0)


def test_a_shared_call_that_has_not_ended_ends_no_member_and_goes_back_to_the_front(sms, hand, redis_client):
    ids = send_codes(sms, range(40))
    claim = only(hand.take())

    hand.ledger.end_members(claim.entry, "alert")

    assert ready(redis_client) == [claim.entry.id]
    assert set(states(sms, ids)) == {"sending"}
    hand.finish(claim, Accepted("t"))
    hand.take()
    assert set(states(sms, ids)) == {"accepted"}


def test_a_slice_of_a_paused_campaign_leaves_the_queue_in_the_step_that_lists_it(sms, redis_client):
    hand = HandWorker(redis_client, queue="marketing")
    sms.send_campaign("Sale. STOP au 30101", [number(1)], campaign_id="spring", sender="Bistro")
    batch = hand.fetch()
    sms.pause_campaign("spring")

    hand.ledger.claim(batch, ())

    assert redis_client.zcard(KEYS.queue("marketing").leases) == 0
    hand.holder.ack(batch.entries)
    sms.resume_campaign("spring")
    assert ready(redis_client, KEYS.queue("marketing")) == ["spring.0"]


def test_a_callback_whose_events_were_forgotten_is_published_again(hand, redis_client):
    redis_client.hset(KEYS.callback("c"), mapping={"raw": "{}", "received": 1})
    redis_client.zadd(CALLBACKS.leases, {"x:c": 2**52})
    holder = hand.broker.consume(QUEUE_CALLBACKS, timeout=1).holder
    holder.keep([Entry("c", "x:c")])

    holder.ack_surely([Entry("c", "x:c")])

    assert ready(redis_client, CALLBACKS) == ["c"]


def test_the_bytes_of_a_callback_go_in_the_step_that_publishes_its_events(redis_client):
    for callback_id in ("c1", "c2"):
        redis_client.hset(KEYS.callback(callback_id), mapping={"raw": "{}", "received": 1})
    stop = {"number": number(1), "text": "STOP", "stop_date": "2030-01-31 14:05:09"}

    Publisher(redis_client, RedisSettings()).publish(
        [parse(stop, "optouts", datetime.now(UTC), "c1")], done=["c1"]
    )

    assert redis_client.xlen(KEYS.stream("optouts")) == 1
    assert redis_client.keys(KEYS.callback("*")) == [KEYS.callback("c2").encode()]


def forget_the_claim(hand, client, claim, before):
    """Let Redis have the record of before a claim, whose entry waits for whoever comes."""
    client.restore(KEYS.record(claim.entry.id), 0, before, replace=True)
    client.delete(KEYS.attempt_leases, KEYS.attempt_starts)
    client.zrem(hand.names.leases, claim.entry.lease)
    client.lpush(hand.names.ready, claim.entry.id)


def test_a_claim_that_was_forgotten_reports_nothing_for_the_one_that_has_its_number(sms, hand, redis_client):
    sms.send(number(1), "Code", sender="Bistro", purpose="alert", request_id="a")
    before = redis_client.dump(KEYS.record("a"))
    forgotten = only(hand.take())
    forget_the_claim(hand, redis_client, forgotten, before)
    claim = only(hand.take())
    assert claim.token == forgotten.token

    assert hand.record(forgotten, Deferred("client_connector_error")) is None

    assert sms.status("a").state == "sending"
    assert hand.finish(claim, Accepted("t")) == "accepted"
    assert hand.is_idle()


def test_a_claim_that_was_forgotten_gives_back_nothing_of_the_one_that_has_its_number(
    sms, hand, redis_client
):
    """Else its call would be composed anew, under another name, while it is at the gateway."""
    ids = send_codes(sms, range(3))
    deferred = only(hand.take())
    hand.finish(deferred, Deferred("client_connector_error"))
    before = redis_client.dump(KEYS.record(deferred.entry.id))
    forgotten = only(hand.take())
    forget_the_claim(hand, redis_client, forgotten, before)
    claim = only(hand.take())
    assert claim.token == forgotten.token

    hand.ledger._give_back_call(forgotten, unsure=False)

    assert sms.cancel(ids[0]) == "too_late"
    assert hand.finish(claim, Accepted("t")) == "accepted"
    assert set(states(sms, ids)) == {"accepted"}


def test_members_whose_end_was_forgotten_are_told_again(sms, hand, redis_client):
    ids = send_codes(sms, range(AT_ONCE + 5))
    claim = only(hand.take())
    hand.record(claim, Accepted("t"))
    before = {each: redis_client.dump(KEYS.record(each)) for each in ids}
    call, lease = claim.entry.id, claim.entry.lease
    told = [each.decode() for each in redis_client.hvals(KEYS.members(call))]
    given = {"queue": "alert", "call": call, "retention_ms": 60_000, "maxlen": 100}
    for members, ends in ((told[:AT_ONCE], None), (told[AT_ONCE:], lease)):
        if ends:
            for each in told[:AT_ONCE]:
                redis_client.restore(KEYS.record(each), 0, before[each], replace=True)
        Command(_END_MEMBERS, KEYS.prefix, {**given, "members": members, "lease": ends}, int).run(
            redis_client
        )

    assert ready(redis_client) == [call]
    hand.take()
    assert set(states(sms, ids)) == {"accepted"}
    assert hand.is_idle()
