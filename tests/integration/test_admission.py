"""The gates of admission, one behind the other: what is kept by many is kept by the first."""

import json
from types import SimpleNamespace

import pytest

from producers import Producer
from producers.contract.jobs import RECORD_VERSION
from tests.support.hand_worker import KEYS
from tests.support.sends import claim_one
from worker.ledger import ledger as ledger_module
from worker.ledger.claims import Claim, Over, Wait

HOUR_MS = 3_600_000
PAUSE_MS = 60_000
RECORD = KEYS.record("a")
CAMPAIGN = KEYS.campaign("c")


@pytest.fixture
def queued(redis_url) -> None:
    """Queue one message."""
    sms = Producer(redis_url)
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")
    sms.close()


def now_ms(client) -> int:
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def shut_all(client) -> None:
    """Shut every gate that a message can meet."""
    now = now_ms(client)
    record = {"v": RECORD_VERSION + 1, "state": "accepted", "token": 1, "running": 1, "campaign": "c"}
    client.hset(RECORD, mapping={**record, "due": now + HOUR_MS})
    client.zadd(KEYS.attempt_leases, {"a:1": now + 5_000})
    client.hset(CAMPAIGN, "paused", now)
    client.hset(KEYS.hold, mapping={"code": "101", "since": now, "probe_at": now + HOUR_MS})
    client.hset(KEYS.pause, mapping={"code": "http_429", "at": now, "ms": PAUSE_MS})
    credit = {
        "code": "104",
        "since": now,
        "floors": {"sms_premium:33": {"segments": 1, "least": 1, "at": now}},
    }
    breaker = {"code": "999", "since": now, "shut": {"sender": "Bistro"}}
    # The breaker is there first: the order of the hash decides nothing.
    client.hset(KEYS.gates, "999", json.dumps(breaker))
    client.hset(KEYS.gates, "credit", json.dumps(credit))


def test_the_first_gate_that_keeps_a_message_decides(hand, queued, redis_client):
    shut_all(redis_client)

    def claim() -> Claim | Wait | Over:
        return claim_one(hand.ledger, "a")

    assert claim() == Wait(5_000, newer=True)
    redis_client.hset(RECORD, "v", RECORD_VERSION)
    assert claim() == Over("accepted")
    redis_client.hset(RECORD, "state", "sending")
    assert PAUSE_MS < claim().ms <= HOUR_MS
    redis_client.hdel(RECORD, "due")
    assert 0 < claim().ms <= 5_000
    redis_client.hdel(RECORD, "running")
    redis_client.hset(RECORD, "state", "queued")
    assert claim() == Over("paused")
    redis_client.delete(CAMPAIGN)
    assert claim() == Wait(1_000)
    redis_client.delete(KEYS.hold)
    assert PAUSE_MS - 5_000 < claim().ms <= PAUSE_MS
    redis_client.delete(KEYS.pause)
    assert claim() == Over("aside")
    assert redis_client.hget(RECORD, "aside") == b"credit"
    redis_client.hdel(KEYS.gates, "credit")
    assert claim() == Over("aside")
    assert redis_client.hget(RECORD, "aside") == b"999"
    redis_client.delete(KEYS.gates)
    assert isinstance(claim(), Claim)


def test_a_message_whose_time_is_over_ends_although_all_sending_is_held(hand, queued, redis_client):
    redis_client.hset(RECORD, "expires", 1)
    hand.throttle.hold("101")
    assert claim_one(hand.ledger, "a") == Over("expired", just_now=True)


def test_a_message_of_a_paused_campaign_waits_there_although_its_time_is_over(hand, queued, redis_client):
    redis_client.hset(RECORD, mapping={"expires": 1, "campaign": "c"})
    redis_client.hset(CAMPAIGN, "paused", 1)
    assert claim_one(hand.ledger, "a") == Over("paused")


def test_the_first_gate_that_leaves_no_room_says_how_long_a_fetch_waits(hand, queued, redis_client):
    now = now_ms(redis_client)
    redis_client.hset(KEYS.hold, mapping={"code": "101", "since": now, "probe_at": now + HOUR_MS})
    redis_client.hset(KEYS.pause, mapping={"code": "http_429", "at": now, "ms": PAUSE_MS})
    redis_client.zadd(hand.names.leases, {"other.1:b": now + 9_000})
    hand.throttle.set_limits("tester", in_flight=1, rate=1)
    redis_client.hset(KEYS.rate, mapping={"all": 6_000, "alert": 6_000, "at": now})

    assert hand.consumer._fetch(1) == 1_000
    redis_client.delete(KEYS.hold)
    assert 1_000 < hand.consumer._fetch(1) <= 9_000, "the pause, or the lease before it"
    redis_client.delete(KEYS.pause)
    assert hand.consumer._fetch(1) == 20
    redis_client.zrem(hand.names.leases, "other.1:b")
    assert 20 < hand.consumer._fetch(1) <= 5_000
    redis_client.delete(KEYS.rate)
    assert hand.consumer._fetch(1) > 0
    assert hand.fetch().entries[0].id == "a"


def test_a_lost_attempt_is_no_lost_attempt_while_the_date_of_its_message_is_ahead(hand, queued, redis_client):
    """The clock went back: the worker may be alive, and what it reports must still count."""
    redis_client.hset(
        RECORD, mapping={"state": "sending", "token": 1, "running": 1, "due": now_ms(redis_client) + HOUR_MS}
    )
    assert claim_one(hand.ledger, "a").ms > PAUSE_MS
    assert redis_client.hmget(RECORD, "running", "doubt") == [b"1", None]


def test_what_is_owed_to_the_rate_follows_a_clock_that_went_back_although_all_calls_are_in_flight(
    hand, queued, redis_client
):
    now = now_ms(redis_client)
    redis_client.zadd(hand.names.leases, {"other.1:b": now + 9_000})
    hand.throttle.set_limits("tester", in_flight=1, rate=1)
    redis_client.hset(KEYS.rate, mapping={"all": 6_000, "alert": 6_000, "at": now + HOUR_MS})
    assert hand.consumer._fetch(1) == 20
    assert int(redis_client.hget(KEYS.rate, "at")) <= now_ms(redis_client)


def test_a_verdict_that_nobody_knows_ends_no_entry(hand, queued, redis_client, monkeypatch):
    redis_client.hset(RECORD, "v", RECORD_VERSION + 1)
    claim = ledger_module._CLAIM
    text = claim.text.replace("return { 'newer' }", "return { 'refused' }")
    refusing = SimpleNamespace(
        package=claim.package, name=claim.name, text=text, sha=redis_client.script_load(text)
    )
    batch = next(hand.consumer).batch
    monkeypatch.setattr(ledger_module, "_CLAIM", refusing)
    with pytest.raises(ValueError, match="refused"):
        hand.ledger.claim(batch, ())

    assert not batch.claimed
    assert redis_client.zcard(hand.names.leases) == 1
    monkeypatch.undo()
    redis_client.hset(RECORD, "v", RECORD_VERSION)
    assert isinstance(hand.ledger.claim(batch, ())[0], Claim)
