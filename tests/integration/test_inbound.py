"""One stored callback becomes stream entries, once, connected to its send."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
import redis
from dramatiq.errors import Retry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers import Producer
from producers.keys import Keys
from producers.records import read_delivery
from producers.settings import RedisSettings
from worker.delivery import RANKS
from worker.inbound import PATIENCE_S, Inbound
from worker.leases import Leases
from worker.ledger import Ledger
from worker.outcomes import Accepted, Unknown
from worker.payloads import parse
from worker.publisher import Publisher

NUMBER = "+33612345678"
KEYS = Keys()
SETTINGS = RedisSettings()
REPLY = {"message_id": "sms_1", "number": NUMBER, "text": "Yes", "reception_date": "2030-01-31 14:05:09"}
RECEIPT = {"message_id": "sms_1", "number": NUMBER, "status": "ACK", "delivery_date": "2030-01-31 14:05:09"}
STOP = {"message_id": "sms_1", "number": NUMBER, "text": "STOP", "stop_date": "2030-01-31 14:05:09"}


@pytest.fixture
def ledger(redis_client) -> Ledger:
    return Ledger(redis_client, SETTINGS, Leases(redis_client))


@pytest.fixture
def inbound(redis_client, ledger) -> Inbound:
    return Inbound(redis_client, KEYS, ledger, Publisher(redis_client, SETTINGS))


@pytest.fixture
def store(redis_client) -> Callable[..., str]:
    """Store a raw callback as the intake does and return its id."""

    def put(body: object, *, kind: str = "", age_s: float = 0, callback_id: str = "c") -> str:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        received = now_ms(redis_client) - int(age_s * 1000)
        redis_client.hset(
            KEYS.callback(callback_id), mapping={"kind": kind, "raw": raw, "received": received}
        )
        return callback_id

    return put


@pytest.fixture
def accepted(redis_url, ledger) -> str:
    """A send that the gateway accepted with ticket ``sms_1``."""
    sms = Producer(redis_url)
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id="a", context={"b": 1})
    ledger.finish(ledger.claim("a"), Accepted("sms_1"), posts=1, in_doubt=False)
    sms.close()
    return "a"


def now_ms(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def entries(client: redis.Redis, stream: str) -> list[dict[str, str]]:
    return [
        {name.decode(): value.decode() for name, value in entry.items()}
        for _, entry in client.xrange(KEYS.stream(stream))
    ]


def test_a_reply_leaves_with_the_request_and_context_it_answers(inbound, store, accepted, redis_client):
    inbound.process_callback(store(REPLY))
    [entry] = entries(redis_client, "replies")
    assert entry["v"] == "1"
    assert (entry["request_id"], entry["ticket"], entry["context"]) == ("a", "sms_1", '{"b":1}')
    assert (entry["number"], entry["text"], entry["country"]) == (NUMBER, "Yes", "FR")
    assert entry["gateway_date"] == "2030-01-31 14:05:09"
    assert entry["received_at"].endswith("Z")
    assert json.loads(entry["raw"]) == REPLY
    assert not redis_client.exists(KEYS.callback("c"))


def test_a_repeated_callback_is_one_entry(inbound, store, accepted, redis_client):
    for number in range(3):
        inbound.process_callback(store(REPLY, callback_id=f"c{number}"))
    assert len(entries(redis_client, "replies")) == 1


def test_a_callback_without_ticket_leaves_at_once_and_alone(inbound, store, accepted, redis_client):
    inbound.process_callback(store({**REPLY, "message_id": None}))
    [entry] = entries(redis_client, "replies")
    assert (entry["request_id"], entry["ticket"], entry["context"]) == ("", "", "")


def test_receipts_in_any_order_leave_the_final_status(inbound, store, accepted, redis_client, redis_url):
    for number, status in enumerate(["DELIVERED", "ACK", "UNKNOWN_DELIVERY", "NOT_DELIVERED", "TELEPORTED"]):
        inbound.process_callback(store({**RECEIPT, "status": status}, callback_id=f"c{number}"))
    assert len(entries(redis_client, "receipts")) == 5
    delivery = Producer(redis_url).status("a").deliveries[NUMBER]
    assert (delivery.status, delivery.final) == ("DELIVERED", True)


def test_receipts_move_forward(inbound, store, accepted, redis_client, redis_url):
    seen = []
    for number, status in enumerate(["ACK", "TRANSMITTED", "UNDEFINED", "NOT_DELIVERED", "READ"]):
        inbound.process_callback(store({**RECEIPT, "status": status}, callback_id=f"c{number}"))
        seen.append(Producer(redis_url).status("a").deliveries[NUMBER].status)
    assert seen == ["ACK", "TRANSMITTED", "UNDEFINED", "NOT_DELIVERED", "READ"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statuses=st.lists(st.sampled_from([*RANKS, "TELEPORTED"]), min_size=1, max_size=8, unique=True))
def test_in_any_order_the_status_of_highest_rank_stands(redis_client, statuses):
    """Final ones keep their place against their like; of the others the last one counts."""
    publisher, at = Publisher(redis_client, SETTINGS), datetime(2030, 1, 31, tzinfo=UTC)
    redis_client.flushall()
    for status in statuses:
        event = parse({**RECEIPT, "status": status}, "", at)
        publisher.publish(msgspec.structs.replace(event, request_id="a"))
    best = max(RANKS.get(status, 0) for status in statuses)
    ranked = [status for status in statuses if RANKS.get(status, 0) == best]

    stands = read_delivery(redis_client.hget(KEYS.deliveries("a"), NUMBER))

    assert (stands.status, stands.final) == (ranked[0] if best else ranked[-1], best > 0)


def test_an_opt_out_leaves_on_its_stream(inbound, store, accepted, redis_client):
    inbound.process_callback(store(STOP))
    [entry] = entries(redis_client, "optouts")
    assert (entry["request_id"], entry["number"], entry["text"]) == ("a", NUMBER, "STOP")
    assert entry["at"] == "2030-01-31T13:05:09Z"


def test_a_blocked_number_is_a_receipt_and_an_opt_out(inbound, store, accepted, redis_client):
    inbound.process_callback(store({**RECEIPT, "status": "BLACKLISTED_NUMBER"}))
    assert len(entries(redis_client, "receipts")) == len(entries(redis_client, "optouts")) == 1


def test_an_array_is_taken_apart(inbound, store, accepted, redis_client):
    inbound.process_callback(store([REPLY, RECEIPT, STOP, {"nothing": 1}]))
    lengths = {
        name: len(entries(redis_client, name)) for name in ("replies", "receipts", "optouts", "quarantine")
    }
    assert set(lengths.values()) == {1}


@pytest.mark.parametrize("raw", [b"\xff\xfe garbage", b'{"number": "+33', b"[]", b'{"unknown": "shape"}'])
def test_what_cannot_be_placed_is_kept_raw_once(inbound, store, redis_client, raw):
    for number in range(2):
        inbound.process_callback(store(raw, kind="unreadable", callback_id=f"c{number}"))
    [entry] = entries(redis_client, "quarantine")
    assert entry["raw"].replace(" ", "") == raw.decode("utf-8", "backslashreplace").replace(" ", "")
    assert entry["reason"]
    assert redis_client.keys(KEYS.callback("*")) == []


@pytest.fixture
def running(redis_url, ledger):
    """An attempt under way, whose answer has not come."""
    sms = Producer(redis_url)
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id="r", context=7)
    sms.close()
    return ledger.claim("r")


def test_a_receipt_before_the_answer_waits_for_it(inbound, store, ledger, running, redis_client):
    callback = store(RECEIPT)
    with pytest.raises(Retry):
        inbound.process_callback(callback)
    assert entries(redis_client, "receipts") == []

    ledger.finish(running, Accepted("sms_1"), posts=1, in_doubt=False)
    inbound.process_callback(callback)
    assert entries(redis_client, "receipts")[0]["request_id"] == "r"


def test_a_receipt_finds_the_send_whose_answer_was_lost(inbound, store, ledger, running, redis_client):
    ledger.finish(running, Unknown("read_timeout"), posts=1, in_doubt=False)
    inbound.process_callback(store(RECEIPT))
    assert entries(redis_client, "receipts")[0]["request_id"] == "r"


def test_waiting_ends(inbound, store, running, redis_client):
    inbound.process_callback(store(RECEIPT, age_s=PATIENCE_S + 1))
    # The attempt began after this callback came, so it would not even wait; make it wait in vain.
    redis_client.zadd(KEYS.attempts, {"r": 1})
    inbound.process_callback(store({**RECEIPT, "status": "DELIVERED"}, age_s=PATIENCE_S + 1))
    assert [entry["request_id"] for entry in entries(redis_client, "receipts")] == ["", ""]


def test_an_opt_out_does_not_wait(inbound, store, running, redis_client):
    inbound.process_callback(store(STOP))
    assert len(entries(redis_client, "optouts")) == 1


def test_waiting_events_do_not_hold_up_the_others_of_their_array(inbound, store, running, redis_client):
    with pytest.raises(Retry):
        inbound.process_callback(store([RECEIPT, {**REPLY, "message_id": None}]))
    assert len(entries(redis_client, "replies")) == 1


def test_a_processed_callback_is_nothing_to_do(inbound):
    inbound.process_callback("gone")


def test_streams_are_trimmed(redis_client, ledger, store):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    inbound = Inbound(redis_client, KEYS, ledger, publisher)
    for number in range(400):
        inbound.process_callback(store({**REPLY, "message_id": None, "text": str(number)}))
    assert 100 <= redis_client.xlen(KEYS.stream("replies")) < 250
