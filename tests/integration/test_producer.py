"""Producer and AsyncProducer against a real Redis: both from one table, so that they cannot drift apart."""

import asyncio
import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest
import redis

from producers import (
    AsyncProducer,
    ConfigError,
    InvalidMessage,
    Message,
    Producer,
    QueueUnavailable,
    Recipient,
    RequestIdConflict,
)
from producers.contract.keys import Keys
from producers.contract.steps import Commands
from producers.errors import WrongEventLoop
from producers.settings import ProducerSettings
from tests.support.both_producers import Blocking, sms
from tests.support.waiting import until
from worker.sandbox.redis_server import RedisServer

__all__ = ["sms"]

NUMBER = "+33612345678"
GOOD = {"sender": "Bistro", "purpose": "alert"}
KEYS = Keys()


def entries(redis_client: redis.Redis, queue: str = "alert") -> list[str]:
    return [entry.decode() for entry in redis_client.lrange(KEYS.queue(queue).ready, 0, -1)]


@pytest.mark.parametrize("kind", [Producer, Blocking])
@pytest.mark.parametrize(
    "options",
    [{"default_region": "FR"}, {"settings": ProducerSettings(default_region="FR")}],
)
def test_national_numbers_are_read_in_the_default_region(kind, options, redis_url, redis_client):
    sms = kind(redis_url, **options)

    sms.send("06 12 34 56 78", "Hello", request_id="a", **GOOD)
    sms.send_many([Message("06 12 34 56 78", "Hello", request_id="b", **GOOD)])
    sms.send_campaign("Hello", ["06 12 34 56 78"], campaign_id="c", **GOOD)

    for request_id in ("a", "b", "c.0"):
        assert b'"+33612345678"' in redis_client.get(KEYS.body(request_id))
    assert not sms.send(NUMBER, "Hello", request_id="a", **GOOD).created
    sms.close() if kind is Producer else sms.shut()


@pytest.mark.parametrize("kind", [Producer, AsyncProducer])
def test_an_unknown_region_is_refused_at_once(kind):
    with pytest.raises(ConfigError, match="DEFAULT_REGION: must be the two capital letters"):
        kind(default_region="fr")


def test_the_same_content_in_another_notation_is_queued_once(sms):
    first = {"send_at": "2030-01-31T08:00:00Z", "context": {"a": 1, "b": 2.0}}
    again = {"send_at": "2030-01-31T09:00:00+01:00", "context": {"b": 2, "a": 1}}
    for schedule in ("queue", "gateway"):
        sms.send(NUMBER, "Hello", request_id=schedule, schedule=schedule, **first, **GOOD)
        sent = sms.send("+33 6 12 34 56 78", "Hello", request_id=schedule, schedule=schedule, **again, **GOOD)
        assert not sent.created


def test_send_writes_record_body_and_entry(sms, redis_client):
    sent = sms.send(NUMBER, "Hello", request_id="a", context={"booking": 42}, **GOOD)

    assert (sent.request_id, sent.state, sent.created, sent.segments) == ("a", "queued", True, 1)
    assert entries(redis_client) == ["a"]
    assert b'"text":"Hello"' in redis_client.get(KEYS.body("a"))
    status = sms.status("a")
    assert (status.state, status.attempts, status.context) == ("queued", 0, {"booking": 42})
    assert abs(status.queued_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert status.ticket is status.cost is status.code is status.ended_at is status.expires_at is None
    assert dict(status.deliveries) == {}


@pytest.mark.parametrize("never", ["x" * 50, "a b", ""])
def test_an_id_that_cannot_be_one_is_an_id_that_nobody_knows(sms, never):
    """docs/applications.md says so of both calls."""
    assert sms.status(never) is None
    assert sms.cancel(never) == "unknown_id"


class Named(str, Enum):  # noqa: UP042 - of a StrEnum `str()` is the text
    """Texts whose `str()` is their name."""

    BOOKING = "booking-42"
    SPRING = "spring"
    NUMBER = NUMBER
    BUDGET = "5"
    KIND = "sms_low_cost"


def test_what_is_asked_about_with_a_text_of_a_class_of_its_own_is_found(sms, redis_client):
    sms.send(NUMBER, "Hello", request_id="booking-42", with_replies=True, **GOOD)

    status = sms.status(Named.BOOKING)
    assert (type(status.request_id), status.request_id) == (str, "booking-42")
    assert type(sms.conversation(Named.NUMBER).number) is str
    assert sms.cancel(Named.BOOKING) == "cancelled"


def test_a_campaign_with_a_name_of_a_class_of_its_own_is_paused_and_cancelled_whole(sms, redis_client):
    sms.send_campaign("Hello", [NUMBER], campaign_id=Named.SPRING, budget=Named.BUDGET, **GOOD)

    assert entries(redis_client) == ["spring.0"]
    assert sms.pause_campaign(Named.SPRING) == "paused"
    assert sms.resume_campaign(Named.SPRING) == "resumed"
    assert type(sms.campaign_status(Named.SPRING).campaign_id) is str
    assert sms.cancel_campaign(Named.SPRING).cancelled == 1


def test_a_preview_reads_texts_of_a_class_of_their_own(sms):
    options = {"sender": "Bistro", "purpose": "alert"}

    assert sms.preview("Hello", NUMBER, type=Named.KIND, **options) == sms.preview(
        "Hello", NUMBER, type="sms_low_cost", **options
    )


def test_a_message_of_the_first_instant_keeps_its_date(sms, redis_client):
    first = datetime.fromtimestamp(0, UTC)
    sms.send(NUMBER, "Hello", request_id="old", send_at=first, **GOOD)

    assert redis_client.hget(KEYS.record("old"), "due") == b"0"
    assert sms.status("old").due_at == first


def test_the_queue_holds_ids_and_never_content(sms, redis_client):
    sms.send(NUMBER, "canary text", request_id="a", context="canary context", **GOOD)
    sms.send(NUMBER, "canary text", request_id="b", send_at=datetime.now(UTC) + timedelta(1), **GOOD)
    alerts = KEYS.queue("alert")
    assert entries(redis_client) == ["a"]
    assert redis_client.zrange(alerts.delayed, 0, -1) == [b"b"]
    # Beside its two places a queue has only what wakes who waits for it.
    assert set(redis_client.lrange(alerts.wake, 0, -1)) <= {b"1"}
    held = {alerts.ready, alerts.delayed, alerts.wake}
    assert {key.decode() for key in redis_client.scan_iter(f"{alerts.ready}*")} <= held


@pytest.mark.parametrize("text", ["x" * 160, "{param1}" + "x" * 152])
def test_a_waiting_message_takes_less_than_a_kibibyte(sms, redis_client, text):
    sent = sms.send(Recipient(NUMBER, param1="y" * 8), text, context={"booking": 42}, **GOOD)
    used = sum(
        redis_client.memory_usage(key) for key in (KEYS.record(sent.request_id), KEYS.body(sent.request_id))
    )
    assert used <= 1024 - 50  # the entry in the list takes about 40


def test_the_same_id_and_content_again_queues_nothing(sms, redis_client):
    first = sms.send(NUMBER, "Hello", request_id="a", **GOOD)
    again = sms.send("+33 6 12 34 56 78", "Hello", request_id="a", **GOOD)
    assert (first.created, again.created, again.state) == (True, False, "queued")
    assert entries(redis_client) == ["a"]


def test_the_same_id_with_other_content_is_a_conflict_and_leaves_the_first(sms, redis_client):
    sms.send(NUMBER, "Hello", request_id="a", **GOOD)
    with pytest.raises(RequestIdConflict) as caught:
        sms.send(NUMBER, "Other", request_id="a", **GOOD)
    assert caught.value.request_ids == ("a",)
    assert entries(redis_client) == ["a"]
    assert b"Hello" in redis_client.get(KEYS.body("a"))


def test_invalid_messages_queue_nothing(sms, redis_client):
    with pytest.raises(InvalidMessage):
        sms.send(NUMBER, "", **GOOD)
    assert redis_client.dbsize() == 0


def test_alerts_and_marketing_wait_in_different_queues(sms, redis_client):
    sms.send(NUMBER, "Hello", request_id="a", sender="Bistro", purpose="alert")
    sms.send(NUMBER, "Hello STOP au 30101", request_id="m", sender="Bistro")
    assert (entries(redis_client, "alert"), entries(redis_client, "marketing")) == (["a"], ["m"])


def test_a_future_date_waits_among_the_delayed(sms, redis_client):
    due = datetime(2099, 1, 1, tzinfo=UTC)
    sms.send(NUMBER, "Hello", request_id="a", send_at=due, ttl=timedelta(hours=1), **GOOD)
    assert entries(redis_client) == []
    assert redis_client.zscore(KEYS.queue("alert").delayed, "a") == due.timestamp() * 1000
    status = sms.status("a")
    assert (status.due_at, status.expires_at) == (due, due + timedelta(hours=1))


def test_a_past_date_means_now(sms, redis_client):
    sms.send(NUMBER, "Hello", request_id="a", send_at="2001-01-01T00:00:00Z", **GOOD)
    assert entries(redis_client) == ["a"]


def test_send_many_takes_any_iterable_in_order(sms, redis_client):
    messages = [Message(NUMBER, f"Hello {i}", request_id=f"m{i}", **GOOD) for i in range(1203)]
    sent = sms.send_many(message for message in messages)
    assert [each.request_id for each in sent] == entries(redis_client) == [f"m{i}" for i in range(1203)]


def test_templates_gather_behind_one_entry_in_order(sms, redis_client):
    recipients = [Recipient(NUMBER, param1=str(i)) for i in range(3)]
    messages = [
        Message(each, text, request_id=f"{name}{each.param1}", **GOOD)
        for each in recipients
        for name, text in (("a", "{param1}"), ("b", "{param1}!"))
    ]
    sms.send_many(messages[:4])
    sms.send_many([*messages, Message(NUMBER, "Hello", request_id="c", **GOOD)])

    queued = entries(redis_client)
    gathered = [
        redis_client.lrange(f"{KEYS.prefix}gather:{entry.removeprefix('~')}", 0, -1)
        for entry in queued
        if entry.startswith("~")
    ]
    assert sorted(gathered) == [[b"a0", b"a1", b"a2"], [b"b0", b"b1", b"b2"]]
    assert len(queued) == 3
    assert queued.count("c") == 1


def test_a_slice_may_hold_new_existing_and_conflicting_messages(sms, redis_client):
    known = [Message(NUMBER, "Hello", request_id=name, **GOOD) for name in "ac"]
    sms.send_many(known)
    sent = sms.send_many([Message(NUMBER, "Hello", request_id=name, **GOOD) for name in "abcdbd"])

    assert [each.request_id for each in sent] == list("abcdbd")
    assert [each.created for each in sent] == [False, True, False, True, False, False]
    assert entries(redis_client) == list("acbd")
    assert redis_client.hget(KEYS.counts, "enqueued") == b"4"


def batch(start: int, stop: int) -> Iterator[Message]:
    return (Message(NUMBER, "Hello", request_id=f"m{i}", **GOOD) for i in range(start, stop))


@pytest.mark.parametrize("error", [RuntimeError, InvalidMessage])
def test_what_was_read_before_an_error_of_the_iterable_is_queued_by_the_slice(sms, redis_client, error):
    def messages():
        yield from batch(0, 1100)
        if error is RuntimeError:
            raise RuntimeError
        yield Message(NUMBER, "", **GOOD)

    with pytest.raises(error) as caught:
        sms.send_many(messages())
    assert entries(redis_client) == [f"m{i}" for i in range(1000)]
    assert getattr(caught.value, "position", 1100) == 1100


def test_connections_that_break_while_messages_are_read_do_no_harm(sms, redis_client):
    def messages():
        for start in range(0, 1500, 300):
            yield from batch(start, start + 300)
            redis_client.client_kill_filter(_type="normal", skipme=True)

    assert [each.request_id for each in sms.send_many(messages())] == [f"m{i}" for i in range(1500)]
    assert entries(redis_client) == [f"m{i}" for i in range(1500)]


def test_a_server_that_forgets_the_script_is_told_again(sms, redis_client):
    def messages():
        for start in range(0, 1500, 500):
            redis_client.script_flush()
            yield from batch(start, start + 500)

    assert {each.created for each in sms.send_many(messages())} == {True}
    assert len(entries(redis_client)) == 1500


def test_a_client_bound_to_one_connection_will_do(redis_client, redis_url):
    with redis.Redis.from_url(redis_url, single_connection_client=True) as client:
        assert len(Producer(client=client).send_many(batch(0, 1200))) == 1200
    assert len(entries(redis_client)) == 1200


@pytest.mark.parametrize("kind", [Producer, Blocking])
def test_an_outage_names_the_ids_at_stake_and_tries_no_further_slice(own_redis_server, kind):
    read = []

    def messages():
        for i, message in enumerate(batch(0, 5000)):
            if i == 1250:
                own_redis_server.kill()
            read.append(i)
            yield message

    producer = kind(own_redis_server.url)
    with pytest.raises(QueueUnavailable) as caught:
        producer.send_many(messages())
    producer.close() if kind is Producer else producer.shut()
    [first, *_] = caught.value.request_ids
    start = int(first.removeprefix("m"))
    assert start in {500, 1000}
    assert caught.value.request_ids == tuple(f"m{i}" for i in range(start, start + 500))
    assert len(read) <= start + 1000


def test_send_many_again_with_the_same_objects_queues_nothing(sms, redis_client):
    messages = [Message(NUMBER, f"Hello {i}", **GOOD) for i in range(10)]
    sms.send_many(messages)
    assert {each.created for each in sms.send_many(messages)} == {False}
    assert len(entries(redis_client)) == 10


def test_send_many_queues_all_but_the_conflicts_and_names_them(sms, redis_client):
    sms.send(NUMBER, "Hello", request_id="m1", **GOOD)
    with pytest.raises(RequestIdConflict) as caught:
        sms.send_many([Message(NUMBER, "Other", request_id=f"m{i}", **GOOD) for i in range(3)])
    assert caught.value.request_ids == ("m1",)
    assert sorted(entries(redis_client)) == ["m0", "m1", "m2"]


def test_send_many_checks_a_list_whole_before_queueing_any(sms, redis_client):
    messages = [Message(NUMBER, "Hello", **GOOD)] * 600 + [Message(NUMBER, "", **GOOD)]
    with pytest.raises(InvalidMessage) as caught:
        sms.send_many(messages)
    assert caught.value.position == 600
    assert redis_client.dbsize() == 0


def test_send_many_of_nothing_is_nothing(sms):
    assert sms.send_many([]) == []


def test_the_same_message_twice_in_one_call_is_queued_once(sms, redis_client):
    message = Message(NUMBER, "Hello", request_id="a", **GOOD)
    assert [each.created for each in sms.send_many([message, message])] == [True, False]
    assert entries(redis_client) == ["a"]


def test_cancel_before_the_attempt(sms, redis_client):
    sms.send(NUMBER, "Hello", request_id="a", context={"b": 1}, **GOOD)
    assert sms.cancel("a") == "cancelled"
    assert sms.cancel("a") == "cancelled"
    assert sms.status("a").state == "cancelled"
    assert redis_client.get(KEYS.body("a")) is None
    assert 0 < redis_client.ttl(KEYS.record("a")) <= 7 * 86_400
    [(_, entry)] = redis_client.xrange(KEYS.stream("statuses"))
    assert (entry[b"request_id"], entry[b"state"], entry[b"context"]) == (b"a", b"cancelled", b'{"b":1}')
    assert datetime.fromisoformat(entry[b"at"].decode()).replace(microsecond=0) <= datetime.now(UTC)


def test_cancel_takes_a_scheduled_message_off_the_queue(sms, redis_client):
    sms.send(NUMBER, "Hello", request_id="a", send_at=datetime(2099, 1, 1, tzinfo=UTC), **GOOD)
    assert sms.cancel("a") == "cancelled"
    assert redis_client.zcard(KEYS.queue("alert").delayed) == 0


@pytest.mark.parametrize("state", ["sending", "accepted", "rejected", "expired", "unknown", "failed"])
def test_cancel_is_too_late_once_an_attempt_has_started(sms, redis_client, state):
    sms.send(NUMBER, "Hello", request_id="a", **GOOD)
    redis_client.hset(KEYS.record("a"), "state", state)
    assert sms.cancel("a") == "too_late"
    assert sms.status("a").state == state


@pytest.mark.parametrize("name", ["nobody", "", "ni\udce9ce"])
def test_unknown_ids(sms, name):
    assert sms.cancel(name) == "unknown_id"
    assert sms.status(name) is None


AWAY = "redis://canary:canary@127.0.0.1:1/0"


def test_an_unreachable_redis_is_a_typed_error_that_carries_the_id():
    for producer in (Producer(AWAY), Blocking(AWAY)):
        with pytest.raises(QueueUnavailable, match=re.escape("at redis://127.0.0.1:1/0 (")) as caught:
            producer.send(NUMBER, "Hello", **GOOD)
        assert caught.value.request_id
        assert "canary" not in str(caught.value)
        with pytest.raises(QueueUnavailable) as caught:
            producer.cancel("a")
        assert caught.value.request_id == "a"
        with pytest.raises(QueueUnavailable):
            producer.status("a")
        producer.close() if isinstance(producer, Producer) else producer.shut()


def test_a_full_redis_is_a_typed_error_and_a_repeat_is_safe(own_redis_server: RedisServer):
    sms = Producer(own_redis_server.url)
    with redis.Redis(port=own_redis_server.port) as admin:
        admin.config_set("maxmemory", "1mb")
        with pytest.raises(QueueUnavailable) as caught:
            sms.send(NUMBER, "Hello", request_id="a", **GOOD)
        assert caught.value.request_id == "a"
        admin.config_set("maxmemory", "0")
        assert sms.send(NUMBER, "Hello", request_id="a", **GOOD).created


def test_the_namespace_is_a_setting(redis_url, redis_client):
    Producer(redis_url, settings=ProducerSettings(namespace="other")).send(
        NUMBER, "Hello", request_id="a", **GOOD
    )
    assert redis_client.exists("{other}:record:a")
    assert all(key.startswith(b"{other}:") for key in redis_client.scan_iter())


def test_spaces_in_senders_are_a_setting(redis_url):
    sms = Producer.from_env({"REDIS_URL": redis_url, "SENDER_ALLOW_SPACES": "1"})
    assert sms.send(NUMBER, "Hello", sender="Le Bistro", purpose="alert").state == "queued"


def test_both_producers_have_the_same_interface():
    names = {name for name in vars(Producer) if not name.startswith("_")}
    assert names == {name for name in vars(AsyncProducer) if not name.startswith("_")}
    for name in names - {"from_env"}:
        ours, theirs = (
            dict(inspect.signature(getattr(k, name)).parameters) for k in (Producer, AsyncProducer)
        )
        if name in {"send_campaign", "preview"}:
            # The asynchronous one also takes asynchronous iterables.
            ours["recipients"] = ours["recipients"].replace(annotation=theirs["recipients"].annotation)
        assert ours == theirs


def test_a_request_id_that_looks_like_a_number_is_found_as_one(redis_url):
    with_digits = 1_234_567_890_123_456
    sms = Producer(redis_url)
    sms.send("+33612345678", "Hi", sender="Bistro", purpose="alert", request_id=str(with_digits))
    assert sms.status(with_digits).state == "queued"
    assert sms.cancel(with_digits) == "cancelled"
    assert sms.status(None) is None
    sms.close()


def test_a_with_block_closes_the_connections(redis_url, redis_client):
    def connected() -> bool:
        return any(each["name"] == "octopush-producer" for each in redis_client.client_list())

    async def awaited() -> None:
        async with AsyncProducer(redis_url) as producer:
            assert (await producer.send(NUMBER, "Hello", **GOOD)).created
            assert connected()

    with Producer(redis_url) as producer:
        assert producer.send(NUMBER, "Hello", **GOOD).created
        assert connected()
    until(lambda: not connected())
    asyncio.run(awaited())
    until(lambda: not connected())


def test_a_second_event_loop_is_told_whose_producer_it_has(redis_url):
    sms = AsyncProducer(redis_url)
    first = asyncio.new_event_loop()
    first.run_until_complete(sms.send(NUMBER, "Hello", request_id="a", **GOOD))

    for call in (sms.status("a"), sms.send(NUMBER, "Hello", **GOOD), sms.campaign_status("a"), sms.close()):
        with pytest.raises(WrongEventLoop, match="this AsyncProducer belongs to another event loop"):
            asyncio.run(call)

    assert first.run_until_complete(sms.status("a")).state == "queued"
    first.run_until_complete(sms.close())
    first.close()


def test_an_error_of_redis_holds_nothing_of_the_command(redis_url, redis_client):
    redis_client.set("text", "no stream")
    refused = Commands([("PING",), ("XADD", "text", "*", "number", NUMBER)])
    with pytest.raises(redis.ResponseError, match="WRONGTYPE") as blocking:
        refused.run(redis_client)
    assert NUMBER not in str(blocking.value)

    async def awaited() -> None:
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            await refused.arun(client)

    with pytest.raises(redis.ResponseError, match="WRONGTYPE") as caught:
        asyncio.run(awaited())
    assert NUMBER not in str(caught.value)
