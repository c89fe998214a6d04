"""Holds, pauses and limits, as every worker sees them: at the fetch and at the claim."""

import time
from collections.abc import Callable

import pytest

from producers import Message, Producer
from producers.contract.settings import RedisSettings
from tests.support.keys import AllKeys
from tests.support.places import one_call, places
from tests.support.sends import claim_one, finish_one
from worker.account.throttle import PROBE, Limits, Throttle
from worker.gateway.outcomes import Accepted, Deferred, Unknown
from worker.ledger.claims import Claim, Wait
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import WINDOW_S, Ledger
from worker.queue.lease_broker import LeaseBroker
from worker.queue.leases import Leases

KEYS = AllKeys()
NUMBER = "+33612345678"


@pytest.fixture
def leases(redis_client) -> Leases:
    return Leases(redis_client, KEYS)


@pytest.fixture
def throttle(redis_client) -> Throttle:
    return Throttle(redis_client, KEYS)


@pytest.fixture
def ledger(redis_client, leases) -> Ledger:
    return Ledger(redis_client, RedisSettings(), leases, Confirmation(redis_client, KEYS))


@pytest.fixture
def consumer(redis_client, leases) -> Callable:
    """Make a consumer of one queue that holds up to 100 entries, each in a process of its own."""

    def make(queue: str = "alert"):
        broker = LeaseBroker(
            redis_client, KEYS, leases, Limits(rate=0, in_flight=0), [], places(100), one_call
        )
        broker.declare_queue(queue)
        return broker.consume(queue, timeout=10)

    return make


@pytest.fixture
def queue_some(redis_url) -> Callable:
    """Queue sends and return their ids."""
    sms = Producer(redis_url)

    def queue(count: int = 1, purpose: str = "alert", recipients: object = NUMBER) -> list[str]:
        messages = [
            Message(recipients, "Hi STOP au 30101", sender="Bistro", purpose=purpose) for _ in range(count)
        ]
        return [sent.request_id for sent in sms.send_many(messages)]

    yield queue
    sms.close()


def fetched(consumer) -> list[str]:
    """Take what one look at the queue yields."""
    messages = [next(consumer)]
    while consumer._fetched:
        messages.append(next(consumer))
    return [entry.id for message in messages if message is not None for entry in message.batch.entries]


def fetched_within(consumer, seconds: float) -> int:
    count, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        count += len(fetched(consumer))
    return count


def test_without_limits_all_is_fetched_at_once(consumer, queue_some):
    ids = queue_some(50)
    assert fetched(consumer()) == ids


def test_a_hold_stops_fetching_and_is_taken_once(consumer, queue_some, throttle):
    ids = queue_some()
    assert (throttle.hold("104"), throttle.hold("101")) == (True, False)
    assert throttle.current_hold().code == "104"
    assert fetched(consumer()) == []
    assert throttle.release("me")
    assert fetched(consumer()) == ids


def test_a_hold_sends_back_what_was_fetched_before_and_burns_nothing(
    queue_some, throttle, ledger, redis_client
):
    [request_id] = queue_some()
    throttle.hold("104")
    assert isinstance(claim_one(ledger, request_id), Wait)
    assert redis_client.hget(KEYS.record(request_id), "state") == b"queued"
    assert redis_client.hget(KEYS.record(request_id), "token") is None
    throttle.release("me")
    assert isinstance(claim_one(ledger, request_id), Claim)


def test_a_hold_leaves_callbacks_alone(consumer, throttle, redis_client):
    throttle.hold("104")
    redis_client.rpush(KEYS.queue("callbacks").ready, "c")
    assert fetched(consumer("callbacks")) == ["c"]


def test_account_trouble_costs_a_message_neither_an_attempt_nor_its_window(queue_some, ledger, redis_client):
    [request_id] = queue_some()
    trouble = Deferred("101", account=True)
    assert finish_one(ledger, claim_one(ledger, request_id), trouble) == "queued"
    record = redis_client.hgetall(KEYS.record(request_id))
    assert (record.get(b"attempts"), record.get(b"first"), record[b"code"]) == (None, None, b"101")
    redis_client.hincrby(KEYS.record(request_id), "queued", -2 * WINDOW_S * 1000)
    assert isinstance(claim_one(ledger, request_id), Claim)


def test_account_trouble_does_not_clear_a_doubt(queue_some, ledger, redis_client):
    [request_id] = queue_some()
    finish_one(ledger, claim_one(ledger, request_id), Unknown("read_timeout"))
    assert (
        finish_one(ledger, claim_one(ledger, request_id), Deferred("104", account=True), in_doubt=True)
        == "sending"
    )
    assert redis_client.hget(KEYS.record(request_id), "first") is not None


def test_one_worker_of_all_gets_to_probe_and_the_wait_doubles(throttle, redis_client):
    throttle.hold("104")
    assert not throttle.due_probe("hold")
    waits = []
    for _ in range(3):
        redis_client.hset(KEYS.hold, "probe_at", 0)
        assert throttle.due_probe("hold")
        assert not throttle.due_probe("hold")
        seconds, _ = redis_client.time()
        waits.append(round((float(redis_client.hget(KEYS.hold, "probe_at")) / 1000 - seconds) / 5))
    assert waits == [2, 4, 8]


def test_a_new_hold_soon_after_a_release_waits_longer(throttle, redis_client):
    for _ in range(3):
        throttle.hold("104")
        throttle.release(PROBE)
    throttle.hold("104")
    seconds, _ = redis_client.time()
    assert float(redis_client.hget(KEYS.hold, "probe_at")) / 1000 - seconds > 30


def test_no_hold_no_probe(throttle):
    assert not throttle.due_probe("hold")
    assert not throttle.release("me")


def test_a_release_is_audited(throttle, redis_client):
    throttle.hold("104")
    throttle.release("anna@desk")
    [(_, entry)] = redis_client.xrange(KEYS.stream("audit"))
    assert (entry[b"action"], entry[b"by"], entry[b"code"]) == (b"release", b"anna@desk", b"104")


def test_what_only_an_operator_ends_takes_the_place_of_what_a_probe_ends(throttle):
    assert throttle.hold("113")
    assert throttle.hold("126")
    assert not throttle.hold("113")
    assert not throttle.hold("126")
    assert throttle.current_hold().code == "126"
    assert not throttle.release(PROBE)
    assert throttle.current_hold().code == "126"
    assert throttle.release("anna@desk")
    assert throttle.hold("113")
    assert throttle.release(PROBE)


def test_only_an_operator_ends_the_pause_with_the_hold(consumer, queue_some, throttle):
    ids = queue_some()
    throttle.hold("104")
    throttle.pause("http_429", 3_600_000)
    assert throttle.release(PROBE)
    assert throttle.current_hold() is None
    assert fetched(consumer()) == []
    throttle.hold("104")
    assert throttle.release("anna@desk")
    assert throttle.current_hold() is None
    assert fetched(consumer()) == ids


def test_an_operator_ends_a_pause_without_a_hold(consumer, queue_some, throttle):
    ids = queue_some()
    throttle.pause("http_429", 3_600_000)
    assert not throttle.release("anna@desk")
    assert fetched(consumer()) == ids


def test_a_pause_stops_all_sending_until_it_is_over(consumer, queue_some, throttle, ledger, redis_client):
    ids = queue_some()
    throttle.pause("http_429", 60_000)
    throttle.pause("http_429", 10)
    assert fetched(consumer()) == []
    wait = claim_one(ledger, ids[0])
    assert isinstance(wait, Wait)
    assert 50_000 < wait.ms <= 60_000
    redis_client.pexpire(KEYS.pause, 1)
    assert fetched_within(consumer(), 0.5) == 1


def test_the_calls_in_flight_are_limited_over_all_workers(consumer, queue_some, throttle, redis_client):
    queue_some(20)
    throttle.set_limits("tester", in_flight=3)
    first, second = consumer(), consumer()
    held = fetched(first) + fetched(second)
    assert len(held) == 3
    assert fetched(second) == []
    redis_client.zrem(KEYS.queue("alert").leases, *redis_client.zrange(KEYS.queue("alert").leases, 0, 0))
    assert len(fetched(second)) == 1


def test_marketing_leaves_calls_for_alerts(consumer, queue_some, throttle):
    queue_some(20, "wholesale")
    throttle.set_limits("tester", in_flight=5)
    assert len(fetched(consumer("marketing"))) == 4
    alerts = queue_some(5)
    assert fetched(consumer()) == alerts[:1]


def test_the_rate_holds_over_all_workers_and_may_change_live(consumer, queue_some, throttle):
    queue_some(500, "wholesale")
    throttle.set_limits("tester", rate=50)
    workers = [consumer("marketing"), consumer("marketing")]
    started = time.monotonic()
    count = 0
    while time.monotonic() < started + 2:
        count += sum(len(fetched(worker)) for worker in workers)
    # Two seconds at 50/s, and the tenth of a second that marketing may run ahead.
    assert 60 <= count <= 50 * (time.monotonic() - started) + 7
    throttle.set_limits("tester", rate=0)
    assert len(fetched(consumer("marketing"))) == 100


def test_every_recipient_counts_towards_the_rate(queue_some, throttle, ledger, redis_client, consumer):
    [request_id] = queue_some(1, "wholesale", [f"+336123456{i:02}" for i in range(50)])
    queue_some(1, "wholesale")
    throttle.set_limits("tester", rate=10)
    marketing = consumer("marketing")
    assert fetched(marketing)[0] == request_id
    claim_one(ledger, request_id)
    assert 4_900 < float(redis_client.hget(KEYS.rate, "all")) <= 5_100
    assert float(redis_client.hget(KEYS.rate, "alert")) == 0
    assert fetched(marketing) == []


def test_an_alert_does_not_wait_for_the_rate_that_marketing_used_up(consumer, queue_some, throttle):
    queue_some(100, "wholesale")
    throttle.set_limits("tester", rate=20)
    fetched(consumer("marketing"))
    assert fetched(consumer("marketing")) == []
    alerts = queue_some(3)
    assert fetched(consumer()) == alerts


def test_an_alert_never_waits_for_what_a_campaign_owes(consumer, queue_some, throttle, ledger, redis_client):
    numbers = [f"+3361234{i:04}" for i in range(500)]
    slices = queue_some(3, "wholesale", numbers)
    throttle.set_limits("tester", rate=20)
    for request_id in fetched(consumer("marketing")):
        claim_one(ledger, request_id)
    owed = float(redis_client.hget(KEYS.rate, "all"))
    assert owed > 24_000 * len(slices)
    alerts = consumer()
    for _ in range(5):
        queued = queue_some(1)
        assert fetched(alerts) == queued
    assert float(redis_client.hget(KEYS.rate, "alert")) <= 250
    assert fetched(consumer("marketing")) == []


def test_marketing_makes_up_for_what_alerts_use(consumer, queue_some, throttle, redis_client):
    queue_some(5, "wholesale")
    throttle.set_limits("tester", rate=0.1)
    assert len(fetched(consumer("marketing"))) == 1
    queue_some(2)
    assert len(fetched(consumer())) == 1
    assert float(redis_client.hget(KEYS.rate, "all")) > 15_000
    assert float(redis_client.hget(KEYS.rate, "alert")) == 10_000


def test_alerts_alone_keep_to_the_rate(consumer, queue_some, throttle):
    queue_some(200)
    throttle.set_limits("tester", rate=20)
    workers, started = [consumer(), consumer()], time.monotonic()
    count = 0
    while time.monotonic() < started + 2:
        count += sum(len(fetched(worker)) for worker in workers)
    assert 40 <= count <= 20 * (time.monotonic() - started) + 22


def test_an_alert_to_many_answers_for_all_of_them(consumer, queue_some, throttle, ledger):
    [request_id] = queue_some(1, "alert", [f"+336123456{i:02}" for i in range(50)])
    throttle.set_limits("tester", rate=10)
    assert fetched(consumer()) == [request_id]
    claim_one(ledger, request_id)
    queue_some()
    assert fetched(consumer()) == []


@pytest.mark.parametrize("in_flight", [1, 2, 5])
def test_the_next_free_call_is_an_alerts(consumer, queue_some, throttle, redis_client, in_flight):
    queue_some(20, "wholesale")
    throttle.set_limits("tester", in_flight=in_flight)
    marketing = consumer("marketing")
    assert len(fetched(marketing)) == max(1, in_flight - 1)
    alerts = queue_some(in_flight + 1)
    redis_client.delete(KEYS.queue("alert").wake)
    leases = KEYS.queue("marketing").leases
    redis_client.zrem(leases, *redis_client.zrange(leases, 0, 0))
    assert fetched(marketing) == []
    # Whoever steps back tells the alerts' consumers.
    assert redis_client.llen(KEYS.queue("alert").wake) == 1
    assert fetched(consumer()) == alerts[: min(2, in_flight)]


@pytest.mark.parametrize(
    ("limit", "setting", "found"), [(1, 0, 1), (1, 2, 1), (5, 0, 1), (10, 30, 2), (1, 1, 0)]
)
def test_the_alerts_part_is_theirs_whatever_marketing_has_out(
    consumer, queue_some, throttle, redis_client, limit, setting, found
):
    queue_some(30, "wholesale")
    assert len(fetched(consumer("marketing"))) == 30
    redis_client.hset(KEYS.strain, mapping={"limit": limit, "top": 60})
    throttle.set_limits("tester", in_flight=setting)
    queue_some(5)
    alerts = consumer()
    assert len(fetched(alerts)) == found
    assert fetched(alerts) == []


def test_a_setting_is_never_exceeded_by_alerts(consumer, queue_some, throttle):
    queue_some(20, "wholesale")
    throttle.set_limits("tester", in_flight=10)
    assert len(fetched(consumer("marketing"))) == 8
    queue_some(20)
    assert len(fetched(consumer())) == 2
    assert fetched(consumer()) == []


def test_limits_default_to_the_settings_and_zero_switches_off(redis_client, redis_url, leases, queue_some):
    limits = Limits(rate=0, in_flight=2)
    throttle = Throttle(redis_client, KEYS)
    broker = LeaseBroker(redis_client, KEYS, leases, limits, [], places(100), one_call)
    broker.declare_queue("alert")
    queue_some(10)
    assert len(fetched(broker.consume("alert", timeout=10))) == 2
    throttle.set_limits("tester", in_flight=0)
    assert len(fetched(broker.consume("alert", timeout=10))) == 8


def test_a_finished_send_frees_its_call(consumer, queue_some, throttle, ledger):
    ids = queue_some(2)
    throttle.set_limits("tester", in_flight=1)
    worker = consumer()
    message = next(worker)
    [claim] = ledger.claim(message.batch, ())
    assert fetched(consumer()) == []
    finish_one(ledger, claim, Accepted("t"))
    assert fetched(consumer()) == ids[1:]
