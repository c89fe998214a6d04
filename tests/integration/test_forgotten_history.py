"""A process knows of something that Redis has forgotten: what it does about it loses no entry.

So it is after a failover within one flow. The old primary, which the process asked a moment ago, said that
something was over. The new one has not heard of that, and is told to end the entry.
"""

from datetime import UTC, datetime

import pytest

from producers.contract.jobs import QUEUE_CALLBACKS
from producers.contract.settings import RedisSettings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.template_sends import number, only, send_codes, states
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.gateway.outcomes import Accepted
from worker.ledger.claims import Result
from worker.queue.entries import Entry

ALERT, CALLBACKS = KEYS.queue("alert"), KEYS.queue(QUEUE_CALLBACKS)


@pytest.fixture
def hand(redis_client):
    return HandWorker(redis_client)


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
