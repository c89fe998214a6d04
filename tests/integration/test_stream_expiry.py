"""Entries go when they are too old, from every stream; what nobody had read by then is told."""

import pytest
from structlog.testing import capture_logs

from producers.contract.secret import Secret
from tests.support.callbacks_by_hand import KEYS, CallbacksByHand, reply
from tests.support.hand_worker import HandWorker
from tests.support.pseudonyms import pseudonyms
from worker.callbacks.expiry import AT_ONCE, Expiry
from worker.callbacks.publisher import Publisher
from worker.settings import WorkerSettings

NUMBER = "+33612345678"
DAY_MS = 86_400_000
SETTINGS = WorkerSettings(api_login=Secret("a"), api_key=Secret("b"), stream_retention_days=3)


@pytest.fixture
def callbacks(redis_client) -> CallbacksByHand:
    return CallbacksByHand(redis_client, HandWorker(redis_client).ledger)


@pytest.fixture
def expiry(redis_client) -> Expiry:
    return Expiry(redis_client, SETTINGS, Publisher(redis_client, SETTINGS))


@pytest.fixture
def aged(redis_client, callbacks):
    """Append an entry to a stream as if that had been so many days ago."""

    def append(stream: str, days: float, count: int = 1, **fields: str) -> None:
        at = callbacks.now_ms() - int(days * DAY_MS)
        for n in range(count):
            redis_client.xadd(KEYS.stream(stream), {"v": "1", "number": NUMBER, **fields}, id=f"{at}-{n + 1}")

    return append


STREAMS = (
    *("replies", "receipts", "optouts", "statuses", "quarantine"),
    *("replies:poison:bookings", "forward:bookings:dead"),
)


def test_what_is_too_old_goes_from_every_stream_and_the_rest_stays(redis_client, expiry, aged):
    for stream in (*STREAMS, "audit"):
        aged(stream, 3.01)
        aged(stream, 2.99)
    redis_client.xgroup_create(KEYS.stream("replies"), "bookings", "$")
    redis_client.zadd(KEYS.forwarders, {"bookings": 1})

    assert expiry.look() == len(STREAMS)
    assert {redis_client.xlen(KEYS.stream(stream)) for stream in STREAMS} == {1}
    assert redis_client.xlen(KEYS.audit) == 2
    assert expiry.look() == 0


def test_a_backlog_of_any_length_goes_in_bounded_steps(redis_client, expiry, aged):
    aged("statuses", 4, count=2 * AT_ONCE + 1)

    assert expiry.look() == 2 * AT_ONCE + 1
    assert not redis_client.xlen(KEYS.stream("statuses"))


def test_what_a_group_had_not_been_given_is_counted_and_told(redis_client, expiry, aged):
    aged("replies", 4, count=3)
    aged("statuses", 4, count=2)
    for stream in ("replies", "statuses"):
        redis_client.xgroup_create(KEYS.stream(stream), "bookings", "0")
    redis_client.xreadgroup("bookings", "one", {KEYS.stream("replies"): ">"}, count=2)
    with capture_logs() as lines:
        expiry.look()

    assert redis_client.hgetall(KEYS.unread_trimmed) == {b"replies": b"1", b"statuses": b"2"}
    told = [(line["event"], line["log_level"], line["stream"], line["entries"]) for line in lines]
    assert told == [
        ("stream.unread_trimmed", "error", "replies", 1),
        ("stream.unread_trimmed", "error", "statuses", 2),
    ]


def test_what_all_groups_have_read_goes_without_a_word(redis_client, expiry, aged):
    aged("replies", 4)
    redis_client.xgroup_create(KEYS.stream("replies"), "bookings", "$")
    with capture_logs() as lines:
        assert expiry.look() == 1

    assert not lines
    assert not redis_client.exists(KEYS.unread_trimmed)


def test_a_reply_leaves_its_conversation_its_country_and_the_foreign_entries(redis_client, callbacks, expiry):
    callbacks.bring(reply(NUMBER), reply("+32470123456"))
    key = KEYS.stream("replies")
    [(first, fields), (second, _)] = redis_client.xrange(key)
    # As if the first of them had come long ago: under an id of that time, wherever the id stands.
    old = f"{int(first.split(b'-')[0]) - 4 * DAY_MS}-1".encode()
    redis_client.delete(key)
    redis_client.xadd(key, fields, id=old)
    redis_client.xadd(key, fields, id=second)
    talk = KEYS.talk(pseudonyms(redis_client).of(NUMBER))
    redis_client.delete(talk)
    redis_client.zadd(talk, {b"in:" + old: 1, b"out:a": 2})
    redis_client.delete(KEYS.replies_by("FR"))
    redis_client.zadd(KEYS.replies_by("FR"), {old: 1})
    marks = redis_client.lrange(KEYS.foreign("replies"), 0, -1)
    redis_client.lset(KEYS.foreign("replies"), 0, marks[0].replace(first, old))
    expiry.look()

    assert redis_client.zrange(talk, 0, -1) == [b"out:a"]
    assert not redis_client.exists(KEYS.replies_by("FR"))
    assert not redis_client.hexists(KEYS.reply_countries, "FR")
    assert redis_client.lrange(KEYS.foreign("replies"), 0, -1) == marks[1:]


def test_without_days_only_the_length_counts(redis_client, aged):
    settings = WorkerSettings(api_login=Secret("a"), api_key=Secret("b"), stream_retention_days=0)
    expiry = Expiry(redis_client, settings, Publisher(redis_client, settings))
    expiry.start()
    expiry.stop()

    assert settings.stream_retention_days == 0
