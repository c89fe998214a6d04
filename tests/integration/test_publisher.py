"""Events on their streams: each once, the deliveries they report in any order, no stream without end."""

from datetime import UTC, datetime

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from producers.contract.events import Quarantined
from producers.contract.settings import RedisSettings
from producers.queueing.message_status import read_delivery
from tests.support.keys import AllKeys
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.callbacks.ranks import RANKS

NUMBER = "+33612345678"
KEYS = AllKeys()
RECEIPT = {"message_id": "sms_1", "number": NUMBER, "status": "ACK", "delivery_date": "2030-01-31 14:05:09"}
AT = datetime(2030, 1, 31, tzinfo=UTC)


def receipt(status: str, minute: int = 5, number: str = NUMBER):
    event = {**RECEIPT, "number": number, "status": status, "delivery_date": f"2030-01-31 14:{minute:02}:09"}
    return msgspec.structs.replace(parse(event, "", AT, "c1"), request_id="a")


def known(number: int):
    """A reply to a send of ours."""
    return msgspec.structs.replace(foreign(number), request_id="a")


def foreign(number: int, size: int = 0):
    """A reply that belongs to nothing."""
    event = {"number": NUMBER, "text": f"{number} " + "x" * size, "reception_date": "2030-01-31 14:05:09"}
    return parse(event, "", AT, "c1")


def quarantined(event_id: str, raw: str) -> Quarantined:
    return Quarantined(event_id=event_id, reason="unreadable", received_at=AT, raw=raw)


def texts(client, stream: str = "replies") -> list[str]:
    return [entry[b"text"].decode().strip("x ") for _, entry in client.xrange(KEYS.stream(stream))]


def stands(client) -> tuple[str, int]:
    found = read_delivery(client.hget(KEYS.deliveries("a"), NUMBER).decode())
    return found.status, found.at.minute


STATUSES = st.sampled_from([*RANKS, "TELEPORTED"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), told=st.lists(st.tuples(STATUSES, st.integers(0, 3)), min_size=1, max_size=8))
def test_what_stands_does_not_depend_on_order_and_number_of_receipts(redis_client, data, told):
    """The highest rank; among its like the latest; what has stood once never goes back."""
    publisher = Publisher(redis_client, RedisSettings())
    results = []
    for order in (told, data.draw(st.permutations(told)), [*reversed(told), *told]):
        redis_client.flushall()
        seen = []
        for each in order:
            publisher.publish([receipt(*each)])
            seen.append(stands(redis_client))
        progress = [(RANKS.get(status, 0), minute) for status, minute in seen]
        assert progress == sorted(progress)
        results.append(seen[-1])
    best = max((RANKS.get(status, 0), minute) for status, minute in told)

    assert len(set(results)) == 1
    assert (RANKS.get(results[0][0], 0), results[0][1]) == best
    assert results[0] in told


@pytest.mark.parametrize("like", [("ACK", "TRANSMITTED"), ("NOT_DELIVERED", "DELIVERED"), ("A", "B")])
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0), (1, 0, 1)])
def test_of_equally_late_receipts_the_same_one_stands_in_any_order(redis_client, like, order):
    publisher = Publisher(redis_client, RedisSettings())
    for place in order:
        publisher.publish([receipt(like[place])])
    assert stands(redis_client)[0] == like[1]


@pytest.mark.parametrize("order", [1, -1])
def test_the_receipt_that_says_most_stands(redis_client, order):
    publisher = Publisher(redis_client, RedisSettings())
    for each in [
        receipt("NOT_DELIVERED", 1),
        receipt("DELIVERED", 2),
        receipt("UNDEFINED", 3),
        receipt("ACK", 4),
    ][::order]:
        publisher.publish([each])
    assert stands(redis_client) == ("DELIVERED", 2)


def test_events_of_all_kinds_go_to_their_streams_once(redis_client):
    publisher = Publisher(redis_client, RedisSettings())
    fields = ({"reception_date": "x", "text": "Yes"}, {"status": "ACK"}, {"stop_date": "x"})
    events = [
        *(parse({"number": NUMBER, **each}, "", AT, "c1") for each in fields),
        quarantined("q", "?"),
    ]

    assert publisher.publish([*events, events[0]]) == [True] * 4 + [False]
    assert publisher.publish(events) == [False] * 4

    for stream in ("replies", "receipts", "optouts", "quarantine"):
        assert redis_client.xlen(KEYS.stream(stream)) == 1
    [(_, kept)] = redis_client.xrange(KEYS.stream("quarantine"))
    assert (kept[b"reason"], kept[b"raw"], kept[b"received_at"]) == (
        *(b"unreadable", b"?"),
        b"2030-01-31T00:00:00Z",
    )


def test_a_stream_of_receipts_is_trimmed_like_any_other(redis_client):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    told = [receipt(f"WORD_{number}") for number in range(300)]
    for start in range(0, 300, 100):
        publisher.publish(told[start : start + 100])
    assert redis_client.xlen(KEYS.stream("receipts")) < 300


def test_streams_are_trimmed(redis_client):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    for start in range(0, 400, 50):
        publisher.publish([quarantined(f"{i}", "?") for i in range(start, start + 50)])
        publisher.publish([known(i) for i in range(start, start + 50)])
    assert 100 <= redis_client.xlen(KEYS.stream("quarantine")) < 250
    assert 100 <= redis_client.xlen(KEYS.stream("replies")) < 250
    assert texts(redis_client)[-1] == "399"


def test_a_flood_of_foreign_entries_trims_no_other(redis_client):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    publisher.publish([foreign(500), *(known(i) for i in range(100))])
    for start in range(1000, 2000, 50):
        publisher.publish([foreign(i) for i in range(start, start + 50)])

    assert texts(redis_client) == [str(i) for i in (*range(100), *range(1900, 2000))]


def test_foreign_entries_are_bounded_in_bytes_and_leave_nothing_behind(redis_client, monkeypatch):
    monkeypatch.setattr("worker.callbacks.publisher.FOREIGN_BYTES", 30_000)
    publisher = Publisher(redis_client, RedisSettings())
    publisher.publish([known(1)])
    for i in range(100):
        publisher.publish([foreign(1000 + i, 2_000), quarantined(f"q{i}", "x" * 4_000)])

    assert texts(redis_client)[0] == "1"
    assert 4 <= redis_client.xlen(KEYS.stream("replies")) <= 8
    assert 4 <= redis_client.xlen(KEYS.stream("quarantine")) <= 7
    left = redis_client.xlen(KEYS.stream("replies")) + redis_client.xlen(KEYS.stream("quarantine"))
    assert len(redis_client.keys(KEYS.seen("*"))) == left
    assert {int(size) <= 30_000 for size in redis_client.hvals(KEYS.foreign_bytes)} == {True}


def test_trimmed_foreign_entries_make_room_again(redis_client):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    publisher.publish([foreign(i) for i in range(50)])
    for start in range(1000, 2000, 50):
        publisher.publish([known(i) for i in range(start, start + 50)])

    assert redis_client.llen(KEYS.foreign("replies")) == 0
    assert redis_client.hget(KEYS.foreign_bytes, "replies") == b"0"
    assert redis_client.xlen(KEYS.stream("replies")) < 250


@pytest.mark.parametrize("read", [0, 30, 300])
@pytest.mark.parametrize("make", [known, foreign])
def test_what_is_dropped_before_the_slowest_group_has_read_it_is_counted_and_told(redis_client, read, make):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    stream = KEYS.stream("replies")
    for group in ("fast", "slow"):
        redis_client.xgroup_create(stream, group, "0", mkstream=True)
    publisher.publish([make(i) for i in range(90)])
    redis_client.xreadgroup("slow", "c", {stream: ">"}, count=read or 1)
    with capture_logs() as lines:
        for start in range(100, 290, 10):
            publisher.publish([make(i) for i in range(start, start + 10)])
            redis_client.xreadgroup("fast", "c", {stream: ">"})

    dropped = 280 - redis_client.xlen(stream)
    expected = dropped - min(read or 1, 90)
    assert dropped > 90
    assert int(redis_client.hget(KEYS.unread_trimmed, "replies") or 0) == expected
    assert sum(line["entries"] for line in lines) == expected
    assert {(line["event"], line["log_level"], line["stream"]) for line in lines} == {
        ("stream.unread_trimmed", "error", "replies")
    }


def test_without_a_reader_nothing_is_dropped_unread(redis_client):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    for start in range(0, 400, 50):
        publisher.publish([known(i) for i in range(start, start + 50)])
    assert not redis_client.exists(KEYS.unread_trimmed)


OPT_OUT = parse({"number": NUMBER, "text": "STOP", "stop_date": "x"}, "", AT, "c1")


@pytest.mark.parametrize(
    ("key", "value", "event"),
    [
        (KEYS.stream("optouts"), "no stream", OPT_OUT),
        (KEYS.deliveries("a"), "no hash", receipt("DELIVERED")),
        (KEYS.deliveries("a"), {NUMBER: "damaged"}, receipt("DELIVERED")),
    ],
)
def test_an_event_whose_script_fails_is_appended_once_what_was_in_its_way_is_gone(
    redis_client, key, value, event
):
    """A script that fails is not rolled back: nothing of it may say that the event is on its stream."""
    publisher = Publisher(redis_client, RedisSettings())
    if isinstance(value, dict):
        redis_client.hset(key, mapping=value)
    else:
        redis_client.set(key, value)
    for _ in range(2):
        with pytest.raises(redis.ResponseError):
            publisher.publish([known(1), event])
    redis_client.delete(key)

    assert publisher.publish([known(1), event]) == [False, True]
    assert publisher.publish([known(1), event]) == [False, False]
    assert texts(redis_client) == ["1"]
    counted = redis_client.hgetall("{sms}:metrics")
    assert sum(int(count) for name, count in counted.items() if name.startswith(b"replies:")) == 1


def test_what_a_deleted_stream_has_left_of_foreign_entries_is_forgotten_some_at_a_time(redis_client):
    left, of_ours = 3_000, 3_400
    redis_client.rpush(KEYS.foreign("replies"), *(f"1-{number} e{number} 300" for number in range(left)))
    for number in range(of_ours):
        redis_client.xadd(KEYS.stream("replies"), {"number": NUMBER, "country": "FR", "text": str(number)})
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))

    publisher.publish([known(1)])
    assert redis_client.llen(KEYS.foreign("replies")) == left - 1_000

    for number in range(2, 5):
        publisher.publish([known(number)])
    assert redis_client.llen(KEYS.foreign("replies")) == 0
