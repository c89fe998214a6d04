"""Messages of one template that leave in one call: each keeps its own fate, whatever becomes of the call."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from producers import Message, Recipient
from tests.support.hand_worker import KEYS, HandWorker, gateway_id, numbers_of
from tests.support.sends import correlate_one
from tests.support.template_sends import CODE, number, only, states
from worker.gateway.outcomes import Accepted, Deferred, Unknown
from worker.queue.entries import is_call

NO_ANSWER = Unknown("read_timeout")


@pytest.fixture
def worker(redis_client) -> HandWorker:
    return HandWorker(redis_client)


@pytest.fixture
def queued(sms) -> Callable[..., list[str]]:
    """Queue messages of one template and return their ids."""

    def queue(count: int, text: str = CODE, prefix: str = "m", **options: object) -> list[str]:
        options = {"sender": "Bistro", "purpose": "alert", **options}
        sent = sms.send_many(
            [
                Message(
                    Recipient(number(which), param1=str(which)),
                    text,
                    request_id=f"{prefix}{which}",
                    context={"of": f"{prefix}{which}"},
                    **options,
                )
                for which in range(count)
            ]
        )
        return [each.request_id for each in sent]

    return queue


def test_messages_of_one_template_leave_in_one_call(worker, queued, sms, redis_client):
    ids = queued(3)
    claim = only(worker.take())

    assert is_call(claim.entry.id)
    body = json.loads(claim.body)
    assert [(r["phone_number"], r["param1"]) for r in body["recipients"]] == [
        (number(which), str(which)) for which in range(3)
    ]
    assert body["text"] == CODE
    assert body["request_id"] not in ids
    assert worker.finish(claim, Accepted("t1", "0.15", 3, 3)) == "accepted"
    assert states(sms, ids) == ["accepted"] * 3
    assert worker.is_idle()
    assert int(redis_client.hget(KEYS.counts, "accepted")) == 3


def test_a_message_that_is_alone_goes_as_itself(worker, queued, sms):
    (alone,) = queued(1)
    claim = only(worker.take())
    assert (claim.entry.id, gateway_id(claim)) == (alone, alone)
    worker.finish(claim, Accepted("t"))
    assert sms.status(alone).ticket == "t"
    assert worker.is_idle()


def test_a_call_takes_500_and_the_rest_goes_in_the_next(worker, queued):
    queued(1203)
    assert [len(numbers_of(claim)) for claim in worker.take()] == [500, 500, 203]


def test_no_call_is_shared_where_one_message_is_the_limit(redis_client, queued):
    ids = queued(5)
    claims = HandWorker(redis_client, share_max=1).take()
    assert [claim.entry.id for claim in claims] == ids


def test_interleaved_templates_gather_apart_and_neither_keeps_the_other_waiting(redis_client, sms):
    worker = HandWorker(redis_client, share_max=2)
    for which in range(5):
        for text in ("A {param1}", "B {param1}"):
            sms.send(Recipient(number(which), param1="x"), text, sender="Bistro", purpose="alert")
    texts = [json.loads(claim.body)["text"][0] for claim in worker.take()]
    assert texts == ["A", "B"] * 3


@pytest.mark.parametrize(
    "changed",
    [{"sender": "Other"}, {"with_replies": True}, {"ttl": timedelta(hours=1)}, {"auto_optimize_text": False}],
    ids=lambda changed: next(iter(changed)),
)
def test_messages_that_differ_in_an_option_share_no_call(worker, queued, changed):
    queued(2)
    queued(2, prefix="other", **changed)
    assert [len(numbers_of(claim)) for claim in worker.take()] == [2, 2]


def test_the_rate_limit_bounds_what_gathers(redis_client, queued):
    worker = HandWorker(redis_client, rate=10)
    queued(100)
    claim = only(worker.claim(worker.fetch()))
    # Alerts run a second ahead.
    assert 10 <= len(numbers_of(claim)) <= 11
    assert worker.fetch() is None


def test_the_rate_limit_bounds_several_templates_together(redis_client, queued):
    worker = HandWorker(redis_client, rate=10)
    for template in range(10):
        queued(10, text=f"{template} {{param1}}", prefix=f"m{template}.")
    assert sum(len(numbers_of(claim)) for claim in worker.take()) <= 11


def test_no_number_is_twice_in_one_call(worker, sms):
    for text in ("1", "2", "3"):
        sms.send(Recipient(number(0), param1=text), CODE, sender="Bistro", purpose="alert")
    sms.send(Recipient(number(1), param1="x"), CODE, sender="Bistro", purpose="alert")
    assert sorted(sorted(numbers_of(claim)) for claim in worker.take()) == [
        [number(0)],
        [number(0)],
        [number(0), number(1)],
    ]


def test_whoever_is_cancelled_before_the_call_is_made_is_left_out(worker, queued, sms):
    ids = queued(3)
    assert sms.cancel(ids[1]) == "cancelled"
    batch = worker.fetch()
    assert sms.cancel(ids[0]) == "cancelled"
    claim = only(worker.claim(batch))
    assert numbers_of(claim) == [number(2)]
    worker.finish(claim, Accepted("t"))
    assert states(sms, ids) == ["cancelled", "cancelled", "accepted"]


def test_a_call_whose_members_are_all_cancelled_never_leaves(worker, queued, sms):
    ids = queued(3)
    batch = worker.fetch()
    assert {sms.cancel(each) for each in ids} == {"cancelled"}
    assert worker.claim(batch) == []
    assert worker.is_idle()


def test_nobody_can_leave_a_call_under_way_or_in_doubt(worker, queued, sms):
    ids = queued(2)
    claim = only(worker.take())
    assert sms.cancel(ids[0]) == "too_late"
    worker.finish(claim, NO_ANSWER)
    assert sms.cancel(ids[0]) == "too_late"
    claim = only(worker.take())
    worker.record(claim, Accepted("t"))
    assert sms.cancel(ids[0]) == "too_late", "the members do not know yet"
    worker.end_members(claim.entry)
    assert states(sms, ids) == ["accepted"] * 2


def test_a_call_that_was_not_taken_can_be_left_and_goes_again_under_another_id(worker, queued, sms):
    ids = queued(3)
    first = only(worker.take())
    assert worker.finish(first, Deferred("153")) == "queued"
    assert sms.cancel(ids[0]) == "cancelled"
    second = only(worker.take())
    assert second.entry.id == first.entry.id
    assert gateway_id(second) != gateway_id(first)
    assert numbers_of(second) == [number(1), number(2)]
    worker.finish(second, Accepted("t"))
    assert states(sms, ids) == ["cancelled", "accepted", "accepted"]


def test_a_call_in_doubt_goes_again_with_the_same_bytes(worker, queued, sms):
    ids = queued(3)
    first = only(worker.take())
    assert worker.finish(first, NO_ANSWER) == "sending"
    second = only(worker.take())
    assert (second.body, second.in_doubt) == (first.body, True)
    worker.lose(second)
    third = only(worker.take())
    assert (third.body, third.in_doubt) == (first.body, True)
    assert states(sms, ids) == ["sending"] * 3


def test_whose_time_is_over_before_the_call_is_made_expires_alone(worker, queued, sms, redis_client):
    ids = queued(3, ttl=timedelta(hours=1))
    batch = worker.fetch()
    redis_client.hset(KEYS.record(ids[0]), "expires", 1)
    redis_client.hincrby(KEYS.record(ids[1]), "expires", -1_800_000)
    claim = only(worker.claim(batch))
    assert numbers_of(claim) == [number(1), number(2)]
    assert 1_700 < claim.ttl_s <= 1_800, "the first whose time runs out decides"
    assert sms.status(ids[0]).state == "expired"


def test_a_call_in_doubt_is_unknown_when_the_time_of_a_member_is_over(worker, queued, sms, redis_client):
    ids = queued(2, ttl=timedelta(hours=1))
    claim = only(worker.take())
    worker.finish(claim, NO_ANSWER)
    redis_client.hset(KEYS.record(claim.entry.id), "expires", 1)
    assert worker.take() == []
    assert states(sms, ids) == ["unknown"] * 2
    assert {sms.status(each).code for each in ids} == {"read_timeout"}
    assert worker.is_idle()


def test_a_ticket_leads_to_the_member_with_that_number_and_to_its_context(worker, queued):
    ids = queued(3)
    worker.finish(only(worker.take()), Accepted("t"))
    for which, each in enumerate(ids):
        found = correlate_one(worker.ledger, "t", number(which), 1)
        assert (found.request_id, json.loads(found.context)) == (each, {"of": each})
    assert correlate_one(worker.ledger, "t", number(77), 1).request_id is None


def test_a_ticket_that_outlives_its_call_names_no_call(worker, queued, redis_client):
    queued(2)
    claim = only(worker.take())
    worker.finish(claim, Accepted("t"))
    redis_client.delete(KEYS.record(claim.entry.id), KEYS.members(claim.entry.id))
    assert correlate_one(worker.ledger, "t", number(0), 1).request_id is None


def test_each_member_bears_its_share_of_the_cost_and_the_facts_of_the_call(worker, sms, redis_client):
    texts = ["x", "y" * 50, "z"]
    for which, text in enumerate(texts):
        sms.send(
            Recipient(number(which), param1=text),
            CODE + 120 * ".",
            sender="Bistro",
            purpose="alert",
            request_id=str(which),
        )
    worker.finish(only(worker.take()), NO_ANSWER, posts=3)
    worker.finish(only(worker.take()), Accepted("t", "0.2000", 4, 3), posts=1)
    found = [sms.status(str(which)) for which in range(3)]
    assert [each.cost for each in found] == [Decimal("0.05"), Decimal("0.1"), Decimal("0.05")]
    assert {(each.ticket, each.attempts, each.code) for each in found} == {("t", 4, None)}
    entries = [fields for _, fields in redis_client.xrange(KEYS.stream("statuses"))]
    assert {(e[b"request_id"], e[b"state"], e[b"ticket"]) for e in entries} == {
        (str(which).encode(), b"accepted", b"t") for which in range(3)
    }
    assert len(entries) == 3
