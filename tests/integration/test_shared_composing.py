"""A shared call is composed in steps: whatever comes between, nobody is lost and nobody is twice in it."""

import json
from datetime import timedelta

import pytest

from producers import Recipient
from tests.support.hand_worker import KEYS, HandWorker, gateway_id, numbers_of
from tests.support.template_sends import CODE, number, only, states
from worker.gateway.outcomes import Accepted, Deferred, Refused
from worker.ledger import members
from worker.ledger.ledger import WINDOW_S


@pytest.fixture
def worker(redis_client, monkeypatch) -> HandWorker:
    monkeypatch.setattr(members, "AT_ONCE", 2)
    return HandWorker(redis_client)


def send(sms, *which: int, **options: object) -> list[str]:
    """Send one message of the template to each of some numbers."""
    sent = [
        sms.send(
            Recipient(number(each), param1=f"{position}"), CODE, sender="Bistro", purpose="alert", **options
        )
        for position, each in enumerate(which)
    ]
    return [each.request_id for each in sent]


def test_a_call_composed_in_steps_has_every_member_and_one_id(worker, sms):
    ids = send(sms, *range(7))
    claim = only(worker.take())
    body = json.loads(claim.body)
    assert [(each["phone_number"], each["param1"]) for each in body["recipients"]] == [
        (number(which), str(which)) for which in range(7)
    ]
    assert (body["text"], body["request_id"] in ids) == (CODE, False)
    worker.finish(claim, Accepted("t", "0.3500", 7, 7))
    assert {str(sms.status(each).cost) for each in ids} == {"0.05"}


def test_each_step_takes_only_so_many_members(worker, sms):
    send(sms, *range(5))
    (call,) = worker.fetch().entries
    assert [worker.compose_some(call, members=2) for _ in range(4)] == [3, 1, 0, 0]


def test_whoever_comes_after_a_dead_worker_goes_on_where_it_stopped(worker, sms):
    ids = send(sms, *range(5))
    (call,) = worker.fetch().entries
    assert worker.compose_some(call, members=2) == 3
    worker.lose_entry(call)

    claim = only(worker.take())
    assert claim.entry.id == call.id
    assert numbers_of(claim) == [number(which) for which in range(5)]
    worker.finish(claim, Accepted("t"))
    assert states(sms, ids) == ["accepted"] * 5
    assert worker.is_idle()


def test_two_workers_that_compose_the_same_call_make_one_body(worker, sms):
    send(sms, *range(6))
    late = worker.fetch()
    (call,) = late.entries
    worker.compose_some(call, members=2)
    worker.lose_entry(call)
    other = worker.fetch()
    worker.compose_some(call, members=1)
    worker.compose_some(call, members=2)

    claim = only(worker.claim(other))
    assert sorted(numbers_of(claim)) == [number(which) for which in range(6)]
    assert worker.compose_some(call, members=2) == 0, "nothing is composed under a call that leaves"
    assert worker.claim(late) == []
    assert sorted(numbers_of(claim)) == sorted(
        each["phone_number"] for each in json.loads(worker.redis.get(KEYS.body(call.id)))["recipients"]
    )


@pytest.mark.parametrize("leaver", [0, 3], ids=["composed", "not yet composed"])
def test_a_member_can_leave_while_the_call_is_being_composed(worker, sms, leaver):
    ids = send(sms, *range(5))
    batch = worker.fetch()
    worker.compose_some(batch.entries[0], members=2)
    assert sms.cancel(ids[leaver]) == "cancelled"

    claim = only(worker.claim(batch))
    stay = [which for which in range(5) if which != leaver]
    assert sorted(numbers_of(claim)) == [number(which) for which in stay]
    worker.finish(claim, Accepted("t"))
    assert sorted(states(sms, ids)) == ["accepted"] * 4 + ["cancelled"]


def test_a_member_can_leave_a_composed_call_that_nobody_has_claimed(worker, sms):
    ids = send(sms, *range(3))
    batch = worker.fetch()
    worker.compose_some(batch.entries[0], members=9)
    assert sms.cancel(ids[1]) == "cancelled"
    assert numbers_of(only(worker.claim(batch))) == [number(0), number(2)]
    assert sms.cancel(ids[0]) == "too_late"


def test_the_claim_itself_never_takes_a_call_that_a_member_has_left(worker, sms, monkeypatch):
    ids = send(sms, *range(3))
    batch = worker.fetch()
    worker.compose_some(batch.entries[0], members=9)
    assert sms.cancel(ids[1]) == "cancelled"
    monkeypatch.setattr(worker.ledger, "compose", lambda _: ())
    assert worker.claim(batch) == [], "cancelled between the last step and the claim"
    monkeypatch.undo()
    assert numbers_of(only(worker.take())) == [number(0), number(2)]


def test_a_call_whose_members_all_leave_while_it_is_composed_is_gone(worker, sms, redis_client):
    ids = send(sms, *range(3))
    batch = worker.fetch()
    worker.compose_some(batch.entries[0], members=2)
    assert {sms.cancel(each) for each in ids} == {"cancelled"}
    assert worker.claim(batch) == []
    assert worker.is_idle()
    assert not redis_client.exists(
        *(key(batch.entries[0].id) for key in (KEYS.record, KEYS.body, KEYS.members))
    )


def test_a_number_met_again_in_a_later_step_waits_for_the_next_call(worker, sms):
    ids = send(sms, 0, 1, 2, 0, 3, 0)
    claims = worker.take()
    assert [numbers_of(claim) for claim in claims] == [
        [number(0), number(1), number(2), number(3)],
        [number(0)],
        [number(0)],
    ]
    for claim in claims:
        worker.finish(claim, Accepted("t" + claim.entry.id))
    assert states(sms, ids) == ["accepted"] * 6
    assert worker.is_idle()


def test_a_number_that_gives_way_to_its_double_when_the_call_is_composed_anew_still_leaves(worker, sms):
    ids = send(sms, 0, 1, 0)
    batch = worker.fetch()
    worker.compose_some(batch.entries[0], members=2)
    assert sms.cancel(ids[1]) == "cancelled"
    claims = [*worker.claim(batch), *worker.take()]
    assert [numbers_of(claim) for claim in claims] == [[number(0)], [number(0)]]
    for claim in claims:
        worker.finish(claim, Accepted("t" + claim.entry.id))
    assert states(sms, ids) == ["accepted", "cancelled", "accepted"]
    assert worker.is_idle()


def test_a_member_whose_time_runs_out_before_the_claim_is_left_out_of_the_call(worker, sms, redis_client):
    ids = send(sms, *range(3), ttl=timedelta(hours=1))
    batch = worker.fetch()
    call = batch.entries[0].id
    worker.compose_some(batch.entries[0], members=9)
    redis_client.hset(KEYS.record(ids[0]), "expires", 1)
    redis_client.hset(KEYS.record(call), "expires", 1)
    assert worker.claim(batch) == []
    assert numbers_of(only(worker.take())) == [number(1), number(2)]
    assert sms.status(ids[0]).state == "expired"


def test_a_call_that_was_not_taken_is_composed_anew_in_steps(worker, sms):
    send(sms, *range(5))
    first = only(worker.take())
    worker.finish(first, Deferred("http_503"))
    second = only(worker.take())
    assert sorted(numbers_of(second)) == sorted(numbers_of(first))
    assert gateway_id(second) != gateway_id(first)


def test_the_halves_of_a_refused_call_are_composed_in_steps(worker, sms):
    ids = send(sms, *range(6))
    worker.finish(only(worker.take()), Refused("181"))
    halves = worker.take()
    assert sorted(len(numbers_of(half)) for half in halves) == [3, 3]
    for half in halves:
        worker.finish(half, Accepted(half.entry.id[-8:]))
    assert states(sms, ids) == ["accepted"] * 6


def test_a_call_of_a_newer_version_is_left_to_a_newer_worker(worker, sms, redis_client):
    send(sms, *range(3))
    batch = worker.fetch()
    redis_client.hset(KEYS.record(batch.entries[0].id), "v", 99)
    assert worker.compose_some(batch.entries[0], members=2) == 0
    assert worker.claim(batch) == []
    assert redis_client.llen(KEYS.gathered(batch.entries[0].id)) == 3


def test_a_member_of_a_newer_version_is_left_to_a_newer_worker(worker, sms, redis_client):
    ids = send(sms, *range(3))
    redis_client.hset(KEYS.record(ids[1]), "v", 99)

    shared = only(worker.claim(worker.fetch()))
    assert numbers_of(shared) == [number(0), number(2)]

    alone = worker.fetch()
    assert [entry.id for entry in alone.entries] == [ids[1]]
    assert worker.claim(alone) == []
    worker.finish(shared, Accepted("t"))
    assert states(sms, ids) == ["accepted", "queued", "accepted"]


def test_a_member_that_a_person_sends_again_under_another_id_shares_too(worker, sms, redis_client):
    ids = send(sms, *range(3))
    body = redis_client.get(KEYS.body(ids[0])).replace(ids[0].encode(), b"a-fresh-id")
    redis_client.set(KEYS.body(ids[0]), body)
    claim = only(worker.take())
    assert len(numbers_of(claim)) == 3
    assert gateway_id(claim) not in {*ids, "a-fresh-id"}


def test_a_member_whose_body_is_damaged_leaves_the_call_and_nobody_else_suffers(worker, sms, redis_client):
    ids = send(sms, *range(3))
    redis_client.set(KEYS.body(ids[1]), b"damaged")
    claims = worker.take()
    assert sorted(claim.body for claim in claims if claim.entry.id == ids[1]) == [b"damaged"]
    shared = only([claim for claim in claims if claim.entry.id != ids[1]])
    assert numbers_of(shared) == [number(0), number(2)]


def test_a_call_whose_time_is_over_while_it_is_composed_anew_takes_its_members_along(
    worker, sms, redis_client, monkeypatch
):
    ids = send(sms, *range(5))
    worker.finish(only(worker.take()), Deferred("http_503"))
    batch = worker.fetch()
    (call,) = batch.entries
    redis_client.hincrby(KEYS.record(call.id), "first", -int(WINDOW_S * 1000) - 1)
    worker.compose_some(call, members=2)
    monkeypatch.setattr(worker.ledger, "compose", lambda _: ())
    assert worker.claim(batch) == [], "not composed through"
    monkeypatch.undo()
    assert worker.take() == []
    assert states(sms, ids) == ["failed"] * 5
    assert worker.is_idle()
