"""The leased queue under Dramatiq's own worker, on a real Redis."""

import threading
import time
from collections.abc import Callable, Iterator

import dramatiq
import pytest
import redis
from dramatiq.errors import ConnectionClosed, Retry
from dramatiq.middleware import Retries
from dramatiq.worker import Worker

from producers import Producer
from producers.contract.jobs import ACTORS
from producers.contract.keys import Keys
from tests.support.places import one_call, places
from worker.account.throttle import Limits
from worker.process.middleware import Companions
from worker.queue.consumer import LeasedMessage
from worker.queue.entries import Batch
from worker.queue.lease_broker import LeaseBroker
from worker.queue.leases import LEASE_MS, Leases
from worker.queue.slots import Slots

KEYS = Keys()
ALERT, MARKETING, CALLBACKS = (KEYS.queue(name) for name in ("alert", "marketing", "callbacks"))


@pytest.fixture
def make_broker(redis_client) -> Iterator[Callable[..., LeaseBroker]]:
    """Make brokers as `worker.main` does, each standing for a process of its own."""
    brokers = []

    def make(client: redis.Redis = redis_client, slots: dict[str, Slots] | None = None) -> LeaseBroker:
        leases, limits = Leases(client, KEYS), Limits(rate=0, in_flight=0)
        companions = Companions(start=[leases.start], stop=[leases.stop])
        retries = Retries(max_retries=None, min_backoff=1, max_backoff=1)
        broker = LeaseBroker(
            client, KEYS, leases, limits, [retries, companions], places(4) | (slots or {}), one_call
        )
        brokers.append(broker)
        return broker

    yield make
    for broker in brokers:
        broker.process.leases.stop()


@pytest.fixture
def broker(make_broker) -> LeaseBroker:
    return make_broker()


@pytest.fixture
def run(request) -> Callable[..., Worker]:
    """Start Dramatiq's worker; it is stopped when the test ends."""

    def start(broker: LeaseBroker, threads: int = 2) -> Worker:
        worker = Worker(broker, worker_threads=threads, worker_timeout=50)
        worker.start()
        request.addfinalizer(lambda: worker.stop(timeout=10_000))
        return worker

    return start


def actor(broker: LeaseBroker, function: Callable[[str], None], queue: str = "alert"):
    """Register an actor that calls a function with each entry, one after the other."""

    def run_each(batch: Batch) -> None:
        for entry in batch.entries:
            function(entry.id)

    return batch_actor(broker, run_each, queue)


def batch_actor(broker: LeaseBroker, function: Callable[[Batch], None], queue: str = "alert"):
    broker.declare_queue(queue)
    return dramatiq.actor(actor_name=ACTORS[queue], queue_name=queue, broker=broker)(function)


def lease(message: LeasedMessage) -> str:
    [entry] = message.batch.entries
    return entry.lease


def push(client: redis.Redis, *entries: str, queue=ALERT) -> None:
    """Queue entries as the producers' script does: bare ids and a wake-up."""
    client.rpush(queue.ready, *entries)
    client.rpush(queue.wake, "1")


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.005)


def empty(client: redis.Redis, queue=ALERT) -> bool:
    return not any(
        (
            client.llen(queue.ready),
            client.zcard(queue.delayed),
            client.zcard(queue.leases),
            client.hlen(queue.envelopes),
        )
    )


def test_an_entry_is_the_argument_of_its_queues_actor(broker, run, redis_client):
    seen = []
    actor(broker, lambda request_id: seen.append(("send", request_id)))
    actor(broker, lambda callback_id: seen.append(("callback", callback_id)), "callbacks")
    run(broker)
    push(redis_client, "a")
    push(redis_client, "c", queue=CALLBACKS)
    wait_until(lambda: len(seen) == 2)
    assert sorted(seen) == [("callback", "c"), ("send", "a")]
    wait_until(lambda: empty(redis_client) and empty(redis_client, CALLBACKS))


def test_each_queue_has_its_actor(broker, run, redis_client):
    seen = []
    actor(broker, seen.append)
    actor(broker, seen.append, "marketing")
    run(broker)
    push(redis_client, "a")
    push(redis_client, "m", queue=MARKETING)
    wait_until(lambda: sorted(seen) == ["a", "m"])


def test_a_retry_moves_the_entry_and_counts(broker, run, redis_client):
    runs = []

    def send_sms(request_id: str) -> None:
        runs.append(request_id)
        if len(runs) < 3:
            raise Retry(delay=20)

    actor(broker, send_sms)
    run(broker)
    push(redis_client, "a")
    wait_until(lambda: len(runs) == 3 and empty(redis_client))


def test_cancelling_a_deferred_send_leaves_nothing_in_the_queue(broker, redis_client, redis_url):
    sms = Producer(redis_url)
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")
    broker.declare_queue("alert")
    message = next(broker.consume("alert"))
    broker.enqueue(message, delay=60_000)
    assert sms.cancel("a") == "cancelled"
    assert empty(redis_client)


def test_a_bug_in_an_actor_is_retried_not_lost(broker, run, redis_client):
    runs = []

    def send_sms(request_id: str) -> None:
        runs.append(request_id)
        if len(runs) == 1:
            raise ZeroDivisionError

    actor(broker, send_sms)
    run(broker)
    push(redis_client, "a")
    wait_until(lambda: len(runs) == 2 and empty(redis_client))


def test_what_is_fetched_together_reaches_its_actor_together(make_broker, run, redis_client):
    broker, seen = make_broker(slots={"alert": Slots(5)}), []
    batch_actor(broker, lambda batch: seen.append([entry.id for entry in batch.entries]))
    push(redis_client, *(f"e{i}" for i in range(8)))
    run(broker)
    wait_until(lambda: sum(map(len, seen)) == 8)
    assert seen[0] == ["e0", "e1", "e2", "e3", "e4"]
    assert sorted(each for batch in seen for each in batch) == [f"e{i}" for i in range(8)]
    wait_until(lambda: empty(redis_client))


def test_entries_that_failed_together_come_again_one_by_one(make_broker, run, redis_client):
    broker, seen = make_broker(slots={"alert": Slots(5)}), []

    def send_sms(batch: Batch) -> None:
        seen.append([entry.id for entry in batch.entries])
        if len(seen) == 1:
            raise ZeroDivisionError

    batch_actor(broker, send_sms)
    push(redis_client, "a", "b", "c")
    run(broker)
    wait_until(lambda: len(seen) == 4)
    assert seen[0] == ["a", "b", "c"]
    assert sorted(seen[1:]) == [["a"], ["b"], ["c"]]
    wait_until(lambda: empty(redis_client))


def test_what_was_claimed_stays_leased_until_it_is_ended(make_broker, run, redis_client):
    broker, taken = make_broker(slots={"alert": Slots(3)}), []

    def send_sms(batch: Batch) -> None:
        batch.claimed = True
        taken.append(batch)

    batch_actor(broker, send_sms)
    push(redis_client, "a", "b", "c", "d")
    run(broker)
    wait_until(lambda: taken)
    leased = dict(redis_client.zrange(ALERT.leases, 0, -1, withscores=True))
    wait_until(lambda: min(redis_client.zmscore(ALERT.leases, list(leased))) > max(leased.values()))
    [batch] = taken
    assert redis_client.zcard(ALERT.leases) == 3
    first, second, third = batch.entries
    batch.holder.ack([first])
    wait_until(lambda: len(taken) == 2)
    batch.holder.delay([second.delayed(1)])
    batch.holder.forget([third])
    wait_until(lambda: [entry.id for each in taken[1:] for entry in each.entries] == ["d", "b"])
    leases = {each.decode() for each in redis_client.zrange(ALERT.leases, 0, -1)}
    assert leases == {third.lease} | {entry.lease for each in taken[1:] for entry in each.entries}


def test_a_delayed_entry_runs_when_due_and_not_behind_far_future_ones(broker, run, redis_client):
    seen = []
    actor(broker, lambda request_id: seen.append(request_id))
    redis_client.zadd(ALERT.delayed, {f"far{i}": 9e12 + i for i in range(5_000)})
    seconds, microseconds = redis_client.time()
    redis_client.zadd(ALERT.delayed, {"soon": seconds * 1000 + microseconds // 1000 + 200})
    run(broker)
    wait_until(lambda: seen == ["soon"])


def test_entries_of_a_dead_process_go_back_to_the_front(broker, make_broker, run, redis_client):
    dead = make_broker(slots=places(2))
    dead.declare_queue("alert")
    push(redis_client, "a", "b", "c")
    consumer = dead.consume("alert")
    wait_until(lambda: redis_client.zcard(ALERT.leases) == 2 or (next(consumer) and False))
    assert redis_client.lrange(ALERT.ready, 0, -1) == [b"c"]
    # No one renews the dead process's leases: let them run out now instead of in nine seconds.
    for member, deadline in redis_client.zrange(ALERT.leases, 0, -1, withscores=True):
        redis_client.zadd(ALERT.leases, {member: deadline - LEASE_MS})
    seen = []
    actor(broker, lambda request_id: seen.append(request_id))
    run(broker, threads=1)
    wait_until(lambda: len(seen) == 3)
    assert seen[-1] == "c"
    wait_until(lambda: empty(redis_client))


def test_after_an_outage_of_redis_the_living_may_renew_before_anything_is_taken(
    broker, make_broker, redis_client
):
    """While Redis is away all leases run out, those of living workers, too."""
    broker.declare_queue("alert")
    push(redis_client, "a")
    message = next(broker.consume("alert"))
    seconds, _ = redis_client.time()
    redis_client.zadd(ALERT.leases, {lease(message): seconds * 1000 - 1})
    redis_client.set(ALERT.heard, seconds * 1000 - 12_000)
    other = make_broker()
    other.declare_queue("alert")
    assert next(other.consume("alert", timeout=10)) is None

    redis_client.zadd(ALERT.leases, {lease(message): 1})
    assert next(other.consume("alert", timeout=10)).message_id == "a"


def test_a_live_process_keeps_its_entries(broker, make_broker, redis_client):
    broker.declare_queue("alert")
    push(redis_client, "a")
    redis_client.zadd(ALERT.leases, {lease(next(broker.consume("alert"))): 1})
    broker.process.leases.renew()
    other = make_broker()
    other.declare_queue("alert")
    assert next(other.consume("alert", timeout=10)) is None


def test_an_ack_after_the_lease_was_lost_leaves_the_new_holder_alone(broker, make_broker, redis_client):
    broker.declare_queue("alert")
    push(redis_client, "a")
    consumer = broker.consume("alert")
    message = next(consumer)
    redis_client.zadd(ALERT.leases, {lease(message): 1})
    other = make_broker()
    other.declare_queue("alert")
    taken = next(other.consume("alert"))
    assert taken.message_id == message.message_id == "a"
    consumer.ack(message)
    assert redis_client.zrange(ALERT.leases, 0, -1) == [lease(taken).encode()]


def test_a_retry_after_the_lease_was_lost_makes_no_copy(broker, make_broker, redis_client):
    broker.declare_queue("alert")
    push(redis_client, "a")
    message = next(broker.consume("alert"))
    redis_client.zadd(ALERT.leases, {lease(message): 1})
    other = make_broker()
    other.declare_queue("alert")
    next(other.consume("alert"))
    broker.enqueue(message, delay=1_000)
    assert redis_client.zcard(ALERT.delayed) == 0


def test_an_ack_after_a_retry_does_not_end_the_next_turn_of_the_same_entry(broker, redis_client):
    """Dramatiq acknowledges after it has queued the retry; by then the entry may be fetched again."""
    broker.declare_queue("alert")
    push(redis_client, "a")
    consumer = broker.consume("alert")
    first = next(consumer)
    broker.enqueue(first, delay=0)
    again = next(consumer) or next(consumer)
    consumer.ack(first)
    assert redis_client.zrange(ALERT.leases, 0, -1) == [lease(again).encode()]


@pytest.mark.parametrize("end", ["ack", "nack"])
def test_an_entry_stays_held_until_redis_confirms_its_end(broker, redis_client, monkeypatch, end):
    """Dramatiq asks again: until then nobody else may run what is done."""
    broker.declare_queue("alert")
    push(redis_client, "a")
    consumer = broker.consume("alert")
    message = next(consumer)
    with monkeypatch.context() as away:
        away.setattr(
            "worker.queue.holder.Command.run", lambda *_: (_ for _ in ()).throw(redis.ConnectionError())
        )
        for _ in range(2):
            with pytest.raises(ConnectionClosed):
                getattr(consumer, end)(message)
    assert broker.process.leases.holds(ALERT.leases, lease(message))
    getattr(consumer, end)(message)
    assert redis_client.zcard(ALERT.leases) == 0
    assert not broker.process.leases.holds(ALERT.leases, lease(message))


def test_a_stopped_worker_gives_back_what_it_did_not_start_in_order(make_broker, redis_client):
    broker = make_broker(slots={"alert": Slots(5)})
    started, release = threading.Event(), threading.Event()

    def send_sms(request_id: str) -> None:
        started.set()
        release.wait(20)

    actor(broker, send_sms)
    push(redis_client, "e0")
    worker = Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    assert started.wait(20)
    push(redis_client, *(f"e{i}" for i in range(1, 10)))
    wait_until(lambda: redis_client.zcard(ALERT.leases) == 5)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_until(lambda: broker.process.draining)
    release.set()
    stopping.join(20)
    assert redis_client.zcard(ALERT.leases) == 0
    assert redis_client.lrange(ALERT.ready, 0, -1) == [f"e{i}".encode() for i in range(1, 10)]


def test_an_undecodable_entry_goes_to_the_dead_letters_alone(broker, run, redis_client):
    seen = []
    actor(broker, lambda request_id: seen.append(request_id))
    redis_client.hset(ALERT.envelopes, "bad", b"\x00garbage")
    push(redis_client, "a", "bad", "b", "c")
    run(broker)
    wait_until(lambda: sorted(seen) == ["a", "b", "c"])
    wait_until(lambda: redis_client.zcard(ALERT.leases) == 0)
    assert redis_client.zrange(ALERT.dead, 0, -1) == [b"bad"]
    assert redis_client.hget(ALERT.envelopes, "bad") == b"\x00garbage"


def test_an_unknown_actor_does_not_stop_the_queue(broker, run, redis_client):
    seen = []
    actor(broker, lambda request_id: seen.append(request_id))
    stranger = dramatiq.Message("alert", "nobody", (), {}, {"max_retries": 0}, message_id="x")
    redis_client.hset(ALERT.envelopes, "x", stranger.encode())
    push(redis_client, "x", "a")
    run(broker)
    wait_until(lambda: seen == ["a"])
    wait_until(lambda: redis_client.zrange(ALERT.dead, 0, -1) == [b"x"])


def test_marketing_never_takes_the_calls_that_alerts_need(make_broker, run, redis_client):
    sends = Slots(5, {"marketing": 4})
    broker, running, alerts = make_broker(slots={"alert": sends, "marketing": sends}), [], []

    def send_sms(batch: Batch) -> None:
        batch.claimed = True
        (alerts if batch.queue == "alert" else running).extend((batch, entry) for entry in batch.entries)

    batch_actor(broker, send_sms)
    batch_actor(broker, send_sms, "marketing")
    broker.declare_queue("alert")
    push(redis_client, *(f"m{i}" for i in range(50)), queue=MARKETING)
    run(broker, threads=4)
    wait_until(lambda: len(running) == 4)
    push(redis_client, "alert1")
    wait_until(lambda: len(alerts) == 1)
    assert len(running) == 4

    for number in range(50):
        wait_until(lambda number=number: len(running) > number)
        batch, entry = running[number]
        assert len(running) - number <= 4
        batch.holder.ack([entry])
    wait_until(lambda: empty(redis_client, MARKETING))


def test_a_sleep_that_redis_does_not_end_is_no_lost_connection(broker, redis_client, monkeypatch):
    """A server whose clock was set back sleeps on; whether it is gone shows at the next fetch."""
    broker.declare_queue("alert")
    consumer, slept = broker.consume("alert"), []

    def sleep_on(*_: object, **__: object) -> None:
        slept.append(1)
        raise redis.TimeoutError

    monkeypatch.setattr(redis_client, "blpop", sleep_on)
    assert next(consumer) is None
    push(redis_client, "a")
    assert next(consumer).message_id == "a"
    assert slept == [1]


def test_redis_going_away_and_coming_back_loses_nothing(own_redis_server, make_broker, run, monkeypatch):
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.1)
    monkeypatch.setattr("dramatiq.worker.POST_PROCESS_MESSAGE_RETRY_DELAY_SECS", 0.1)
    client = redis.Redis(port=own_redis_server.port, socket_timeout=5)
    broker, seen = make_broker(client), []
    actor(broker, lambda request_id: seen.append(request_id))
    push(client, *(f"a{i}" for i in range(100)))
    run(broker)
    wait_until(lambda: len(seen) > 5)
    own_redis_server.restart(crash=True)
    wait_until(lambda: len(set(seen)) == 100)
    wait_until(lambda: empty(client), 40)
    client.close()
