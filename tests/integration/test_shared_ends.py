"""How shared calls end: refusals of one member or of all, doubt, workers that die, people who decide."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from producers.contract.settings import RedisSettings
from tests.support.hand_worker import KEYS, HandWorker, gateway_id, numbers_of
from tests.support.sends import correlate_one
from tests.support.template_sends import number, only, send_codes, states
from worker.gateway.codes import CODES, SPLITTING, CodeClass
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.ledger import members
from worker.ledger.claims import Claim
from worker.ledger.ledger import WINDOW_S
from worker.operator.operations import Operations
from worker.queue.entries import is_call

NO_ANSWER = Unknown("read_timeout")
#: Proof that none was taken, and not the fault of one of them.
WHOLE_CALL = [
    str(code) for code, row in CODES.items() if row.kind is CodeClass.PERMANENT and str(code) not in SPLITTING
]


@pytest.fixture
def queued(sms) -> Callable[..., list[str]]:
    """Queue messages of one template and return their ids."""

    def queue(count: int, first: int = 0, **options: object) -> list[str]:
        return send_codes(sms, range(first, first + count), **options)

    return queue


def now_ms(client) -> int:
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def a_day_later(client, claim: Claim) -> None:
    client.hincrby(KEYS.record(claim.entry.id), "first", -WINDOW_S * 1000 - 1)


def told(client) -> list[str]:
    """The members that applications were told of, in order."""
    return sorted(fields[b"request_id"].decode() for _, fields in client.xrange(KEYS.stream("statuses")))


def drain(hand: HandWorker, refuses: set[str]) -> tuple[list[str], list[str]]:
    """Play a gateway that refuses some numbers; return the ids it saw and the numbers it took."""
    seen, taken = [], []
    while claims := hand.take():
        for claim in claims:
            seen.append(gateway_id(claim))
            if refuses & set(numbers_of(claim)):
                hand.finish(claim, Refused("181", "bad number"))
            else:
                taken += numbers_of(claim)
                hand.finish(claim, Accepted(f"t{len(seen)}"))
    return seen, taken


@pytest.mark.parametrize("bad", [[0], [6], [3], [2, 5], [0, 1, 2, 3, 4, 5, 6]], ids=str)
def test_a_refusal_is_split_down_to_the_bad_ones_and_all_others_are_accepted(hand, queued, sms, bad):
    ids = queued(7)
    seen, taken = drain(hand, {number(which) for which in bad})
    assert len(set(seen)) == len(seen), "every POST under an id of its own"
    assert sorted(taken) == [number(which) for which in range(7) if which not in bad]
    assert states(sms, ids) == ["rejected" if which in bad else "accepted" for which in range(7)]
    assert {sms.status(ids[which]).code for which in bad} == {"181"}
    assert hand.is_idle()


def test_the_parts_of_a_split_call_are_not_counted_as_waiting_again(hand, queued, sms, redis_client):
    queued(4)
    drain(hand, {number(1)})
    counted = redis_client.hgetall("{sms}:metrics")
    waits = {name: int(count) for name, count in counted.items() if name.startswith(b"delay:alert:")}
    assert sum(count for name, count in waits.items() if not name.endswith(b":sum_ms")) == 1


def test_one_bad_number_among_500_costs_few_calls(hand, queued, sms):
    queued(500)
    seen, taken = drain(hand, {number(123)})
    assert len(taken) == 499
    assert len(seen) <= 2 * 9 + 1


@pytest.mark.parametrize("code", WHOLE_CALL)
def test_a_refusal_that_concerns_all_rejects_all_at_once(hand, queued, sms, code):
    ids = queued(3)
    assert hand.finish(only(hand.take()), Refused(code)) == "rejected"
    assert states(sms, ids) == ["rejected"] * 3
    assert hand.is_idle()


def test_members_of_a_half_can_be_cancelled_while_it_waits(hand, queued, sms):
    ids = queued(4)
    assert hand.finish(only(hand.take()), Refused("181")) == "split"
    assert sms.cancel(ids[0]) == "cancelled"
    assert sorted(len(numbers_of(claim)) for claim in hand.take()) == [1, 2]


@pytest.mark.parametrize("how", ["earlier attempt", "same attempt"])
def test_a_refusal_after_doubt_never_splits(hand, queued, sms, how):
    ids = queued(3)
    claim = only(hand.take())
    if how == "earlier attempt":
        hand.finish(claim, NO_ANSWER)
        claim = only(hand.take())
    assert hand.finish(claim, Refused("181"), in_doubt=True) == "unknown"
    assert states(sms, ids) == ["unknown"] * 3


def test_a_duplicate_after_doubt_accepts_all_and_the_first_receipt_brings_the_ticket(
    hand, queued, sms, redis_client
):
    ids = queued(3)
    hand.finish(only(hand.take()), NO_ANSWER)
    assert hand.finish(only(hand.take()), Duplicate("120")) == "accepted"
    assert [(each.state, each.ticket) for each in map(sms.status, ids)] == [("accepted", None)] * 3
    assert correlate_one(hand.ledger, "sms_t", number(1), now_ms(redis_client)).request_id == ids[1]
    assert {sms.status(each).ticket for each in ids} == {"sms_t"}
    assert correlate_one(hand.ledger, "sms_t", number(2), now_ms(redis_client)).request_id == ids[2]
    assert told(redis_client) == sorted(ids * 2)


def test_a_duplicate_of_a_first_attempt_is_never_counted_as_sent(hand, queued, sms, redis_client):
    ids = queued(3)
    assert hand.finish(only(hand.take()), Duplicate("120")) == "unknown"
    assert correlate_one(hand.ledger, "sms_t", number(1), now_ms(redis_client)).request_id is None
    assert states(sms, ids) == ["unknown"] * 3


def test_a_ticket_learnt_while_the_call_is_open_reaches_all_members(hand, queued, sms, redis_client):
    ids = queued(3)
    hand.finish(only(hand.take()), NO_ANSWER)
    assert correlate_one(hand.ledger, "sms_t", number(2), now_ms(redis_client)).request_id == ids[2]
    hand.finish(only(hand.take()), Duplicate("120"))
    assert {(sms.status(each).state, sms.status(each).ticket) for each in ids} == {("accepted", "sms_t")}


def test_members_of_an_unknown_call_are_parked_until_a_receipt_proves_it(hand, queued, sms, redis_client):
    ids = queued(3)
    claim = only(hand.take())
    hand.finish(claim, NO_ANSWER)
    a_day_later(redis_client, claim)
    assert hand.take() == []
    operations = Operations(redis_client, RedisSettings(), "tester")
    assert sorted(each.request_id for each in operations.parked(("unknown",))) == ids
    assert correlate_one(hand.ledger, "sms_t", number(0), now_ms(redis_client)).request_id == ids[0]
    assert {(sms.status(each).state, sms.status(each).ticket) for each in ids} == {("accepted", "sms_t")}
    assert list(operations.parked(("unknown",))) == []
    assert int(redis_client.hget(KEYS.counts, "unknown")) == 0


def test_a_person_decides_about_each_member_of_an_unknown_call(hand, queued, sms, redis_client):
    ids = queued(3)
    claim = only(hand.take())
    hand.finish(claim, NO_ANSWER)
    a_day_later(redis_client, claim)
    hand.take()
    operations = Operations(redis_client, RedisSettings(), "tester")
    assert operations.resolve(ids[0], "as-accepted") is None
    assert operations.resolve(ids[1], "send-again") is None
    assert states(sms, ids) == ["accepted", "queued", "unknown"]
    correlate_one(hand.ledger, "sms_t", number(2), now_ms(redis_client))
    assert states(sms, ids) == ["accepted", "queued", "accepted"]
    again = only(hand.take())
    assert (again.entry.id, numbers_of(again)) == (ids[1], [number(1)])
    assert gateway_id(again) != ids[1]
    hand.finish(again, Accepted("t2"))
    assert [sms.status(each).ticket for each in ids] == ["sms_t", "t2", "sms_t"]


@pytest.mark.parametrize("fetched_first", [True, False])
def test_a_replayed_member_goes_again_also_when_sending_pauses(
    hand, queued, sms, redis_client, fetched_first
):
    ids = queued(2)
    hand.finish(only(hand.take()), Refused("106"))
    operations = Operations(redis_client, RedisSettings(), "tester")
    assert [operations.replay(each) for each in ids] == [None, None]
    if fetched_first:
        batch = hand.fetch()
        hand.throttle.pause("429", 60_000)
        assert hand.claim(batch) == []
        redis_client.delete(KEYS.pause)
    _, taken = drain(hand, set())
    assert sorted(taken) == [number(0), number(1)]
    assert states(sms, ids) == ["accepted"] * 2


@pytest.mark.parametrize("how", ["pause", "failure"])
def test_a_call_that_is_put_off_before_its_first_attempt_stays_a_call(hand, queued, sms, redis_client, how):
    ids = queued(3)
    batch = hand.fetch()
    if how == "pause":
        hand.throttle.pause("429", 60_000)
        assert hand.claim(batch) == []
        redis_client.delete(KEYS.pause)
    else:
        hand.holder.delay([entry.delayed(0) for entry in batch.entries])
    later = queued(2, first=10)
    _, taken = drain(hand, set())
    assert sorted(taken) == sorted(number(which) for which in (0, 1, 2, 10, 11))
    assert states(sms, ids + later) == ["accepted"] * 5
    assert hand.is_idle()


def test_a_message_under_way_alone_is_not_lost_to_a_call_that_gathered_it(hand, queued, sms, redis_client):
    """A suspended worker claims what another has put off and what gathers by now; then it dies."""
    (slow,) = queued(1)
    suspended = hand.fetch()
    hand.lose_entry(suspended.entries[0])
    hand.holder.delay([entry.delayed(0) for entry in hand.fetch().entries])
    queued(2, first=1)
    call = hand.fetch()
    assert is_call(call.entries[0].id)
    claim = only([each for each in hand.ledger.claim(suspended, ()) if isinstance(each, Claim)])
    others = only(hand.claim(call))
    assert numbers_of(others) == [number(1), number(2)]
    hand.lose(claim)
    again = only(hand.take())
    assert (again.entry.id, again.in_doubt) == (slow, True)


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_worker_lost_while_it_tells_the_members_is_completed(
    hand, queued, sms, redis_client, monkeypatch, done
):
    monkeypatch.setattr(members, "AT_ONCE", 2)
    ids = queued(5)
    claim = only(hand.take())
    hand.record(claim, Accepted("t", "0.25"))
    runs = iter(range(done))

    def dies(*_: object, **__: object) -> object:
        if next(runs, None) is None:
            raise SystemExit
        return run(*_, **__)

    run = members.Command.run
    monkeypatch.setattr(members.Command, "run", dies)
    with pytest.raises(SystemExit):
        hand.ledger.end_members(claim.entry, "alert")
    monkeypatch.setattr(members.Command, "run", run)
    assert states(sms, ids).count("accepted") == 2 * done
    hand.lose_entry(claim.entry)
    assert hand.take() == []
    assert states(sms, ids) == ["accepted"] * 5
    assert told(redis_client) == ids
    assert int(redis_client.hget(KEYS.counts, "accepted")) == 5
    assert hand.is_idle()


def test_finish_and_the_end_of_members_can_be_repeated(hand, queued, sms, redis_client):
    ids = queued(3)
    claim = only(hand.take())
    assert [hand.record(claim, Accepted("t", "0.15")) for _ in range(2)] == ["accepted"] * 2
    for _ in range(2):
        hand.end_members(claim.entry)
    assert hand.record(claim, Accepted("t", "0.15")) == "accepted"
    assert told(redis_client) == ids
    assert hand.is_idle()


def test_a_split_that_is_repeated_makes_no_third_half(hand, queued, sms, redis_client):
    queued(4)
    claim = only(hand.take())
    assert [hand.record(claim, Refused("181")) for _ in range(2)] == ["split"] * 2
    assert redis_client.llen(hand.names.ready) == 2
    assert sorted(len(numbers_of(each)) for each in hand.take()) == [2, 2]


def test_a_worker_that_lost_a_call_cannot_overwrite_its_successor(hand, queued, sms):
    ids = queued(3)
    suspended = only(hand.take())
    hand.lose(suspended)
    successor = only(hand.take())
    assert successor.in_doubt
    assert hand.record(suspended, Refused("181")) is None
    assert hand.finish(successor, Accepted("t2")) == "accepted"
    assert hand.record(suspended, Accepted("t1")) is None
    assert {sms.status(each).ticket for each in ids} == {"t2"}
    assert hand.is_idle()


def test_a_call_that_is_never_taken_fails_with_all_its_members(hand, queued, sms, redis_client):
    ids = queued(3)
    claim = only(hand.take())
    hand.finish(claim, Deferred("connect_error"))
    a_day_later(redis_client, claim)
    assert hand.take() == []
    assert [(each.state, each.code) for each in map(sms.status, ids)] == [("failed", "connect_error")] * 3
    assert hand.is_idle()


def test_a_half_whose_time_is_over_fails_with_its_members_and_the_refusal(hand, queued, sms, redis_client):
    ids = queued(4)
    claim = only(hand.take())
    hand.finish(claim, Refused("181"))
    for half in (".1", ".2"):
        redis_client.hincrby(KEYS.record(claim.entry.id + half), "first", -WINDOW_S * 1000 - 1)
    assert hand.take() == []
    assert [(each.state, each.code) for each in map(sms.status, ids)] == [("failed", "181")] * 4
    assert hand.is_idle()


def test_messages_that_were_held_gather_when_they_are_due(hand, queued, sms, redis_client):
    ids = queued(3, send_at=datetime.now(UTC) + timedelta(hours=1))
    assert hand.take() == []
    for each in ids:
        redis_client.hset(KEYS.record(each), "due", 1)
        redis_client.zadd(hand.names.delayed, {each: 1})
    assert len(numbers_of(only(hand.take()))) == 3


def test_the_next_call_need_not_wait_until_the_members_of_the_last_one_know(redis_client, queued, sms):
    hand = HandWorker(redis_client, share_max=3)
    hand.throttle.set_limits("tester", in_flight=1)
    ids = queued(6)
    first = only(hand.take())
    assert hand.fetch() is None, "one call at a time"
    assert hand.record(first, Accepted("t1")) == "accepted"
    second = only(hand.take())
    assert hand.fetch() is None

    hand.end_members(first.entry)
    hand.finish(second, Accepted("t2"))
    assert states(sms, ids) == ["accepted"] * 6
    assert hand.is_idle()


def test_a_worker_that_dies_while_it_tells_members_leaves_no_call_counted_as_back(redis_client, queued, sms):
    hand = HandWorker(redis_client, share_max=3)
    ids = queued(3)
    first = only(hand.take())
    hand.record(first, Accepted("t1"))
    assert redis_client.smembers(hand.names.ending) == {first.entry.lease.encode()}
    hand.lose_entry(first.entry)
    assert hand.take() == [], "whoever fetches it tells the members"
    assert states(sms, ids) == ["accepted"] * 3
    assert hand.is_idle()


def test_a_second_ticket_takes_an_adopted_one_from_all_members(hand, queued, sms, redis_client):
    ids = queued(3)
    hand.finish(only(hand.take()), NO_ANSWER)
    hand.finish(only(hand.take()), Duplicate("120"))
    assert correlate_one(hand.ledger, "sms_t", number(1), now_ms(redis_client)).request_id == ids[1]
    assert correlate_one(hand.ledger, "sms_u", number(1), now_ms(redis_client)).request_id is None
    assert [(sms.status(each).state, sms.status(each).ticket) for each in ids] == [("accepted", None)] * 3
    assert correlate_one(hand.ledger, "sms_t", number(2), now_ms(redis_client)).request_id is None
