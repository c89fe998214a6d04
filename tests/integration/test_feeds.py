"""Feeds against a real Redis: every entry handled, none lost, none blamed for another."""

import asyncio
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import redis

from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.errors import QueueRefused, WrongEventLoop
from producers.events import OptOut, Receipt, Reply, Status, to_fields
from producers.feeds import AsyncFeed, Feed
from tests.support.keys import AllKeys
from tests.support.waiting import until

#: Options of the tests: stop at once, and ...
QUICK = {"block_s": 0.02}
#: ... where a test is about stalled entries, see them stalled at once.
IMPATIENT = {"idle_s": 0.05}


def reply(text, **changes):
    values = {
        "event_id": f"event-{text}",
        "request_id": "booking-42",
        "ticket": "sms_1",
        "number": "+33600000000",
        "text": text,
        "short_number": None,
        "received_at": datetime(2024, 1, 31, 13, 5, 10, tzinfo=UTC),
        "gateway_date": "2024-01-31 14:05:09",
        "country": "FR",
        "context": {"booking": 42},
        "raw": "{}",
    }
    return Reply(**{**values, **changes})


class AwaitedFeed:
    """Drives `AsyncFeed` like the blocking feed, so that both pass the same tests."""

    def __init__(self, *args, **options):
        self._runner = asyncio.Runner()
        self._feed = AsyncFeed(*args, **options)
        self.stop = self._feed.stop

    current = property(lambda self: self._feed.current)
    counts = property(lambda self: self._feed.counts)

    def __iter__(self):
        self._feed.__aiter__()
        return self

    def __next__(self):
        try:
            return self._runner.run(self._next())
        except StopAsyncIteration:
            raise StopIteration from None

    async def _next(self):
        return await anext(self._feed)

    def run(self, handler):
        async def handle(event):
            handler(event)

        self._runner.run(self._feed.run(handle))

    def close(self):
        self._runner.run(self._feed.close())
        self._runner.close()


@pytest.fixture(params=[Feed, AwaitedFeed], ids=["sync", "async"])
def kind(request):
    return request.param


@pytest.fixture
def stream(redis_client, redis_url, namespace):
    """Offer the replies of one namespace: add to it, look into it, read it."""
    return make_stream(redis_client, redis_url, namespace)


def make_stream(client, url, namespace):
    keys = AllKeys(namespace)
    key, poison = keys.stream("replies"), keys.poison("replies", "bookings")

    def add(*texts):
        return [client.xadd(key, to_fields(reply(text))).decode() for text in texts]

    def pending():
        return [
            entry["message_id"].decode() for entry in client.xpending_range(key, "bookings", "-", "+", 100)
        ]

    def given_up():
        return [
            {name.decode(): value.decode() for name, value in fields.items()}
            for _, fields in client.xrange(poison)
        ]

    settings = RedisSettings(redis_url=url, namespace=namespace)
    return SimpleNamespace(
        key=key,
        client=client,
        settings=settings,
        add=add,
        pending=pending,
        given_up=given_up,
        poison=poison,
    )


@pytest.fixture
def feed(kind, stream):
    """Make feeds of the group "bookings" and close them after the test."""
    made = []

    def make(**options):
        made.append(kind("replies", "bookings", settings=stream.settings, **{**QUICK, **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()


def take(feed, count):
    """Handle some entries in a loop and return their texts."""
    texts = []
    for event in feed:
        texts.append(event.text)
        if len(texts) == count:
            feed.stop()
    return texts


def read_until(feed, condition):
    """Read until a condition holds elsewhere, and return the texts that came."""

    def watch():
        try:
            until(condition)
        finally:
            feed.stop()

    watcher = threading.Thread(target=watch)
    watcher.start()
    texts = [event.text for event in feed]
    watcher.join()
    return texts


def groups(stream):
    return stream.client.exists(stream.key) and stream.client.xinfo_groups(stream.key)


def waits(client):
    """Say whether a reader is blocked on an empty stream."""
    return client.info("clients")["blocked_clients"] == 1


def test_entries_come_typed_and_in_order(feed, stream):
    stream.add("one", "two", "three")
    reader = feed()

    assert next(iter(reader)) == reply("one")
    assert take(feed(), 2) == ["two", "three"]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("replies", reply("é 😀", context=None, request_id=None)),
        (
            "receipts",
            Receipt(
                event_id="e",
                request_id="r",
                ticket="t",
                number="+33600000000",
                status="DELIVERED",
                final=True,
                delivered_at=datetime(2024, 1, 31, tzinfo=UTC),
                context=[1],
                raw="{}",
            ),
        ),
        (
            "optouts",
            OptOut(
                event_id="e",
                request_id=None,
                ticket=None,
                number="n",
                text="STOP",
                at=datetime(2024, 1, 31, tzinfo=UTC),
                raw="{}",
            ),
        ),
        (
            "statuses",
            Status(
                request_id="r",
                state="accepted",
                ticket="t",
                code=None,
                message=None,
                cost=None,
                segments=2,
                attempt=1,
                at=datetime(2024, 1, 31, tzinfo=UTC),
                context=None,
            ),
        ),
    ],
)
def test_each_stream_has_its_type(kind, redis_client, redis_url, namespace, name, event):
    redis_client.xadd(AllKeys(namespace).stream(name), to_fields(event))
    feed = kind(name, "any", settings=RedisSettings(redis_url=redis_url, namespace=namespace), **QUICK)

    assert next(iter(feed)) == event
    feed.close()


def test_an_entry_is_acknowledged_when_the_next_is_asked_for(feed, stream):
    first, second = stream.add("one", "two")
    reader = iter(feed())

    next(reader)
    assert stream.pending() == [first]
    next(reader)
    assert stream.pending() == [second]


def test_the_last_entry_is_acknowledged_when_the_loop_is_stopped(feed, stream):
    stream.add("one")

    assert take(feed(), 1) == ["one"]
    assert stream.pending() == []


def test_leaving_the_loop_early_leaves_the_entry_for_later(feed, stream):
    stream.add("one", "two")
    reader = feed(idle_s=0.2)

    for _ in reader:
        break

    assert take(reader, 2) == ["two", "one"]
    assert stream.pending() == []


def test_an_exception_in_the_loop_leaves_the_entry_for_later(feed, stream):
    [entry_id] = stream.add("one")
    reader = feed(**IMPATIENT)

    def fail():
        for _ in reader:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert stream.pending() == [entry_id]
    assert next(iter(reader)).text == "one"
    assert (reader.current.entry_id, reader.current.deliveries) == (entry_id, 2)


def test_run_acknowledges_what_was_handled_and_goes_on_after_a_failure(feed, stream, caplog):
    _, bad, _ = stream.add("one", "canary", "three")
    reader, handled = feed(), []

    def handle(event):
        if event.text == "canary":
            raise ValueError(event.text)
        handled.append(event.text)
        if event.text == "three":
            reader.stop()

    reader.run(handle)

    assert handled == ["one", "three"]
    assert stream.pending() == [bad]
    assert (reader.counts.handled, reader.counts.failed, reader.counts.given_up) == (2, 1, 0)
    assert "canary" not in caplog.text
    assert "ValueError" in caplog.text


def test_an_entry_that_always_fails_is_tried_five_times_and_given_up(feed, stream):
    [bad] = stream.add("bad")
    reader, tries = feed(**IMPATIENT), []

    def handle(event):
        tries.append(reader.current.deliveries)
        if event.text == "good":
            reader.stop()
            return
        if len(tries) == 5:
            stream.add("good")
        raise ValueError

    reader.run(handle)

    assert tries == [1, 2, 3, 4, 5, 1]
    assert stream.pending() == []
    assert stream.given_up() == [{**to_fields(reply("bad")), "entry_id": bad, "deliveries": "5"}]
    assert reader.counts.given_up == 1


def test_an_entry_that_kills_its_readers_is_given_up_after_as_many_deliveries(feed, stream):
    stream.add("bad")
    for _ in range(2):
        assert next(iter(feed(max_deliveries=2, **IMPATIENT))).text == "bad"

    assert read_until(feed(max_deliveries=2, **IMPATIENT), stream.given_up) == []
    assert stream.given_up()[0]["deliveries"] == "3"
    assert stream.pending() == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda fields: fields | {"v": "2"},
        lambda fields: {name: value for name, value in fields.items() if name != "event_id"},
        lambda fields: fields | {"received_at": "yesterday"},
        lambda fields: fields | {"context": "{"},
        lambda fields: fields | {"context": "[" * 5000},
        lambda fields: fields | {"text": b"\xff"},
        lambda fields: {"canary": "canary"},
    ],
)
def test_an_entry_that_cannot_be_read_is_given_up_at_once(feed, stream, spoil, caplog):
    spoilt = spoil(to_fields(reply("canary")))
    entry_id = stream.client.xadd(stream.key, spoilt)
    stream.add("good")

    assert take(feed(), 1) == ["good"]

    [(_, fields)] = stream.client.xrange(stream.poison)
    expected = {
        name.encode(): value if isinstance(value, bytes) else value.encode() for name, value in spoilt.items()
    }
    assert fields == expected | {b"entry_id": entry_id, b"deliveries": b"1"}
    assert stream.pending() == []
    assert "canary" not in caplog.text


def test_giving_up_twice_moves_once(stream):
    [entry_id] = stream.add("one")
    with Feed("replies", "bookings", settings=stream.settings, **QUICK) as feed:
        next(iter(feed))
    entry = {"id": entry_id, "deliveries": 1, "fields": ["text", "one"]}
    given = {"stream": "replies", "group": "bookings", "maxlen": 100, **entry}
    prefix = AllKeys(stream.settings.namespace).prefix
    command = Command(Script("producers.reading", "poison"), prefix, given, int)

    assert [command.run(stream.client) for _ in range(2)] == [1, 0]
    assert stream.given_up() == [{"text": "one", "entry_id": entry_id, "deliveries": "1"}]


def test_fields_that_a_newer_worker_adds_are_ignored(feed, stream):
    stream.client.xadd(stream.key, to_fields(reply("one")) | {"sentiment": "fine"})

    assert take(feed(), 1) == ["one"]


def test_every_group_gets_every_entry_and_its_consumers_share_them(kind, feed, stream):
    stream.add("one", "two")
    other = kind("replies", "billing", settings=stream.settings, **QUICK)

    assert [next(iter(feed())).text, next(iter(feed())).text] == ["one", "two"]
    assert take(other, 2) == ["one", "two"]
    other.close()


def test_a_slow_handler_is_not_handed_its_own_entry_again(feed, stream):
    stream.add("slow", "next")
    reader, handled = feed(idle_s=0.001), []

    def handle(event):
        handled.append(event.text)
        stalled = {"min": 2, "max": "+", "count": 1, "idle": 2}
        until(lambda: stream.client.xpending_range(stream.key, "bookings", **stalled))
        if event.text == "next":
            reader.stop()

    reader.run(handle)

    assert handled == ["slow", "next"]


def test_new_entries_do_not_wait_behind_failing_ones(feed, stream):
    stream.add(*(f"bad {n}" for n in range(20)))
    reader, handled, waited = feed(max_deliveries=1000, idle_s=0.001), set(), []

    def handle(event):
        if event.text == "new":
            reader.stop()
            return
        handled.add(event.text)
        if len(handled) == 20:
            waited.append(event.text)
        if len(waited) == 1:
            stream.add("new")
        raise ValueError

    reader.run(handle)

    assert len(waited) <= 3


def test_a_new_group_may_start_with_what_comes(feed, stream):
    stream.add("old")
    reader = feed(start="$")

    texts = read_until(
        reader, lambda: stream.client.exists(stream.key) and groups(stream) and not stream.pending()
    )
    assert texts == []
    stream.add("new")
    assert take(feed(start="$"), 1) == ["new"]


def test_a_lost_group_is_made_again_and_loses_nothing(feed, stream):
    stream.add("one")
    reader = feed()
    assert next(iter(reader)).text == "one"
    stream.client.xgroup_destroy(stream.key, "bookings")
    stream.add("two")

    assert take(reader, 2) == ["one", "two"]


def test_a_lost_group_that_started_with_what_came_does_not_go_further_back(feed, stream):
    stream.add("history")
    reader = feed(start="$")
    threading.Thread(target=lambda: until(lambda: groups(stream)) and stream.add("one")).start()
    assert next(iter(reader)).text == "one"
    stream.client.xgroup_destroy(stream.key, "bookings")
    stream.add("two")

    assert take(reader, 2) == ["one", "two"]


def test_a_lost_stream_is_waited_for(feed, stream):
    stream.add("one")
    reader = feed()
    assert next(iter(reader)).text == "one"
    stream.client.delete(stream.key)
    stream.add("two")

    assert take(reader, 1) == ["two"]


def test_a_stream_that_vanishes_while_it_is_waited_for_is_made_again(feed, stream):
    reader = feed(block_s=10)

    def vanish():
        until(lambda: waits(stream.client))
        stream.client.delete(stream.key)
        until(lambda: groups(stream) and waits(stream.client))
        stream.add("one")

    threading.Thread(target=vanish).start()

    assert take(reader, 1) == ["one"]


def test_an_entry_trimmed_while_it_was_held_is_forgotten(feed, stream):
    [trimmed] = stream.add("trimmed")
    next(iter(feed()))
    stream.client.xdel(stream.key, trimmed)

    assert read_until(feed(**IMPATIENT), lambda: not stream.pending()) == []
    assert stream.given_up() == []


def test_stop_ends_a_waiting_feed(feed, stream):
    reader = feed(block_s=0.05)

    def stop_it() -> None:
        until(lambda: stream.client.info("clients")["blocked_clients"])
        reader.stop()

    stopper = threading.Thread(target=stop_it)
    stopper.start()
    assert list(reader) == []
    assert list(reader) == []
    stopper.join()


def test_a_consumer_that_ends_cleanly_leaves_the_group(feed, stream):
    stream.add("one")
    take(feed(), 1)

    assert stream.client.xinfo_consumers(stream.key, "bookings") == []


def test_a_consumer_that_holds_an_entry_stays_until_it_is_claimed(kind, feed, stream):
    stream.add("one")
    holder = kind("replies", "bookings", settings=stream.settings, **QUICK)
    next(iter(holder))
    holder.close()

    assert len(stream.client.xinfo_consumers(stream.key, "bookings")) == 1
    assert take(feed(**IMPATIENT), 1) == ["one"]


class TestOutages:
    """Redis restarts, dies and hangs under a reading feed."""

    @pytest.fixture
    def stream(self, own_redis_server, namespace):
        with redis.Redis(port=own_redis_server.port) as client:
            yield make_stream(client, own_redis_server.url, namespace)

    @pytest.mark.parametrize("crash", [False, True])
    def test_a_restart_loses_nothing(self, feed, stream, own_redis_server, crash):
        stream.client.config_set("appendfsync", "always")
        stream.add("one", "two")
        reader, handled = feed(idle_s=1), []

        def handle(event):
            handled.append(event.text)
            if event.text == "one":
                own_redis_server.restart(crash=crash)
            if event.text == "three":
                reader.stop()
            if event.text == "two":
                stream.add("three")

        reader.run(handle)

        assert handled == ["one", "two", "three"]
        assert stream.pending() == []

    def test_a_server_that_is_down_for_a_while_is_waited_for(self, feed, stream, own_redis_server, caplog):
        own_redis_server.stop()
        reader = feed()

        def come_back():
            until(lambda: "redis unavailable" in caplog.text)
            own_redis_server.start()
            stream.add("one")

        threading.Thread(target=come_back).start()

        assert take(reader, 1) == ["one"]
        assert caplog.text.count("redis unavailable") == 1

    def test_stop_ends_a_feed_whose_server_is_down(self, feed, stream, own_redis_server, caplog):
        own_redis_server.stop()

        assert read_until(feed(), lambda: "redis unavailable" in caplog.text) == []

    def test_a_server_that_hangs_is_waited_for(self, feed, stream, own_redis_server, caplog):
        stream.add("one", "two")
        reader = feed(idle_s=0.1)
        assert next(iter(reader)).text == "one"
        own_redis_server.suspend()

        def resume():
            until(lambda: "redis unavailable (TimeoutError)" in caplog.text)
            own_redis_server.resume()

        threading.Thread(target=resume).start()

        assert set(take(reader, 2)) == {"one", "two"}

    def test_a_wrong_password_is_raised(self, kind, own_redis_server):
        with redis.Redis(port=own_redis_server.port) as client:
            client.config_set("requirepass", "secret")
        feed = kind("replies", "any", redis_url=own_redis_server.url, **QUICK)

        with pytest.raises(QueueRefused, match=f"127.0.0.1:{own_redis_server.port}"):
            next(iter(feed))
        feed.close()


def test_a_key_of_another_type_is_raised(feed, stream):
    stream.client.set(stream.key, "not a stream")

    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        next(iter(feed()))


@pytest.mark.parametrize(
    "options",
    [
        {"start": "1"},
        {"block_s": 0},
        {"idle_s": -1},
        {"max_deliveries": 0},
    ],
)
def test_options_out_of_range_are_refused(kind, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        kind("replies", "any", redis_url="redis://localhost", **options)


@pytest.mark.parametrize("names", [("quarantine", "any"), ("replies", "")])
def test_unknown_streams_and_nameless_groups_are_refused(names):
    with pytest.raises(ValueError, match=r"stream|group"):
        Feed(*names, redis_url="redis://localhost")


def test_settings_come_from_the_environment(monkeypatch, redis_client, redis_url, namespace):
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SMS_NAMESPACE", namespace)
    redis_client.xadd(AllKeys(namespace).stream("replies"), to_fields(reply("one")))

    with Feed("replies", "bookings") as feed:
        assert next(iter(feed)).text == "one"


def test_protocol_3_reads_the_same(stream):
    stream.add("one", "two")
    with Feed(
        "replies", "bookings", redis_url=f"{stream.settings.redis_url}?protocol=3", settings=stream.settings
    ) as feed:
        assert take(feed, 2) == ["one", "two"]


def test_a_second_event_loop_is_told_whose_feed_it_has(redis_url):
    feed = AsyncFeed("replies", "group", redis_url=redis_url, block_s=0.01)
    with asyncio.Runner() as first:

        async def read() -> None:
            asyncio.get_running_loop().call_later(0.1, feed.stop)
            assert [each async for each in feed] == []

        first.run(read())
        with pytest.raises(WrongEventLoop, match="this AsyncFeed belongs to another event loop"):
            asyncio.run(anext(feed))
        first.run(feed.close())
