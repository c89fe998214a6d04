"""What producers and workers, old and new, must agree on."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from typing import get_type_hints

import pytest

from producers import Producer
from producers.contract.jobs import ACTORS, RECORD_VERSION
from producers.contract.keys import Keys
from producers.events import TYPES, Status, from_fields
from worker.main import build
from worker.process.connection import connect
from worker.settings import WorkerSettings

KEYS = Keys()

#: Entries as version 1 wrote them, word for word. Never change one; add those of later versions.
ENTRIES_V1 = {
    "alarms": {
        "v": "1",
        "kind": "budget",
        "scope": "account",
        "level": "80",
        "value": "80.100000",
        "limit": "100.000000",
        "at": "2030-01-31T13:05:09.123Z",
    },
    "replies": {
        "v": "1",
        "event_id": "2862d05ac75a63febe1ece94a2846f39",
        "request_id": "booking-42",
        "ticket": "sms_1",
        "number": "+33612345678",
        "text": "Yes",
        "short_number": "36123",
        "received_at": "2030-01-31T13:05:10.250000Z",
        "gateway_date": "2030-01-31 14:05:09",
        "country": "FR",
        "context": '{"booking":42}',
        "raw": "{}",
    },
    "receipts": {
        "v": "1",
        "event_id": "2862d05ac75a63febe1ece94a2846f39",
        "request_id": "",
        "ticket": "sms_1",
        "number": "+33612345678",
        "status": "DELIVERED",
        "final": "1",
        "delivered_at": "2030-01-31T13:05:09Z",
        "context": "",
        "raw": "{}",
    },
    "optouts": {
        "v": "1",
        "event_id": "2862d05ac75a63febe1ece94a2846f39",
        "request_id": "",
        "ticket": "",
        "number": "+33612345678",
        "text": "STOP",
        "at": "2030-01-31T13:05:09Z",
        "raw": "{}",
    },
    "statuses": {
        "v": "1",
        "request_id": "booking-42",
        "state": "accepted",
        "ticket": "sms_1",
        "code": "",
        "message": "",
        "cost": "0.05",
        "segments": "1",
        "attempt": "1",
        "at": "2030-01-31T13:05:09.123Z",
        "context": '{"booking":42}',
        "held_until": "",
    },
}


@pytest.fixture
def broker(redis_url):
    """The worker as `setup` builds it."""
    settings = WorkerSettings.from_env(
        {"REDIS_URL": redis_url, "OCTOPUSH_API_LOGIN": "a", "OCTOPUSH_API_KEY": "b"}
    )
    client = connect(redis_url)
    yield build(settings, client)
    client.close()


def test_the_worker_serves_every_queue_with_the_actor_that_producers_name(broker):
    assert broker.get_declared_queues() == set(ACTORS)
    for name in ACTORS.values():
        actor = broker.get_actor(name)
        assert list(actor.fn.__func__.__code__.co_varnames[1:2]) == ["batch"]


@pytest.mark.parametrize("stream", ENTRIES_V1)
def test_entries_of_version_1_can_still_be_read(stream):
    fields = {name.encode(): value.encode() for name, value in ENTRIES_V1[stream].items()}
    assert from_fields(TYPES[stream], fields) is not None


def test_there_is_an_entry_of_each_stream():
    assert set(ENTRIES_V1) == set(TYPES)


@pytest.mark.parametrize("stream", ENTRIES_V1)
def test_an_older_entry_may_lack_what_may_be_empty_and_nothing_else(stream):
    fields = {name.encode(): value.encode() for name, value in ENTRIES_V1[stream].items()}
    hints = get_type_hints(TYPES[stream])
    for name, hint in hints.items():
        older = {known: value for known, value in fields.items() if known != name.encode()}
        if name == "context" or type(None) in getattr(hint, "__args__", ()):
            assert getattr(from_fields(TYPES[stream], older), name) is None
        else:
            with pytest.raises(ValueError, match="unreadable entry"):
                from_fields(TYPES[stream], older)


def test_an_entry_of_statuses_reads_as_it_was_meant():
    fields = {name.encode(): value.encode() for name, value in ENTRIES_V1["statuses"].items()}
    status = from_fields(Status, fields)
    assert (status.cost, status.segments, status.attempt, status.ticket) == (Decimal("0.05"), 1, 1, "sms_1")
    assert status.at == datetime(2030, 1, 31, 13, 5, 9, 123_000, tzinfo=UTC)
    assert (status.code, status.context) == (None, {"booking": 42})


def test_the_scripts_write_exactly_the_fields_of_a_status(redis_url, redis_client):
    sms = Producer(redis_url)
    sms.send("+33612345678", "Hi STOP au 30101", sender="Bistro", request_id="a", context={"é": 1})
    sms.cancel("a")
    sms.close()
    [(_, fields)] = redis_client.xrange(KEYS.stream("statuses"))
    assert [name.decode() for name in fields] == ["v", *Status.__struct_fields__]
    assert from_fields(Status, fields).context == {"é": 1}


@pytest.mark.parametrize(
    "instant", ["1970-01-01T00:00:00", "2000-02-29T23:59:59", "2026-11-23T07:12:35", "2100-03-01T00:00:00"]
)
def test_the_scripts_write_dates_as_everybody_does(redis_client, instant):
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    clock = (files("producers.contract") / "lua" / "clock.lua").read_text("utf-8")
    written = redis_client.eval(clock + "return stamp(tonumber(ARGV[1]))", 0, int(at.timestamp() * 1000) + 7)
    assert written.decode() == instant + ".007Z"


def test_a_new_record_carries_the_version(redis_url, redis_client):
    sms = Producer(redis_url)
    sms.send("+33612345678", "Hi STOP au 30101", sender="Bistro", request_id="a")
    sms.close()
    assert redis_client.hget(KEYS.record("a"), "v") == str(RECORD_VERSION).encode()
    assert set(json.loads(redis_client.get(KEYS.body("a")))) == {
        *("recipients", "text", "sender", "type", "purpose", "request_id", "auto_optimize_text"),
    }
