"""Events on their streams: each once, the deliveries they report in any order, no stream without end."""

from datetime import UTC, datetime

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.keys import Keys
from producers.records import read_delivery
from producers.settings import RedisSettings
from worker.delivery import RANKS
from worker.payloads import parse
from worker.publisher import Publisher, Quarantined

NUMBER = "+33612345678"
KEYS = Keys()
RECEIPT = {"message_id": "sms_1", "number": NUMBER, "status": "ACK", "delivery_date": "2030-01-31 14:05:09"}
AT = datetime(2030, 1, 31, tzinfo=UTC)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statuses=st.lists(st.sampled_from([*RANKS, "TELEPORTED"]), min_size=1, max_size=8, unique=True))
def test_in_any_order_the_status_of_highest_rank_stands(redis_client, statuses):
    """Final ones keep their place against their like; of the others the last one counts."""
    publisher = Publisher(redis_client, RedisSettings())
    redis_client.flushall()
    events = [parse({**RECEIPT, "status": status}, "", AT) for status in statuses]
    publisher.publish([msgspec.structs.replace(event, request_id="a") for event in events])
    best = max(RANKS.get(status, 0) for status in statuses)
    ranked = [status for status in statuses if RANKS.get(status, 0) == best]

    stands = read_delivery(redis_client.hget(KEYS.deliveries("a"), NUMBER).decode())

    assert (stands.status, stands.final) == (ranked[0] if best else ranked[-1], best > 0)


def test_events_of_all_kinds_go_to_their_streams_once(redis_client):
    publisher = Publisher(redis_client, RedisSettings())
    fields = ({"reception_date": "x", "text": "Yes"}, {"status": "ACK"}, {"stop_date": "x"})
    events = [
        *(parse({"number": NUMBER, **each}, "", AT) for each in fields),
        Quarantined("q", "unreadable", "?", AT),
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


def test_streams_are_trimmed(redis_client):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    for start in range(0, 400, 50):
        publisher.publish([Quarantined(f"{i}", "unreadable", "?", AT) for i in range(start, start + 50)])
    assert 100 <= redis_client.xlen(KEYS.stream("quarantine")) < 250
