"""What an answer proves decides what may be given up: the request_id, the call's members, hope.

Every row is an answer as bytes. It is read as the worker reads it, recorded, and the next claim shows whether
the gateway would recognise the message.
"""

import json
from collections.abc import Callable

import pytest

from tests.support.hand_worker import KEYS, gateway_id
from tests.support.sends import correlate_one
from tests.support.template_sends import number, only, send_codes, states
from worker.gateway.answers import classify
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unexplained

#: Answers that a gateway may give after it has taken the call, and that are no proof that it has not.
OPEN = [
    *((status, {"code": code}) for status in (500, 503) for code in (500, 117, 104, 121, 9999)),
    *((400, {"code": code}) for code in (125, 127, 128, 129, 130, 132, 133, 153, 160, 438, 500, 501)),
    *((400, {"code": 126}), (402, b""), (409, b""), (499, b""), (404, b"<html>"), (400, b"<html>")),
    *((302, b""), (408, b""), (425, b""), (200, b""), (201, {"code": 153, "sms_ticket": "sms_1"})),
    *((400, {"code": code, "sms_ticket": "sms_1"}) for code in (104, 117, 121, 206, 9999)),
    *((403, {"sms_ticket": "sms_1"}), (429, {"sms_ticket": "sms_1"})),
]
#: In words that nobody knows.
UNEXPLAINED = [
    (400, {"code": 9999}),
    (400, {"message": "no"}),
    (413, b""),
    (422, {"code": 422}),
    (400, {"code": 131}),
]
#: Proof that nothing was taken, now.
NOT_NOW = [
    (429, b""),
    (429, {"code": 153}),
    (401, b""),
    (403, b""),
    (400, {"code": 101}),
    (400, {"code": 206}),
]
#: Proof that nothing was taken, and that one recipient may be the reason, or that none is.
ONE_IS_BAD = [(400, {"code": code}) for code in (103, 117, 150, 151, 152, 181)]
ALL_ARE_BAD = [(400, {"code": code}) for code in (106, 121, 201, 207, 209, 1340)]

#: Codes and statuses by which the gateway itself says no, and so may use up a request_id.
MAY_USE_UP = {125, 126, 127, 128, 129, 130, 132, 133, 153, 160, 438, 500, 501, 409, 499}


def outcome_of(status: int, body: object) -> Outcome:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(status, {}, content)


@pytest.fixture(params=[1, 3], ids=["alone", "shared"])
def ids(request, sms) -> list[str]:
    """Queue one message, or three that share a call."""
    return send_codes(sms, range(request.param))


@pytest.fixture
def answered(hand, ids) -> Callable[[int, object], str | None]:
    """Make the first attempt and record the answer given."""

    def answer(status: int, body: object) -> str | None:
        claim = only(hand.take())
        answer.body = claim.body
        return hand.finish(claim, outcome_of(status, body))

    return answer


@pytest.mark.parametrize(("status", "body"), OPEN, ids=str)
def test_what_proves_nothing_keeps_id_and_bytes_and_splits_nobody(hand, sms, ids, answered, status, body):
    assert answered(status, body) == "sending"
    assert {sms.cancel(each) for each in ids} == {"too_late"}
    again = only(hand.take())
    assert (again.body, again.in_doubt) == (answered.body, True)
    hand.finish(again, Accepted("t"))
    assert set(states(sms, ids)) == {"accepted"}


@pytest.mark.parametrize("code", ["120", "182"])
@pytest.mark.parametrize(("status", "body"), OPEN, ids=str)
def test_a_duplicate_after_it_is_an_acceptance_unless_the_gateway_itself_said_no(
    hand, sms, ids, answered, status, body, code
):
    answered(status, body)
    hand.finish(only(hand.take()), Duplicate(code))
    said_no = status < 500 and (
        status in MAY_USE_UP
        or (
            isinstance(body, dict)
            and (body.get("code") in MAY_USE_UP or (status >= 300 and "sms_ticket" in body))
        )
    )
    assert set(states(sms, ids)) == {"unknown" if said_no else "accepted"}
    assert hand.is_idle()


@pytest.mark.parametrize(("status", "body"), OPEN, ids=str)
def test_a_proof_about_a_later_post_says_nothing_of_the_first(hand, sms, ids, answered, status, body):
    answered(status, body)
    claim = only(hand.take())
    assert hand.finish(claim, Deferred("http_429")) == "sending"
    again = only(hand.take())
    assert again.body == answered.body
    hand.finish(again, outcome_of(400, {"code": 117}))
    assert set(states(sms, ids)) == {"unknown"}


@pytest.mark.parametrize(("status", "body"), UNEXPLAINED, ids=str)
def test_words_that_nobody_knows_are_left_to_a_person_at_once(hand, sms, ids, answered, status, body):
    assert isinstance(outcome_of(status, body), Unexplained)
    assert answered(status, body) == "unknown"
    assert set(states(sms, ids)) == {"unknown"}
    assert hand.is_idle()


@pytest.mark.parametrize(("status", "body"), NOT_NOW, ids=str)
def test_a_call_that_was_surely_not_taken_is_composed_anew(hand, sms, ids, answered, status, body):
    assert answered(status, body) == "queued"
    again = only(hand.take())
    assert not again.in_doubt
    if len(ids) > 1:
        assert gateway_id(again) not in answered.body.decode()
    else:
        assert again.body == answered.body
    hand.finish(again, Accepted("t"))
    assert set(states(sms, ids)) == {"accepted"}


@pytest.mark.parametrize(("status", "body"), NOT_NOW, ids=str)
def test_a_duplicate_after_proof_is_nobodys_acceptance(hand, sms, ids, answered, status, body):
    answered(status, body)
    hand.finish(only(hand.take()), Duplicate("120"))
    assert set(states(sms, ids)) == {"unknown"}


@pytest.mark.parametrize(("status", "body"), ONE_IS_BAD, ids=str)
def test_only_what_may_be_one_recipients_fault_splits(hand, ids, answered, status, body):
    assert answered(status, body) == ("split" if len(ids) > 1 else "rejected")


@pytest.mark.parametrize(("status", "body"), ALL_ARE_BAD, ids=str)
def test_what_is_wrong_with_all_rejects_all(hand, sms, ids, answered, status, body):
    assert answered(status, body) == "rejected"
    assert set(states(sms, ids)) == {"rejected"}


def test_an_id_used_up_is_forgotten_with_the_id(hand, sms, ids, answered, redis_client):
    """A call that is composed anew has a name that nobody has said no to."""
    answered(400, {"code": 101})
    claim = only(hand.take())
    hand.finish(claim, outcome_of(503, b""))
    hand.finish(only(hand.take()), Duplicate("120"))
    assert set(states(sms, ids)) == {"accepted" if len(ids) > 1 else "unknown"}


def test_a_call_whose_answer_counts_fewer_recipients_leaves_each_member_unknown_with_the_ticket(
    hand, sms, ids, redis_client
):
    hand.finish(only(hand.take()), Accepted("t", contacts=2))
    found = [sms.status(each) for each in ids]
    if len(ids) > 1:
        assert [(each.state, each.ticket, each.code) for each in found] == [
            ("unknown", "t", "fewer_contacts")
        ] * 3
        assert redis_client.get(KEYS.ticket("t"))
    else:
        assert found[0].state == "accepted"


def test_a_first_callback_tells_who_was_among_the_fewer_recipients(hand, sms, ids, redis_client):
    hand.finish(only(hand.take()), Accepted("sms_1", contacts=len(ids) - 1 or 1))
    now_ms = redis_client.time()[0] * 1000
    assert correlate_one(hand.ledger, "sms_1", number(0), now_ms).request_id == ids[0]
    assert states(sms, ids) == ["accepted", *["unknown"] * (len(ids) - 1)]
    assert int(redis_client.hget(KEYS.counts, "accepted")) == 1


def test_too_many_attempts_are_left_to_a_person_at_the_fourth_time(hand, sms, ids, answered):
    """Only these answers count: what another answer, or a hold, has put off in between does not."""
    too_many = outcome_of(400, {"code": 128})
    assert answered(400, {"code": 128}) == "sending"
    for outcome, state in [
        (Deferred("101", account=True), "sending"),
        (too_many, "sending"),
        (Deferred("http_429"), "sending"),
        (Deferred("http_429"), "sending"),
        (too_many, "sending"),
        (too_many, "unknown"),
    ]:
        claim = only(hand.take())
        assert claim.body == answered.body
        assert hand.finish(claim, outcome) == state
    assert set(states(sms, ids)) == {"unknown"}
    assert hand.is_idle()


def test_a_no_that_comes_too_late_to_count_still_makes_a_duplicate_prove_nothing(hand, sms, ids):
    """The worker was suspended; who took over found sending held, or has the attempt."""
    first = only(hand.take())
    hand.lose(first)
    batch = hand.fetch()
    hand.throttle.hold("101")
    assert hand.claim(batch) == []
    hand.record(first, Refused("121"))
    hand.throttle.release("tester")
    second = only(hand.take())
    hand.finish(second, Duplicate("120"))
    assert states(sms, ids) == ["unknown"] * len(ids)


def test_a_no_of_who_has_lost_the_attempt_makes_a_duplicate_prove_nothing(hand, sms, ids):
    first = only(hand.take())
    hand.lose(first)
    second = only(hand.take())
    assert hand.record(first, Refused("121")) is None
    hand.finish(second, Duplicate("120"))
    assert states(sms, ids) == ["unknown"] * len(ids)
