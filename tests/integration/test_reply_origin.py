"""Which send a reply without ticket answers, and which it never does; what a ticket does not open."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from producers import Message, Recipient
from tests.support.callbacks_by_hand import KEYS, reply
from tests.support.hand_worker import HandWorker
from worker.callbacks import inbound
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.ledger.claims import Claim
from worker.ledger.correlation import ANSWER_S

NUMBER, OTHER = "+33612345678", "+33612345679"
TWO_WAY = {"sender": "Bistro", "purpose": "alert", "with_replies": True}


def begin(sms, hand, name, numbers=NUMBER, **options) -> Claim:
    sms.send(numbers, "Hi", request_id=name, context=name, **{**TWO_WAY, **options})
    [claim] = hand.take()
    return claim


def sent(sms, hand, name, ticket=None, **options) -> None:
    hand.finish(begin(sms, hand, name, **options), Accepted(ticket or f"sms_{name}"))


def began(callbacks, name, seconds_ago) -> None:
    """Let the first attempt of a send be longer ago."""
    at = callbacks.now_ms() - int(seconds_ago * 1000)
    callbacks.redis.hset(KEYS.record(name), "first", at)


def origins(callbacks, stream="replies") -> list[tuple[str, str]]:
    return [(entry["match"], entry["request_id"]) for entry in callbacks.entries(stream)]


def at_paris(seconds_ago: float) -> str:
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return at.astimezone(ZoneInfo("Europe/Paris")).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize("named", [{}, {"message_id": ""}, {"message_id": None}, {"message_id": "  "}])
def test_a_reply_without_ticket_answers_the_last_send_to_its_number(sms, hand, callbacks, named):
    sent(sms, hand, "a")
    sent(sms, hand, "b")
    callbacks.bring(reply(NUMBER, **named))
    [entry] = callbacks.entries()
    assert (entry["match"], entry["request_id"], entry["context"]) == ("number", "b", '"b"')
    assert entry["ticket"] == ""


@pytest.mark.parametrize("ticket", ["sms_theirs", "0", "anything"])
def test_a_ticket_that_is_not_ours_never_falls_back_to_the_number(sms, hand, callbacks, ticket):
    sent(sms, hand, "a")
    callbacks.bring(reply(NUMBER, ticket=ticket))
    assert origins(callbacks) == [("none", "")]


def test_a_reply_from_another_number_answers_nothing(sms, hand, callbacks):
    sent(sms, hand, "a")
    callbacks.bring(reply(OTHER))
    assert origins(callbacks) == [("none", "")]


def test_a_send_that_cannot_be_answered_is_not(sms, hand, callbacks):
    sent(sms, hand, "a", with_replies=False)
    callbacks.bring(reply(NUMBER))
    sent(sms, hand, "b", with_replies=False, reply_to="0" * 32)
    callbacks.bring(reply(NUMBER, "again"))
    assert origins(callbacks) == [("none", ""), ("none", "")]


def test_a_send_that_has_not_begun_is_not_answered(sms, hand, callbacks):
    sent(sms, hand, "a")
    sms.send(NUMBER, "Hi", request_id="b", **TWO_WAY)
    callbacks.bring(reply(NUMBER))
    assert origins(callbacks) == [("number", "a")]


def test_the_attempt_that_began_last_decides_and_not_the_place_in_the_queue(sms, hand, callbacks):
    sent(sms, hand, "a")
    sent(sms, hand, "b")
    began(callbacks, "b", 5)
    callbacks.bring(reply(NUMBER))
    assert origins(callbacks) == [("number", "a")]


def test_a_reply_that_came_before_a_send_began_answers_the_one_before(sms, hand, callbacks):
    sent(sms, hand, "a")
    came = callbacks.now_ms()
    began(callbacks, "a", 10)
    sent(sms, hand, "b")
    callbacks.redis.hincrby(KEYS.record("b"), "first", 1)
    callbacks.bring(reply(NUMBER), at_ms=came)
    assert origins(callbacks) == [("number", "a")]


@pytest.mark.parametrize(("written_s_ago", "origin"), [(0, "b"), (590, "b"), (700, "a"), (-7200, "b")])
def test_the_gateways_date_tells_a_reply_that_came_late(sms, hand, callbacks, written_s_ago, origin):
    """A minute is left for the clocks; a date after the arrival says nothing."""
    for name, ago in (("a", 3600), ("b", 600)):
        sent(sms, hand, name)
        began(callbacks, name, ago)
    sms.send(NUMBER, "Hi", request_id="c", **TWO_WAY)
    callbacks.redis.zadd(callbacks.redis.keys(KEYS.talk("*"))[0], {"out:a": 1, "out:b": 2})
    callbacks.bring(reply(NUMBER, reception_date=at_paris(written_s_ago)))
    assert origins(callbacks) == [("number", origin)]


@pytest.mark.parametrize(("ago_s", "match"), [(ANSWER_S - 60, "number"), (ANSWER_S + 1, "none")])
def test_a_send_of_long_ago_is_answered_by_ticket_only(sms, hand, callbacks, ago_s, match):
    sent(sms, hand, "a")
    began(callbacks, "a", ago_s)
    callbacks.bring(reply(NUMBER), reply(NUMBER, "with ticket", ticket="sms_a"))
    assert origins(callbacks)[0][0] == match


def test_what_was_surely_not_taken_is_never_answered(sms, hand, callbacks):
    sent(sms, hand, "a")
    hand.finish(begin(sms, hand, "rejected"), Refused("110"))
    callbacks.bring(reply(NUMBER, "1"))
    hand.finish(begin(sms, hand, "cancelled"), Deferred("http_429"))
    callbacks.bring(reply(NUMBER, "2"))
    assert sms.cancel("cancelled") == "cancelled"
    callbacks.bring(reply(NUMBER, "3"))
    hand.finish(begin(sms, hand, "expired", ttl=timedelta(milliseconds=300)), Deferred("http_429"))
    callbacks.redis.hset(KEYS.record("expired"), "expires", 1)
    assert hand.take() == []
    assert sms.status("expired").state == "expired"
    callbacks.bring(reply(NUMBER, "4"))
    assert origins(callbacks) == [("number", "a")] * 4


@pytest.mark.parametrize("taken", [True, False])
def test_a_reply_waits_for_the_attempt_that_may_be_its_origin(sms, hand, callbacks, taken):
    sent(sms, hand, "a")
    claim = begin(sms, hand, "b")
    callbacks.bring(reply(NUMBER))
    assert callbacks.waiting
    assert origins(callbacks) == []

    hand.finish(claim, Accepted("sms_b") if taken else Refused("110"))
    callbacks.look_again()
    assert origins(callbacks) == [("number", "b" if taken else "a")]
    assert not callbacks.waiting


def test_a_reply_waits_for_no_other_attempt(sms, hand, callbacks):
    sent(sms, hand, "a")
    begin(sms, hand, "b", OTHER)
    begin(sms, hand, "c", with_replies=False)
    callbacks.bring(reply(NUMBER))
    assert origins(callbacks) == [("number", "a")]


def test_waiting_for_an_attempt_ends(sms, hand, callbacks, monkeypatch):
    begin(sms, hand, "a")
    monkeypatch.setattr(inbound, "PATIENCE_S", 0)
    callbacks.bring(reply(NUMBER))
    assert origins(callbacks) == [("number", "a")]


def test_a_send_in_doubt_is_answered_at_once_and_stays_in_doubt(sms, hand, callbacks):
    hand.finish(begin(sms, hand, "a"), Unknown("read_timeout"))
    callbacks.bring(reply(NUMBER, "1"))
    assert hand.take()
    callbacks.bring(reply(NUMBER, "2"))
    assert origins(callbacks) == [("number", "a")] * 2
    assert sms.status("a").state == "sending"
    assert sms.status("a").ticket is None


@pytest.mark.parametrize(
    ("written_to", "origin"), [("38015", "b"), ("+380 15", "b"), ("", "b"), ("38016", "a"), ("38017", "a")]
)
def test_a_reply_to_another_short_number_answers_another_send(sms, hand, callbacks, written_to, origin):
    sent(sms, hand, "a")
    sent(sms, hand, "b")
    callbacks.bring(reply(NUMBER, "learn", ticket="sms_b", sim_card_number="38015"))
    callbacks.bring(reply(NUMBER, "ask", sim_card_number=written_to))
    assert origins(callbacks)[1] == ("number", origin)


def test_a_send_whose_replies_named_several_short_numbers_fits_any(sms, hand, callbacks):
    sent(sms, hand, "a", numbers=[NUMBER, OTHER])
    for number, short in ((NUMBER, "38015"), (OTHER, "38016"), (NUMBER, "38015")):
        callbacks.bring(reply(number, f"{short}", ticket="sms_a", sim_card_number=short))
    callbacks.bring(reply(NUMBER, "last", sim_card_number="38017"))
    assert origins(callbacks)[-1] == ("number", "a")
    assert sms.conversation(NUMBER).turns[0].short_number is None


def slice_of(sms, hand, outcome) -> str:
    sms.send_campaign(
        "Hi {param1} STOP au 30101",
        [Recipient(NUMBER, param1="x"), Recipient(OTHER, param1="y")],
        campaign_id="c",
        sender="Bistro",
        with_replies=True,
    )
    marketing = HandWorker(hand.redis, queue="marketing")
    [claim] = marketing.take()
    marketing.finish(claim, outcome)
    return "c.0"


def test_a_reply_in_a_campaign_is_bound_by_ticket_and_number(sms, hand, callbacks):
    slice_of(sms, hand, Accepted("sms_1"))
    callbacks.bring(
        reply(OTHER, "1", ticket="sms_1"), reply(NUMBER, "2"), reply("+33612345670", "3", ticket="sms_1")
    )
    assert origins(callbacks) == [("ticket", "c.0"), ("number", "c.0"), ("none", "")]


def test_receipts_and_opt_outs_say_why_they_are_bound_as_well(sms, hand, callbacks):
    slice_of(sms, hand, Accepted("sms_1"))
    facts = {"number": OTHER, "message_id": "sms_1"}
    callbacks.bring(
        {**facts, "status": "BLACKLISTED_NUMBER"},
        {**facts, "text": "STOP", "stop_date": "x"},
        {**facts, "number": "+33612345670", "status": "DELIVERED"},
        {"number": OTHER, "status": "DELIVERED"},
        {"number": OTHER, "text": "STOP", "stop_date": "x"},
    )
    assert origins(callbacks, "receipts") == [("ticket", "c.0"), ("none", ""), ("none", "")]
    assert origins(callbacks, "optouts") == [("ticket", "c.0"), ("ticket", "c.0"), ("none", "")]
    assert callbacks.redis.hkeys(KEYS.deliveries("c.0")) == [OTHER.encode()]


def test_a_slice_without_ticket_adopts_that_of_a_reply_and_another_undoes_it(sms, hand, callbacks):
    slice_of(sms, hand, Accepted(None))
    callbacks.bring(reply(OTHER, "1", ticket="sms_1"))
    assert sms.status("c.0").ticket == "sms_1"
    callbacks.bring(reply(NUMBER, "2", ticket="sms_2"))
    assert sms.status("c.0").ticket is None
    callbacks.bring(reply(OTHER, "3", ticket="sms_1"), reply(OTHER, "4", ticket="sms_3"))
    assert origins(callbacks) == [("ticket", "c.0"), *[("none", "")] * 3]


def test_a_shared_call_without_ticket_adopts_that_of_a_reply_and_another_undoes_it(sms, hand, callbacks):
    pairs = (("a", NUMBER), ("b", OTHER))
    sms.send_many(
        [Message(Recipient(to, param1="x"), "Hi {param1}", request_id=name, **TWO_WAY) for name, to in pairs]
    )
    [claim] = hand.take()
    hand.finish(claim, Accepted(None))

    callbacks.bring(reply(OTHER, "1", ticket="sms_1"), reply(NUMBER, "2", ticket="sms_1"))
    assert [sms.status(name).ticket for name, _ in pairs] == ["sms_1", "sms_1"]
    callbacks.bring(reply(NUMBER, "3", ticket="sms_2"), reply(OTHER, "4"))
    assert [sms.status(name).ticket for name, _ in pairs] == [None, None]
    assert origins(callbacks) == [("ticket", "b"), ("ticket", "a"), ("none", ""), ("number", "b")]


def test_a_member_of_a_shared_call_is_answered_while_its_call_is_in_doubt(sms, hand, callbacks):
    pairs = (("a", NUMBER), ("b", OTHER))
    sms.send_many(
        [Message(Recipient(to, param1="x"), "Hi {param1}", request_id=name, **TWO_WAY) for name, to in pairs]
    )
    [claim] = hand.take()
    callbacks.bring(reply(OTHER))
    assert callbacks.waiting
    hand.finish(claim, Unknown("read_timeout"))
    callbacks.look_again()
    assert origins(callbacks) == [("number", "b")]


def test_an_older_reply_contradicts_no_adoption_and_is_adopted_by_nobody(sms, hand, callbacks):
    hand.finish(begin(sms, hand, "a"), Accepted(None))
    callbacks.bring(reply(NUMBER, "1", ticket="sms_old", reception_date=at_paris(300)))
    callbacks.bring(reply(NUMBER, "2", ticket="sms_a"))
    callbacks.bring(reply(NUMBER, "3", ticket="sms_older", reception_date=at_paris(900)))
    assert origins(callbacks) == [("none", ""), ("ticket", "a"), ("none", "")]
    assert sms.status("a").ticket == "sms_a"


def test_only_the_newest_fifty_sends_to_a_number_are_looked_at(sms, hand, callbacks):
    sent(sms, hand, "first")
    for i in range(50):
        sms.send(NUMBER, "Hi", request_id=f"{i}", **TWO_WAY)
    callbacks.bring(reply(NUMBER))
    assert origins(callbacks) == [("none", "")]
    assert sms.cancel("0") == "cancelled"


def test_a_ticket_that_another_send_adopted_belongs_to_the_one_whose_answer_named_it(sms, hand, callbacks):
    first = begin(sms, hand, "a")
    hand.finish(first, Unknown("read_timeout"))
    again = {claim.entry.id: claim for claim in hand.take()}
    hand.finish(again["a"], Duplicate("120"))
    second = begin(sms, hand, "b")
    # As if nobody knew any more that b is on its way.
    callbacks.redis.delete(KEYS.attempt_starts)
    callbacks.bring(reply(NUMBER, "1", ticket="sms_b"))
    assert sms.status("a").ticket == "sms_b"

    hand.finish(second, Accepted("sms_b"))
    assert (sms.status("a").ticket, sms.status("b").ticket) == (None, "sms_b")
    callbacks.bring(*(reply(NUMBER, name, ticket=f"sms_{name}") for name in ("a", "c", "b")))
    assert origins(callbacks)[1:] == [("ticket", "a"), ("none", ""), ("ticket", "b")]
