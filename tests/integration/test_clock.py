"""The clock of the Redis host leaps: nothing stops, nothing runs twice, the dead are still followed."""

import time
from collections.abc import Callable

import pytest
import redis

from producers import Message, Producer
from tests.support.clock import leap, now_ms
from tests.support.hand_worker import HandWorker
from tests.support.keys import AllKeys
from tests.support.observed import Clock, observed
from tests.support.sends import batch_of
from worker.account.strain import Strain
from worker.account.throttle import Throttle
from worker.gateway.outcomes import Deferred
from worker.queue.leases import LEASE_MS, RENEW_S

KEYS = AllKeys()
ALERT, CALLBACKS = KEYS.queue("alert"), KEYS.queue("callbacks")
HOUR = 3600
NUMBER = "+33612345678"

each_leap_back = pytest.mark.parametrize("back", [HOUR, 60, 7, 2])
#: Those below the grace are bridged by what a lease has left, those above by the grace.
each_leap = pytest.mark.parametrize("seconds", [-HOUR, -60, -7, -2, 2, 4, 6, 60, HOUR])


@pytest.fixture
def sms(redis_url) -> Producer:
    producer = Producer(redis_url)
    yield producer
    producer.close()


@pytest.fixture
def throttle(redis_client) -> Throttle:
    return Throttle(redis_client, KEYS)


def alert(sms: Producer, request_id: str, **options) -> str:
    return sms.send(
        NUMBER, "Hi", sender="Bistro", purpose="alert", request_id=request_id, **options
    ).request_id


def fetched_within(worker: HandWorker, seconds: float) -> tuple[int, float]:
    """Fetch for so many seconds at least; return how many entries came, and how long it really took."""
    count, start = 0, time.monotonic()
    while time.monotonic() < start + seconds:
        batch = worker.fetch()
        count += len(batch.entries) if batch else 0
    return count, time.monotonic() - start


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"


def pass_by(client: redis.Redis, seconds: float, looking: HandWorker) -> None:
    """Let time pass in which somebody looks at the queue twice a second, as a worker does."""
    for _ in range(int(2 * seconds)):
        leap(client, 0.5)
        looking.leases.renew()


@each_leap_back
@pytest.mark.parametrize("queue", ["alert", "marketing"])
def test_with_a_rate_nobody_waits_for_longer_than_what_is_owed(redis_client, sms, throttle, back, queue):
    rate, ahead = 20, 21 if queue == "alert" else 3
    throttle.set_limits("tester", rate=rate)
    purpose = "alert" if queue == "alert" else "wholesale"
    sms.send_many([Message(NUMBER, "Hi STOP au 30101", sender="Bistro", purpose=purpose) for _ in range(100)])
    worker = HandWorker(redis_client, queue=queue)
    count, seconds = fetched_within(worker, 0.2)
    assert count <= ahead + rate * seconds
    leap(redis_client, -back)
    count, seconds = fetched_within(worker, 1.0)
    assert 5 <= count <= ahead + rate * seconds


@each_leap_back
def test_a_dead_worker_is_followed_after_a_lease_by_the_new_clock(redis_client, sms, back):
    dead, living = HandWorker(redis_client), HandWorker(redis_client)
    alert(sms, "a")
    [claim] = dead.claim(dead.fetch())
    leap(redis_client, -back)
    assert living.fetch() is None
    living.leases.renew()
    pass_by(redis_client, LEASE_MS / 1000 + 0.5, living)
    wait_until(lambda: (claims := living.take()) and claims[0].token == claim.token + 1)


def test_an_attempt_that_began_before_the_clock_went_back_is_waited_for_no_longer_than_a_lease(
    redis_client, sms
):
    dead, living = HandWorker(redis_client), HandWorker(redis_client)
    alert(sms, "a")
    dead.claim(dead.fetch())
    leap(redis_client, -HOUR)
    [wait] = living.ledger.claim(batch_of("a"), ())
    assert wait.ms <= LEASE_MS


@each_leap
def test_the_living_keep_what_they_hold(redis_client, sms, seconds):
    living, other = HandWorker(redis_client), HandWorker(redis_client)
    alert(sms, "a")
    [claim] = living.claim(living.fetch())
    other.fetch()
    leap(redis_client, RENEW_S)
    leap(redis_client, seconds)
    for _ in range(2):
        assert other.fetch() is None
    living.leases.renew()
    pass_by(redis_client, 6, living)
    assert other.fetch() is None
    assert living.leases.holds(ALERT.leases, claim.entry.lease)


@each_leap
def test_the_leases_of_a_dead_worker_are_spared_once(redis_client, sms, seconds):
    """After each leap, too, or with a Redis that comes and goes, they must run out in the end."""
    dead, living = HandWorker(redis_client), HandWorker(redis_client)
    alert(sms, "a")
    dead.fetch()
    living.fetch()
    looks = 0
    while not living.fetch():
        looks += 1
        assert looks < 12
        leap(redis_client, abs(seconds) if looks < 3 else 6)


def test_silence_is_when_nobody_was_heard_and_not_when_nobody_fetched(redis_client, sms):
    """A process whose places are all taken renews, and that shows that Redis was there."""
    dead, full, third = HandWorker(redis_client), HandWorker(redis_client), HandWorker(redis_client)
    alert(sms, "a")
    dead.fetch()
    redis_client.delete(ALERT.wake)
    pass_by(redis_client, LEASE_MS / 1000 + 0.5, full)
    assert redis_client.zcard(ALERT.leases) == 0
    assert redis_client.lrange(ALERT.ready, 0, -1) == [b"a"]
    assert redis_client.llen(ALERT.wake) > 0
    assert third.fetch() is not None


def test_whoever_is_heard_first_after_an_outage_spares_the_living(redis_client, sms):
    living, first = HandWorker(redis_client), HandWorker(redis_client)
    alert(sms, "a")
    living.fetch()
    leap(redis_client, LEASE_MS / 1000 + 3)
    first.leases.renew()
    assert redis_client.zcard(ALERT.leases) == 1
    living.leases.renew()
    pass_by(redis_client, 6, living)
    assert first.fetch() is None


@each_leap_back
def test_a_probe_is_due_after_its_own_wait(redis_client, throttle, back):
    throttle.hold("104")
    leap(redis_client, -back)
    assert not throttle.due_probe("hold")
    leap(redis_client, 5.1)
    assert throttle.due_probe("hold")
    leap(redis_client, -back)
    assert not throttle.due_probe("hold")
    leap(redis_client, 10.1)
    assert throttle.due_probe("hold")


@each_leap_back
def test_a_pause_lasts_at_most_as_long_as_was_asked_for_once_more(redis_client, sms, throttle, back):
    throttle.pause("http_429", 3_000)
    alert(sms, "a")
    worker = HandWorker(redis_client)
    leap(redis_client, -back)
    assert worker.fetch() is None
    throttle.pause("http_429", 1_000)
    assert redis_client.hget(KEYS.pause, "ms") == b"3000"
    leap(redis_client, 3.1)
    assert worker.fetch() is not None


@each_leap_back
def test_what_waits_for_a_later_run_follows_the_clock_and_what_has_a_date_does_not(redis_client, sms, back):
    worker = HandWorker(redis_client)
    alert(sms, "retry")
    [entry] = worker.fetch().entries
    worker.holder.delay([entry.delayed(20_000)])
    begin = now_ms(redis_client)
    redis_client.zadd(ALERT.delayed, {f"later{n}": begin + 20_000 + n for n in range(1_200)})
    redis_client.zadd(CALLBACKS.delayed, {"callback": begin + 20_000})
    dates = {f"dated{n}": begin + 600_000 + n for n in range(700)}
    redis_client.zadd(ALERT.delayed, dates)
    for request_id, due in dates.items():
        redis_client.hset(KEYS.record(request_id), "due", due)
    callbacks = HandWorker(redis_client, queue="callbacks")
    worker.fetch()
    callbacks.fetch()

    leap(redis_client, -back)
    for _ in range(6):
        worker.fetch()
    callbacks.fetch()

    delays = dict(redis_client.zrange(ALERT.delayed, 0, -1, withscores=True))
    now = now_ms(redis_client)
    # A leap of less than a second since the last look is none.
    latest = now + 20_000 + 1_200 + 1_000
    assert all(due <= latest for entry, due in delays.items() if not entry.startswith(b"dated"))
    assert all(delays[entry.encode()] == due + 1000 * back for entry, due in dates.items())
    assert redis_client.zscore(CALLBACKS.delayed, "callback") <= latest
    assert redis_client.exists(ALERT.back, CALLBACKS.back) == 0


def test_a_clock_that_creeps_moves_nothing(redis_client, sms):
    worker = HandWorker(redis_client)
    redis_client.zadd(ALERT.delayed, {"retry": now_ms(redis_client) + 20_000})
    worker.fetch()
    leap(redis_client, -0.5)
    before = redis_client.zscore(ALERT.delayed, "retry")
    worker.fetch()
    assert redis_client.zscore(ALERT.delayed, "retry") == before


@pytest.mark.parametrize("seconds", [-HOUR, -60, -2, 2, 60])
def test_strain_is_met_whatever_the_clock_says(redis_client, seconds):
    redis_client.zadd(ALERT.leases, {f"p.1:{n}": now_ms(redis_client) for n in range(64)})
    strain = Strain(redis_client, KEYS, 0, Clock())
    busy = observed(Deferred("127"), strained=True)
    strain.observe([busy])
    leap(redis_client, seconds)
    leap(redis_client, 1.5)
    strain.observe([busy])
    assert float(redis_client.hget(KEYS.strain, "limit")) == 16
