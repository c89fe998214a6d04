"""Numbers, events and contents are named by pseudonyms, under every key that ever was and never without."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from producers import AsyncProducer, Message, Producer, Recipient
from producers.contract.pseudonyms import Pseudonyms, key_id, read_key
from producers.contract.secret import Secret
from producers.contract.steps import drive
from producers.errors import RequestIdConflict, WrongPseudonymKeys
from producers.intake.callback_body import read_events
from producers.messages.message import freeze
from producers.queueing.conversations import Conversations
from producers.settings import ProducerSettings
from tests.support.callbacks_by_hand import KEYS, CallbacksByHand, reply
from tests.support.counted import counted
from tests.support.hand_worker import HandWorker
from tests.support.pseudonyms import pseudonyms
from tests.support.whole_database import contents
from worker.callbacks.payloads import parse
from worker.gateway.outcomes import Accepted, Unknown
from worker.inquiry.suppressions import Suppression
from worker.operator.consents import Consent, Consents
from worker.operator.suppressions import Listed, Suppressions
from worker.process.conditions import know_pseudonyms
from worker.settings import WorkerSettings

NUMBER, OTHER = "+33612345678", "+33612345679"
TWO_WAY = {"sender": "Bistro", "purpose": "alert", "with_replies": True}
OLD, NEW = bytes(range(32)), bytes(range(100, 140))


def settings(redis_url: str, *keys: bytes) -> ProducerSettings:
    secrets = tuple(Secret(base64.b64encode(key).decode()) for key in keys)
    return ProducerSettings(redis_url=redis_url, pseudonym_keys=secrets)


class House:
    """An application and a worker with the same keys."""

    def __init__(self, redis_url: str, client, *keys: bytes) -> None:
        self.settings = settings(redis_url, *keys)
        self.sms = Producer(settings=self.settings)
        self.hand = HandWorker(client, settings=self.settings)
        self.callbacks = CallbacksByHand(client, self.hand.ledger, self.settings)

    def sent(self, name: str, ticket: str = "", numbers=NUMBER) -> None:
        self.sms.send(numbers, "Hi", request_id=name, context=name, **TWO_WAY)
        [claim] = self.hand.take()
        self.hand.finish(claim, Accepted(ticket or f"sms_{name}"))

    def origins(self) -> list[str]:
        return [entry["request_id"] for entry in self.callbacks.entries("replies")]

    def turns(self, number: str = NUMBER) -> list[str]:
        return [turn.direction for turn in self.sms.conversation(number).turns]


@pytest.fixture
def house(redis_url, redis_client) -> Iterator:
    made: list[House] = []

    def make(*keys: bytes) -> House:
        made.append(House(redis_url, redis_client, *keys))
        return made[-1]

    yield make
    for each in made:
        each.sms.close()


# Without a key of one's own.


def test_one_key_is_made_once_and_redis_keeps_it(house, redis_client):
    first, second = house(), house()
    first.sent("a")
    kept = redis_client.hget(KEYS.pseudonyms, "made")
    second.sent("b")
    second.callbacks.bring(reply(NUMBER))

    assert redis_client.hget(KEYS.pseudonyms, "made") == kept
    assert redis_client.pttl(KEYS.pseudonyms) == -1
    assert len(read_key(kept.decode())) == 32
    assert first.turns() == second.turns() == ["out", "out", "in"]
    assert redis_client.exists(KEYS.talk(Pseudonyms([read_key(kept.decode())]).of(NUMBER)))


def test_what_redis_loses_is_made_anew_and_all_go_on_together(house, redis_client):
    app = house()
    app.sent("a")
    app.callbacks.bring(reply(NUMBER))
    redis_client.flushall()
    other = house()
    other.sent("b")
    app.sent("c")
    app.callbacks.bring(reply(NUMBER))

    assert app.turns() == other.turns() == ["out", "out", "in"]
    assert app.origins() == ["c"]
    assert len(redis_client.hget(KEYS.pseudonyms, "ids").split()) == 1


def test_a_decision_is_noted_under_the_key_that_redis_made_anew(redis_url, redis_client):
    used = settings(redis_url)
    suppressions, consents = Suppressions(used, "ops"), Consents(used)
    now = datetime.now(UTC)
    for decision in (
        lambda: suppressions.add(NUMBER, "asked"),
        lambda: suppressions.take_over([Listed(NUMBER, None, Suppression("account", "gateway", now))]),
        lambda: consents.take_over([(NUMBER, Consent(now, now, "shop", "v1"))]),
    ):
        drive(decision(), redis_client)
        redis_client.delete(KEYS.pseudonyms, KEYS.suppressed, KEYS.consent)
        drive(decision(), redis_client)

        name = pseudonyms(redis_client).of(NUMBER)
        noted = [*redis_client.hkeys(KEYS.suppressed), *redis_client.hkeys(KEYS.consent)]
        assert [field.decode().removeprefix("account|") for field in noted] == [name]


def test_messages_that_were_sent_ahead_find_the_key_that_redis_made_anew(house, redis_client):
    app = house()
    app.sent("a")
    redis_client.flushall()
    sent = app.sms.send_many([_message(n) for n in range(3)])

    assert [each.created for each in sent] == [True, True, True]
    assert redis_client.hget(KEYS.record("m0"), "to").decode() == pseudonyms(redis_client).of(NUMBER)


def _message(n: int):
    return Message(NUMBER, f"Hi {n}", request_id=f"m{n}", **TWO_WAY)


# With keys.


def test_a_key_of_ones_own_is_not_in_redis(house, redis_client):
    app = house(OLD)
    app.sent("a")
    app.callbacks.bring(reply(NUMBER))

    assert redis_client.hgetall(KEYS.pseudonyms) == {b"ids": key_id(OLD).encode()}
    everything = contents(redis_client)
    assert base64.b64encode(OLD).decode() not in everything
    assert redis_client.exists(KEYS.talk(Pseudonyms([OLD]).of(NUMBER)))


@pytest.mark.parametrize("keys", [(NEW,), ()])
def test_a_process_that_lacks_a_key_does_nothing(house, redis_client, keys):
    house(OLD).sent("a")
    before = redis_client.hgetall(KEYS.pseudonyms)
    wrong = house(*keys)

    for ask in (
        lambda: wrong.sms.send(NUMBER, "Hi", **TWO_WAY),
        lambda: wrong.sms.send_many([_message(1)]),
        lambda: wrong.sms.send_campaign("Hi STOP au 30101", [NUMBER], sender="Bistro"),
        lambda: wrong.sms.conversation(NUMBER),
        lambda: wrong.callbacks.bring(reply(NUMBER)),
    ):
        with pytest.raises(WrongPseudonymKeys):
            ask()
    assert redis_client.hgetall(KEYS.pseudonyms) == before
    assert redis_client.xlen(KEYS.stream("replies")) == 0


def test_an_asynchronous_producer_that_lacks_a_key_does_nothing(house, redis_url):
    house(OLD).sent("a")

    async def ask() -> None:
        sms = AsyncProducer(settings=settings(redis_url, NEW))
        try:
            await sms.send(NUMBER, "Hi", **TWO_WAY)
        finally:
            await sms.close()

    with pytest.raises(WrongPseudonymKeys):
        asyncio.run(ask())


@pytest.mark.parametrize("keys", [(NEW,), ()])
def test_a_worker_that_lacks_a_key_refuses_to_start_and_shows_none(
    house, redis_url, redis_client, capsys, keys
):
    house(OLD).sent("a")
    secrets = settings(redis_url, *keys).pseudonym_keys
    wrong = WorkerSettings(
        redis_url=redis_url, api_login=Secret("a@b"), api_key=Secret("k"), pseudonym_keys=secrets
    )
    with pytest.raises(SystemExit) as ended:
        know_pseudonyms(wrong, redis_client)

    told = capsys.readouterr().out
    assert ended.value.code == 1
    assert "worker.refused_to_start" in told
    assert "PSEUDONYM_KEYS" in told
    for key in (OLD, NEW):
        assert base64.b64encode(key).decode() not in told


@pytest.mark.parametrize(("keys", "lines"), [((OLD,), 0), ((), 1)])
def test_a_worker_says_in_one_line_that_the_key_lies_in_redis(redis_url, redis_client, capsys, keys, lines):
    secrets = settings(redis_url, *keys).pseudonym_keys
    know_pseudonyms(
        WorkerSettings(
            redis_url=redis_url, api_login=Secret("a@b"), api_key=Secret("k"), pseudonym_keys=secrets
        ),
        redis_client,
    )
    assert capsys.readouterr().out.count("pseudonyms.kept_in_redis") == lines


# When the key changes.


def test_an_old_conversation_is_found_and_goes_on(house):
    before = house(OLD)
    before.sent("a")
    before.callbacks.bring(reply(NUMBER, "one"))
    old_key = before.sms.conversation(NUMBER).key
    after = house(NEW, OLD)

    assert after.sms.conversation(NUMBER).key == old_key
    assert after.turns() == ["out", "in"]
    after.callbacks.bring(reply(NUMBER, "two"))
    assert after.origins() == ["a", "a"]
    after.sent("b")
    assert after.turns() == ["out", "in", "in", "out"]
    assert after.turns(OTHER) == []


def test_both_names_of_a_conversation_lead_to_all_of_it(house):
    before = house(OLD)
    before.sent("a")
    old_key = before.sms.conversation(NUMBER).key
    after = house(NEW, OLD)
    after.sent("b")
    conversations = Conversations(KEYS, after.sms._records.pseudonyms)
    for key in (old_key, Pseudonyms([NEW]).of(NUMBER)):
        found = drive(conversations.by_key(key), before.hand.redis)
        assert (found.number, found.key) == (NUMBER, key)
        assert [turn.request_id for turn in found.turns] == ["a", "b"]
    newest = drive(conversations.by_key(old_key, 1), before.hand.redis)
    assert [turn.request_id for turn in newest.turns] == ["b"]


def test_a_repeat_is_recognised_and_other_content_is_a_conflict(house):
    house(OLD).sent("a")
    after = house(NEW, OLD)

    assert not after.sms.send(NUMBER, "Hi", request_id="a", context="a", **TWO_WAY).created
    with pytest.raises(RequestIdConflict):
        after.sms.send(NUMBER, "Ho", request_id="a", context="a", **TWO_WAY)
    with pytest.raises(RequestIdConflict):
        after.sms.send(OTHER, "Hi", request_id="a", context="a", **TWO_WAY)


def test_a_campaign_that_is_run_again_queues_nobody_twice(house, redis_client):
    people = [NUMBER, OTHER]
    house(OLD).sms.send_campaign("Hi STOP au 30101", people, sender="Bistro", campaign_id="spring")
    again = house(NEW, OLD).sms.send_campaign(
        "Hi STOP au 30101", people, sender="Bistro", campaign_id="spring"
    )

    assert (again.created, again.existing) == (0, 1)
    assert redis_client.llen(KEYS.queue("marketing").ready) == 1


@pytest.mark.parametrize("stream", ["replies", "receipts", "optouts", "quarantine"])
def test_an_event_comes_once(house, redis_client, stream):
    event = {
        "replies": reply(NUMBER, "Yes", reception_date="2030-01-31 14:05:09"),
        "receipts": {"number": NUMBER, "status": "ACK", "delivery_date": "2030-01-31 14:05:09"},
        "optouts": {"number": NUMBER, "text": "STOP", "stop_date": "2030-01-31 14:05:09"},
        "quarantine": {"text": "who?"},
    }[stream]
    before, after = house(OLD), house(NEW, OLD)
    before.callbacks.bring(event)
    after.callbacks.bring(event)
    after.callbacks.bring(event)

    assert redis_client.xlen(KEYS.stream(stream)) == 1


def test_a_send_without_ticket_is_found_by_its_number(house):
    before = house(OLD)
    before.sms.send(NUMBER, "Hi", request_id="a", **TWO_WAY)
    [claim] = before.hand.take()
    before.hand.finish(claim, Unknown("timeout"), in_doubt=True)
    after = house(NEW, OLD)
    after.callbacks.bring(reply(NUMBER, message_id="sms_9"))

    assert after.origins() == ["a"]
    assert after.sms.status("a").ticket == "sms_9"


def stop(number: str, text: str) -> dict[str, str]:
    """An opt-out that somebody wrote."""
    return {"number": number, "text": text, "stop_date": "2030-01-31 14:05:09"}


def test_an_opt_out_is_a_turn_on_both_sides_of_a_change(house, redis_client):
    house(OLD).callbacks.bring(stop(NUMBER, "STOP"))
    after = house(NEW, OLD)
    after.callbacks.bring(stop(NUMBER, "STOP please"))

    assert [turn.opted_out for turn in after.sms.conversation(NUMBER).turns] == [True, True]
    for key in (OLD, NEW):
        [turn] = redis_client.zrange(KEYS.talk(Pseudonyms([key]).of(NUMBER)), 0, -1)
        assert turn.startswith(b"opt:")


@pytest.mark.parametrize(
    ("stream", "turn", "written"), [("replies", b"in:", reply), ("optouts", b"opt:", stop)]
)
def test_what_the_stream_drops_leaves_both_conversations(house, redis_client, stream, turn, written):
    before = house(OLD)
    before.callbacks.bring(written(NUMBER, "old"))
    after = house(NEW, OLD)
    object.__setattr__(after.settings, "stream_maxlen", 100)
    after.callbacks = CallbacksByHand(redis_client, after.hand.ledger, after.settings)
    for n in range(201):
        after.callbacks.bring(written(OTHER, str(n)))
    left = {entry_id for entry_id, _ in redis_client.xrange(KEYS.stream(stream))}

    assert not redis_client.exists(KEYS.talk(Pseudonyms([OLD]).of(NUMBER)))
    listed = redis_client.zrange(KEYS.talk(Pseudonyms([NEW]).of(OTHER)), 0, -1)
    assert set(listed) == {turn + entry_id for entry_id in left}


def test_a_key_that_redis_made_stays_known_when_keys_are_given(house):
    house().sent("a")
    after = house(NEW)
    after.callbacks.bring(reply(NUMBER))

    assert after.origins() == ["a"]
    assert after.turns() == ["out", "in"]
    after.sent("b")
    with pytest.raises(WrongPseudonymKeys):
        house().sent("c")


def test_a_process_that_runs_stops_when_another_writes_under_a_key_that_it_lacks(house, redis_client):
    running, both = house(OLD), house(OLD, NEW)
    running.sent("a")
    both.sent("b")
    house(NEW, OLD).sent("c")

    with pytest.raises(WrongPseudonymKeys):
        running.sms.send(NUMBER, "Hi", **TWO_WAY)
    with pytest.raises(WrongPseudonymKeys):
        running.sms.send_many([_message(1)])
    with pytest.raises(WrongPseudonymKeys):
        running.callbacks.bring(reply(NUMBER))
    assert redis_client.xlen(KEYS.stream("replies")) == 0
    both.callbacks.bring(reply(NUMBER))
    assert both.origins() == ["c"]


def test_only_the_key_that_writes_is_noted(house, redis_client):
    house(OLD, NEW).sent("a")
    assert redis_client.hgetall(KEYS.pseudonyms) == {b"ids": key_id(OLD).encode()}
    house(OLD).sent("b")
    house(NEW, OLD).sent("c")
    with pytest.raises(WrongPseudonymKeys):
        house(OLD).sent("d")


# Everywhere.


def test_nothing_in_redis_can_be_told_by_trying_numbers(house, redis_client):
    app = house(OLD)
    app.sent("a")
    app.sms.send(Recipient(NUMBER, param1="x"), "Hi {param1}", request_id="m", **TWO_WAY)
    app.sms.send(Recipient(OTHER, param1="x"), "Hi {param1}", request_id="n", **TWO_WAY)
    [claim] = app.hand.take()
    app.hand.finish(claim, Unknown("timeout"), in_doubt=True)
    event = reply(NUMBER, "Yes", reception_date="2030-01-31 14:05:09")
    app.callbacks.bring(event, {"text": "who?"})
    everything = contents(redis_client)
    facts = [NUMBER, OTHER, NUMBER[1:], json.dumps(event), json.dumps(["reply", None, NUMBER, "Yes"])]
    facts.append(
        json.dumps(["reply", None, NUMBER, "Yes", "2030-01-31 14:05:09", "36123"], separators=(",", ":"))
    )
    for fact in facts:
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s"):
            digest = hashlib.new(name, fact.encode())
            assert digest.hexdigest()[:16] not in everything
            assert base64.urlsafe_b64encode(digest.digest())[:16].decode() not in everything
    known_to_anybody = freeze(Message(NUMBER, "Hi", request_id="a", context="a", **TWO_WAY)).digest
    assert redis_client.hget(KEYS.record("a"), "digest").decode() == Pseudonyms([OLD]).seal(known_to_anybody)
    assert known_to_anybody not in everything
    told = [entry["event_id"] for entry in app.callbacks.entries("replies")]
    [raw] = read_events(json.dumps(event).encode())
    anybody = parse(raw, "", datetime.now(UTC), "c0").event_id
    assert told == [Pseudonyms([OLD]).seal(anybody)]
    assert anybody not in everything


def test_a_shared_call_knows_the_pseudonyms_of_its_members(house, redis_client):
    app = house(OLD)
    for n in range(60):
        app.sms.send(
            Recipient(f"+336120000{n:02d}", param1="x"), "Hi {param1}", request_id=f"m{n}", **TWO_WAY
        )
    [claim] = app.hand.take()
    to = redis_client.hget(KEYS.record(claim.entry.id), "to").decode().split()

    assert sorted(to) == sorted(Pseudonyms([OLD]).of(f"+336120000{n:02d}") for n in range(60))


def test_only_the_first_message_costs_a_further_round_trip(redis_url, redis_client):
    async def send() -> list[int]:
        sms, trips = AsyncProducer(redis_url), []
        await sms.status("nothing")  # connects
        for n in range(3):
            with counted() as sent:
                await sms.send(NUMBER, "Hi", request_id=f"a{n}", **TWO_WAY)
            trips.append(sent.round_trips)
        await sms.close()
        return trips

    asyncio.run(send())  # Redis learns the scripts
    first, *later = asyncio.run(send())
    assert (first, later) == (2, [1, 1])
