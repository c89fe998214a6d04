"""Conversations: both directions in order, each text as its recipient read it, by number and by name."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from msgspec import structs

from producers import InvalidMessage, Message, Producer, QueueUnavailable, Recipient, RequestIdConflict
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.queueing.conversations import TURNS_MAX, Conversations
from producers.settings import ProducerSettings
from tests.support.both_producers import sms
from tests.support.callbacks_by_hand import KEYS, reply
from tests.support.hand_worker import HandWorker
from tests.support.pseudonyms import pseudonyms
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.gateway.outcomes import Accepted, Refused

NUMBER, OTHER = "+33612345678", "+33612345679"
TWO_WAY = {"sender": "Bistro", "purpose": "alert", "with_replies": True}

__all__ = ["sms"]


def take_all(hand: HandWorker, ticket: str = "sms_1") -> None:
    for claim in hand.take():
        hand.finish(claim, Accepted(ticket))


def told(conversation) -> list[tuple[str, str | None]]:
    return [(turn.direction, turn.text) for turn in conversation.turns]


def test_both_directions_come_back_in_order(sms, hand, callbacks):
    sms.send(NUMBER, "Table at eight?", request_id="a", context={"booking": 42}, **TWO_WAY)
    take_all(hand)
    callbacks.bring(reply(NUMBER, "Oui", "sms_1"))
    event_id = callbacks.entries()[0]["event_id"]
    sms.send(NUMBER, "See you then", request_id="b", reply_to=event_id, **TWO_WAY)

    found = sms.conversation("+33 6 12 34 56 78")

    asked, answered, confirmed = found.turns
    assert found.number == NUMBER
    assert told(found) == [("out", "Table at eight?"), ("in", "Oui"), ("out", "See you then")]
    assert (asked.state, asked.request_id, asked.context) == ("accepted", "a", {"booking": 42})
    assert (asked.reply_to, asked.event_id, asked.match, asked.delivery) == (None,) * 4
    assert asked.short_number == answered.short_number == "38015"
    assert (answered.request_id, answered.match, answered.country) == ("a", "ticket", "FR")
    assert (answered.event_id, answered.context) == (event_id, {"booking": 42})
    assert (confirmed.state, confirmed.reply_to) == ("queued", event_id)
    assert sms.status("b").reply_to == event_id
    assert sms.status("a").reply_to is None


def test_a_receipt_shows_at_the_message_it_reports_on(sms, hand, callbacks):
    sms.send([NUMBER, OTHER], "Hi", request_id="a", **TWO_WAY)
    take_all(hand)
    callbacks.bring({"message_id": "sms_1", "number": OTHER, "status": "DELIVERED"})

    assert [turn.delivery for turn in sms.conversation(NUMBER).turns] == [None]
    [turn] = sms.conversation(OTHER).turns
    assert turn.delivery.status == "DELIVERED"


def test_a_campaign_shows_each_recipient_its_own_text(sms, hand):
    sms.send_campaign(
        "Hi {first_name} STOP au 30101",
        [Recipient(NUMBER, first_name="Ann"), Recipient(OTHER, first_name="Bob")],
        campaign_id="c",
        sender="Bistro",
        with_replies=True,
    )
    assert told(sms.conversation(OTHER)) == [("out", "Hi Bob STOP au 30101")]
    HandWorker(hand.redis, queue="marketing").take()
    assert [turn.state for turn in sms.conversation(NUMBER).turns] == ["sending"]
    assert told(sms.conversation(NUMBER)) == [("out", "Hi Ann STOP au 30101")]


def test_a_member_of_a_shared_call_is_where_its_call_is_and_keeps_its_text(sms, hand):
    sms.send_many(
        [
            Message(Recipient(number, param1=code), "Code {param1}", **TWO_WAY)
            for number, code in ((NUMBER, "1"), (OTHER, "2"))
        ]
    )
    [claim] = hand.take()
    [sending] = sms.conversation(NUMBER).turns
    hand.finish(claim, Accepted("sms_1"))
    [accepted] = sms.conversation(NUMBER).turns

    assert (sending.state, sending.text) == ("sending", "Code 1")
    assert (accepted.state, accepted.text) == ("accepted", "Code 1")
    assert accepted.at == sending.at
    assert told(sms.conversation(OTHER)) == [("out", "Code 2")]


@pytest.mark.parametrize("kept", [True, False])
def test_a_text_is_kept_as_long_as_its_record_if_the_setting_says_so(redis_url, redis_client, hand, kept):
    sms = Producer(redis_url, settings=ProducerSettings(keep_texts=kept))
    sms.send(NUMBER, "Hi", request_id="a", **TWO_WAY)
    take_all(hand)
    [turn] = sms.conversation(NUMBER).turns
    sms.close()

    assert turn.text == ("Hi" if kept else None)
    assert redis_client.exists(KEYS.body("a")) == kept
    if kept:
        ends = [redis_client.pexpiretime(key) for key in (KEYS.record("a"), KEYS.body("a"))]
        assert max(ends) - min(ends) < 1000


@pytest.mark.parametrize("shared", [True, False])
def test_what_cannot_be_answered_leaves_no_text_and_no_conversation(sms, hand, redis_client, shared):
    plain = {"sender": "Bistro", "purpose": "alert"}
    text, recipient = ("Hi {param1}", Recipient(NUMBER, param1="x")) if shared else ("Hi", NUMBER)
    sms.send_many([Message(recipient, text, request_id="a", **plain), Message(OTHER, "Hi", **plain)])
    take_all(hand)

    assert sms.status("a").state == "accepted"
    assert sms.conversation(NUMBER).turns == ()
    assert redis_client.keys(f"{KEYS.prefix}body:*") == redis_client.keys(f"{KEYS.prefix}talk*") == []


def test_a_member_that_can_be_answered_and_one_that_cannot_never_share_a_call(sms, hand):
    for request_id, two_way in (("a", True), ("b", False)):
        options = {**TWO_WAY, "with_replies": two_way}
        sms.send(Recipient(NUMBER, param1="x"), "Hi {param1}", request_id=request_id, **options)
    assert len(hand.take()) == 2


def test_a_refused_message_shows_with_its_text(sms, hand):
    sms.send(NUMBER, "Hi", **TWO_WAY)
    [claim] = hand.take()
    hand.finish(claim, Refused("110"))
    assert [(turn.text, turn.state) for turn in sms.conversation(NUMBER).turns] == [("Hi", "rejected")]


def test_a_reply_that_answers_nothing_is_a_turn_as_well(sms, callbacks):
    callbacks.bring(reply(NUMBER, "Hello?"))
    [turn] = sms.conversation(NUMBER).turns
    assert (turn.direction, turn.text, turn.match, turn.request_id) == ("in", "Hello?", "none", None)


def test_the_newest_turns_are_read_and_the_newest_200_kept(sms, callbacks, redis_client):
    callbacks.bring(*(reply(NUMBER, f"{i}") for i in range(TURNS_MAX + 5)))

    newest = [turn.text for turn in sms.conversation(NUMBER, limit=2).turns]
    assert newest == [f"{TURNS_MAX + 3}", f"{TURNS_MAX + 4}"]
    assert len(sms.conversation(NUMBER).turns) == 50
    assert len(sms.conversation(NUMBER, limit=TURNS_MAX).turns) == TURNS_MAX
    assert {redis_client.zcard(key) for key in redis_client.keys(KEYS.talk("*"))} == {TURNS_MAX}


def test_a_conversation_is_forgotten_with_the_retention_after_its_last_turn(sms, redis_client):
    week = timedelta(days=7) / timedelta(milliseconds=1)
    sms.send(NUMBER, "Hi", request_id="a", **TWO_WAY)
    [talk] = redis_client.keys(KEYS.talk("*"))
    assert week - 10_000 < redis_client.pttl(talk) <= week

    [sent] = [sms.status("a").queued_at]
    sms.send(NUMBER, "Hi", send_at=sent + timedelta(days=30), **TWO_WAY)
    sms.send(NUMBER, "Hi", **TWO_WAY)
    assert redis_client.pttl(talk) > week + timedelta(days=29) / timedelta(milliseconds=1)


def test_a_forgotten_send_and_a_trimmed_reply_leave_the_rest(sms, callbacks, redis_client):
    sms.send(NUMBER, "Hi", request_id="a", **TWO_WAY)
    callbacks.bring(reply(NUMBER, "first"), reply(NUMBER, "second"))
    redis_client.delete(KEYS.record("a"), KEYS.body("a"))
    redis_client.xtrim(KEYS.stream("replies"), 1, approximate=False)
    assert told(sms.conversation(NUMBER)) == [("in", "second")]


def test_an_unreadable_entry_is_left_out(sms, callbacks, redis_client):
    callbacks.bring(reply(NUMBER, "first"))
    [talk] = redis_client.keys(KEYS.talk("*"))
    strange = redis_client.xadd(KEYS.stream("replies"), {"v": "9"})
    redis_client.zadd(talk, {b"in:" + strange: 1})
    assert told(sms.conversation(NUMBER)) == [("in", "first")]


def test_a_conversation_is_read_by_its_name_which_shows_no_number(sms, hand, callbacks, redis_client):
    conversations = Conversations(KEYS, KnownPseudonyms(RedisSettings()))
    sms.send_campaign(
        "Hi {param1} STOP au 30101",
        [Recipient(NUMBER, param1="x"), Recipient(OTHER, param1="y")],
        sender="Bistro",
        with_replies=True,
    )
    callbacks.bring(reply(NUMBER))
    for number, turns in ((NUMBER, 2), (OTHER, 1)):
        known = sms.conversation(number)
        assert known == drive(conversations.by_key(known.key), redis_client)
        assert len(known.turns) == turns
        assert known.key == pseudonyms(redis_client).of(number)
        assert known.number == number
        assert number[1:] not in known.key

    unknown = drive(conversations.by_key("0" * 40), redis_client)
    assert (unknown.number, unknown.turns) == (None, ())


def test_without_a_text_nothing_tells_the_number_of_a_name(redis_url, redis_client, hand):
    sms = Producer(redis_url, settings=ProducerSettings(keep_texts=False))
    sms.send(NUMBER, "Hi", **TWO_WAY)
    take_all(hand)
    found = drive(
        Conversations(KEYS, KnownPseudonyms(RedisSettings())).by_key(sms.conversation(NUMBER).key),
        redis_client,
    )
    sms.close()
    assert (found.number, told(found)) == (None, [("out", None)])


@pytest.mark.parametrize(
    ("number", "limit", "field"),
    [("0612", 50, "number"), (None, 50, "number"), *((NUMBER, bad, "limit") for bad in (0, 201, True, "9"))],
)
def test_a_wrong_question_is_refused(sms, number, limit, field):
    with pytest.raises(InvalidMessage) as caught:
        sms.conversation(number, limit=limit)
    assert list(caught.value.fields) == [field]


def test_a_redis_that_is_away_is_said_so():
    sms = Producer("redis://127.0.0.1:1/0")
    with pytest.raises(QueueUnavailable):
        sms.conversation(NUMBER)
    sms.close()


def test_reply_to_is_part_of_what_a_message_is(sms):
    answer = {"request_id": "a", "reply_to": "0" * 32, "sender": "Bistro", "purpose": "alert"}
    assert sms.send(NUMBER, "Hi", **answer).created
    assert not sms.send(NUMBER, "Hi", **answer).created
    with pytest.raises(RequestIdConflict):
        sms.send(NUMBER, "Hi", **{**answer, "reply_to": "1" * 32})


def test_an_answer_that_cannot_be_answered_is_in_the_conversation(sms, redis_client: redis.Redis):
    sms.send(NUMBER, "Bye", request_id="a", reply_to="0" * 32, sender="Bistro", purpose="alert")
    assert told(sms.conversation(NUMBER)) == [("out", "Bye")]
    assert redis_client.hget(KEYS.record("a"), "two_way") is None


STOP = {"number": NUMBER, "text": "STOP", "message_id": "sms_1", "date": "9999-01-31 14:05:09"}


def test_an_opt_out_is_a_turn_of_the_conversation_at_the_time_when_it_was_published(sms, hand, redis_client):
    sms.send(NUMBER, "Table at eight?", request_id="a", **TWO_WAY)
    take_all(hand)
    opt_out = parse(STOP, "optouts", datetime.now(UTC), "c1")
    Publisher(redis_client, RedisSettings()).publish([opt_out])

    [asked, stopped] = sms.conversation(NUMBER).turns

    assert (asked.opted_out, stopped.opted_out) == (False, True)
    name = pseudonyms(redis_client).seal(opt_out.event_id)
    assert (stopped.direction, stopped.text, stopped.event_id) == ("in", "STOP", name)
    assert asked.at <= stopped.at < datetime.now(UTC) + timedelta(minutes=1)
    assert 0 < redis_client.ttl(next(redis_client.scan_iter(KEYS.talk("*")))) < 366 * 86_400


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_opt_out_leaves_the_conversation_with_its_stream(sms, redis_client):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    opt_out = parse(STOP, "optouts", datetime.now(UTC), "c1")
    for n in range(0, 400, 100):
        named = [
            structs.replace(opt_out, event_id=f"{i:032}", request_id="a", at=LONG_AGO + timedelta(hours=i))
            for i in range(n, n + 100)
        ]
        publisher.publish(named)
    [talk] = redis_client.scan_iter(KEYS.talk("*"))

    assert redis_client.zcard(talk) == redis_client.xlen(KEYS.stream("optouts")) == 100
    assert len(sms.conversation(NUMBER, limit=TURNS_MAX).turns) == 100


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda client: client.set(KEYS.body("a"), "{"), None),
        (lambda client: client.set(KEYS.body("a"), b"\xff"), None),
        (lambda client: client.hset(KEYS.record("a"), "context", "{"), ...),
        (lambda client: client.hset(KEYS.record("a"), "queued", "early"), ...),
        (lambda client: client.hset(KEYS.record("a"), "queued", "1" + "0" * 20), ...),
        (lambda client: client.hset(KEYS.deliveries("a"), NUMBER, "damaged"), ...),
    ],
)
def test_a_message_that_is_damaged_costs_no_other_turn(sms, callbacks, redis_client, spoil, text):
    sms.send(NUMBER, "Hi", request_id="a", **TWO_WAY)
    callbacks.bring(reply(NUMBER, "Yes"))
    spoil(redis_client)
    known = told(sms.conversation(NUMBER))

    assert sorted(known) == ([("in", "Yes")] if text is ... else [("in", "Yes"), ("out", text)])
