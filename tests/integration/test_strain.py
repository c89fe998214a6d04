"""The adaptive limit of calls in flight: halved by strain, grown by success, never above the setting."""

import pytest
import redis
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.contract.keys import Keys
from producers.contract.steps import drive
from tests.support.observed import Clock, observed
from worker.account.observed import Observed
from worker.account.strain import Strain
from worker.account.throttle import Throttle
from worker.cli import main
from worker.gateway.outcomes import NOT_TRIED, Accepted, Deferred, Unknown
from worker.inquiry.state_of_sending import read_strain

KEYS = Keys()
LEASES = KEYS.queue("alert").leases
STRAIN = observed(Deferred("127"), strained=True)


class Gauge:
    """A process that observes, and what Redis knows of it."""

    def __init__(self, client: redis.Redis, setting: int = 0) -> None:
        self.clock = Clock()
        self.client = client
        self.strain = Strain(client, KEYS, setting, self.clock)

    def see(self, *made: Observed) -> int | None:
        """Observe attempts a second after the last ones; return the limit."""
        self.clock.now += 1
        self.strain.observe(made)
        return drive(read_strain(KEYS), self.client)

    def cut(self) -> int | None:
        """Meet strain when the last cut is long over."""
        self.forget_cut()
        return self.see(STRAIN)

    def forget_cut(self) -> None:
        if self.client.hexists(KEYS.strain, "cut"):
            self.client.hincrby(KEYS.strain, "cut", -60_000)


def in_flight(client: redis.Redis, count: int) -> None:
    client.delete(LEASES)
    if count:
        client.zadd(LEASES, {f"p.1:{number}": 9e15 for number in range(count)})


@pytest.fixture
def gauge(redis_client) -> Gauge:
    in_flight(redis_client, 64)
    return Gauge(redis_client)


def test_strain_halves_what_is_in_flight_once_per_second(gauge, redis_client):
    assert gauge.see(STRAIN, STRAIN) == 32
    assert gauge.see(STRAIN) == 32
    assert [gauge.cut() for _ in range(6)] == [16, 8, 4, 2, 1, 1]


def test_slow_answers_make_the_cuts_rarer(gauge, redis_client):
    gauge.see(*[observed(post_s=5)] * 20)
    assert gauge.see(STRAIN) == 32
    redis_client.hincrby(KEYS.strain, "cut", -2_000)
    assert gauge.see(STRAIN) == 32
    redis_client.hincrby(KEYS.strain, "cut", -4_000)
    assert gauge.see(STRAIN) == 16


def test_a_full_window_that_went_well_gives_one_more(gauge):
    gauge.see(STRAIN)
    assert [gauge.see(*[observed()] * count) for count in (31, 2, 34, 36)] == [32, 33, 34, 35]


def test_calls_that_say_nothing_of_strain_change_nothing(gauge):
    gauge.see(STRAIN)
    for outcome in (Unknown("http_503"), Deferred("125"), Deferred("104", account=True)):
        assert gauge.see(*[observed(outcome)] * 200) == 32
    assert gauge.see(*[observed(NOT_TRIED, posts=0)] * 200) == 32


def test_without_a_setting_it_goes_at_twice_what_was_in_flight(gauge, redis_client):
    gauge.see(STRAIN)
    gauge.cut()
    assert gauge.see(*[observed()] * 8_000) == 127
    assert gauge.see(*[observed()] * 200) is None


def test_it_is_never_above_the_setting_and_goes_when_it_reaches_it(redis_client):
    in_flight(redis_client, 10)
    gauge = Gauge(redis_client, setting=10)
    assert gauge.see(STRAIN) == 5
    assert gauge.see(*[observed()] * 37) == 9
    assert gauge.see(*[observed()] * 20) is None


def test_a_setting_changed_live_counts_at_once(gauge, redis_client):
    throttle = Throttle(redis_client, KEYS)
    gauge.see(STRAIN)
    throttle.set_limits("tester", in_flight=20)
    assert gauge.cut() == 10
    throttle.set_limits("tester", in_flight=8)
    assert gauge.see(observed()) is None
    throttle.set_limits("tester", in_flight=1)
    assert gauge.cut() is None


def test_two_workers_share_one_limit(gauge, redis_client):
    other = Gauge(redis_client)
    assert gauge.see(STRAIN) == other.see(STRAIN) == 32
    assert other.see(*[observed()] * 34) == gauge.see(observed()) == 33


def test_answers_that_take_far_longer_are_strain(gauge):
    assert gauge.see(*[observed(post_s=0.1)] * 30) is None
    assert gauge.see(*[observed(post_s=0.28)] * 100) is None
    assert gauge.see(*[observed(post_s=0.5)] * 30) == 32


def test_no_answer_in_time_is_as_slow_as_can_be(gauge):
    gauge.see(*[observed(post_s=0.1)] * 30)
    assert gauge.see(*[observed(Unknown("server_timeout_error"), post_s=8)] * 10) == 32


@pytest.mark.parametrize("others", [0, 3, 10])
def test_a_lost_answer_now_and_then_is_no_strain(gauge, others):
    gauge.see(*[observed(post_s=0.1)] * 30)
    lost = observed(Unknown("timeout_error"), post_s=12)
    for _ in range(20):
        assert gauge.see(lost, *[observed(post_s=0.1)] * others) is None
        gauge.see(*[observed(post_s=0.1)] * 10)


def test_few_slow_answers_are_none(gauge):
    gauge.see(*[observed(post_s=0.1)] * 5)
    assert gauge.see(*[observed(post_s=2)] * 10) is None


def test_quick_answers_may_vary_within_200_ms(gauge):
    gauge.see(*[observed(post_s=0.002)] * 30)
    assert gauge.see(*[observed(post_s=0.15)] * 100) is None


def test_shared_calls_are_compared_with_their_like(gauge):
    gauge.see(*[observed(post_s=0.05)] * 30)
    assert gauge.see(*[observed(post_s=2, size=500)] * 30) is None
    assert gauge.see(*[observed(post_s=8, size=450)] * 30) == 32


def test_after_a_cut_slowness_must_be_seen_anew(gauge):
    gauge.see(*[observed(post_s=0.1)] * 30)
    gauge.see(*[observed(post_s=1)] * 30)
    gauge.forget_cut()
    assert gauge.see(*[observed(post_s=1)] * 19) == 32
    gauge.forget_cut()
    assert gauge.see(observed(post_s=1)) == 16


def test_a_baseline_rises_slowly_and_falls_at_once(gauge, redis_client):
    def base() -> float:
        return float(redis_client.hget(KEYS.strain, "base:1"))

    gauge.see(observed(post_s=0.1))
    redis_client.hincrby(KEYS.strain, "at:1", -600_000)
    gauge.see(observed(post_s=0.9))
    assert 250 <= base() <= 251
    gauge.see(observed(post_s=0.05))
    assert base() == 50


def test_all_is_forgotten_after_minutes_without_calls(gauge, redis_client):
    gauge.see(STRAIN)
    assert 590_000 < redis_client.pttl(KEYS.strain) <= 600_000


def test_what_went_well_is_told_a_few_times_a_second_and_strain_at_once(gauge, redis_client):
    gauge.see(STRAIN)
    before = redis_client.hget(KEYS.strain, "limit")
    gauge.strain.observe([observed()] * 100)
    assert redis_client.hget(KEYS.strain, "limit") == before
    gauge.clock.now += 0.25
    gauge.strain.observe([])
    assert float(redis_client.hget(KEYS.strain, "limit")) > 34
    gauge.forget_cut()
    gauge.strain.observe([STRAIN])
    assert float(redis_client.hget(KEYS.strain, "limit")) == 17


def test_redis_being_away_is_no_harm():
    with redis.Redis(port=1) as nobody:
        Strain(nobody, KEYS, 0).observe([STRAIN])


def test_operators_see_the_limit_in_force(gauge, redis_url):
    def run(*arguments: str) -> str:
        return CliRunner().invoke(main, list(arguments), env={"REDIS_URL": redis_url}).output

    assert "strain" not in run("status") + run("limits")
    gauge.see(STRAIN)
    assert "32 in flight now: the gateway shows strain" in run("status")
    assert "20 in flight now: the gateway shows strain" in run("limits", "--in-flight", "20")


made = st.builds(
    observed,
    outcome=st.sampled_from([Accepted("t"), Unknown("server_timeout_error"), Deferred("153")]),
    posts=st.integers(0, 2),
    post_s=st.floats(0, 30),
    strained=st.booleans(),
    size=st.integers(1, 500),
)
steps = st.tuples(
    st.lists(made, max_size=30), st.integers(0, 100), st.integers(0, 50), st.sampled_from([0, 500, 5_000])
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=12))
def test_whatever_is_observed_the_limit_stays_between_one_and_the_setting(redis_client, sequence):
    redis_client.flushall()
    throttle, gauge = Throttle(redis_client, KEYS), Gauge(redis_client)
    for seen, leased, setting, passed_ms in sequence:
        in_flight(redis_client, leased)
        throttle.set_limits("tester", in_flight=setting)
        if redis_client.hexists(KEYS.strain, "cut"):
            redis_client.hincrby(KEYS.strain, "cut", -passed_ms)
        limit = gauge.see(*seen)
        assert limit is None or 1 <= limit <= (setting or limit)
        assert redis_client.pttl(KEYS.strain) != -1
