"""The arithmetic of retries: how often, how long, and never more."""

import asyncio
import random

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from worker.gateway import retrying
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unknown
from worker.settings import WorkerSettings

SETTINGS = WorkerSettings.from_env({"OCTOPUSH_API_LOGIN": "a", "OCTOPUSH_API_KEY": "b"})
NO_ANSWER = Unknown("read_timeout")


def run(*outcomes, post_max_s: float = 1.0):
    """Submit against scripted outcomes; return the last one, how many were used, and the sleeps."""
    script, sleeps = list(outcomes), []

    async def submit() -> Outcome:
        return script.pop(0)

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)

    last = asyncio.run(retrying.submit_with_tries(submit, post_max_s, sleep=sleep))
    return last, len(outcomes) - len(script), sleeps


@pytest.mark.parametrize(
    "outcome", [Accepted("t"), Refused("121"), Duplicate("120"), Deferred("104", account=True)]
)
def test_definite_outcomes_are_not_repeated(outcome):
    assert run(outcome, NO_ANSWER) == (outcome, 1, [])


@pytest.mark.parametrize("outcome", [Deferred("connect_error"), NO_ANSWER])
def test_open_outcomes_are_repeated_within_the_bound(outcome):
    last, used, sleeps = run(*[outcome] * 10)
    assert (last, used, len(sleeps)) == (outcome, retrying.TRIES, retrying.TRIES - 1)
    assert all(0 <= s <= retrying.WAIT_MAX_S for s in sleeps)


@pytest.mark.parametrize(
    ("outcome", "ms"),
    [
        (Deferred("http_429", retry_after_s=3.0), 3_000),
        (Unknown("http_503", retry_after_s=0.0), 1),
        (Deferred("153", retry_after_s=1e9), 3_600_000),
        (Deferred("http_429"), retrying.PAUSE_MS),
        (Deferred("153"), 0),
        (NO_ANSWER, 0),
        (Refused("121"), 0),
    ],
)
def test_what_concerns_all_messages_pauses_them_all_and_ends_the_run(outcome, ms):
    assert retrying.pause_ms(outcome) == ms
    assert (run(outcome, outcome, outcome)[1] == 1) is (ms > 0 or isinstance(outcome, Refused))


def test_no_try_starts_that_could_outlive_the_run():
    assert run(NO_ANSWER, NO_ANSWER, post_max_s=retrying.RUN_BUDGET_S)[1] == 1


def test_the_time_budget_fits_the_platform():
    assert SETTINGS.post_max_s < retrying.RUN_BUDGET_S < 23 < 30
    longest = WorkerSettings.from_env(
        {
            "OCTOPUSH_API_LOGIN": "a",
            "OCTOPUSH_API_KEY": "b",
            "OCTOPUSH_CONNECT_TIMEOUT_S": "5",
            "OCTOPUSH_READ_TIMEOUT_S": "12",
        }
    )
    assert longest.post_max_s <= retrying.RUN_BUDGET_S


def test_the_worst_case_of_posts_is_pinned():
    assert retrying.worst_case_posts() == 201


def test_a_gateway_that_asks_for_pauses_for_ever_stays_within_the_worst_case():
    pausing = Deferred("http_429", retry_after_s=0.0)
    runs, at_s = 0, 0.0
    while at_s <= retrying.WINDOW_S:
        runs += 1
        at_s += retrying.next_run_ms(runs, pausing, _Shortest()) / 1000
    assert runs * retrying.TRIES <= retrying.worst_case_posts()


def test_the_first_pauses_are_as_long_as_the_gateway_asks():
    pausing = Deferred("http_429", retry_after_s=3.0)
    delays = [retrying.next_run_ms(run, pausing, _Middle()) for run in (1, retrying.PAUSED_RUNS)]
    assert delays == [3_000, 3_000]
    assert retrying.next_run_ms(retrying.PAUSED_RUNS + 2, pausing, _Middle()) == 20_000
    assert retrying.next_run_ms(2, NO_ANSWER, _Middle()) == 20_000


def test_the_window_leaves_a_margin_of_hours_to_the_gateways_memory():
    last_start_s = retrying.WINDOW_S + retrying.LATER_MAX_S * (1 + retrying.JITTER)
    assert retrying.WINDOW_S == 20 * 3600
    assert last_start_s + retrying.RUN_BUDGET_S < 24 * 3600


@given(st.integers(1, 10_000), st.integers())
def test_delays_stay_in_bounds(runs, seed):
    delay_s = retrying.later_ms(runs, random.Random(seed)) / 1000
    assert delay_s >= retrying.LATER_FIRST_S * (1 - retrying.JITTER) - 0.001
    assert delay_s <= retrying.LATER_MAX_S * (1 + retrying.JITTER)


def test_delays_double_up_to_the_ceiling():
    nominal = [retrying.later_ms(run, _Middle()) / 1000 for run in range(1, 11)]
    assert nominal == [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]


class _Shortest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return a


class _Middle(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def test_recording_outlasts_a_blip_of_redis():
    answers = [redis.ConnectionError(), redis.TimeoutError(), "accepted"]

    def transition():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retrying.Patience().record(transition, sleep=lambda _: None) == "accepted"


def test_recording_gives_up_in_the_end(monkeypatch):
    monkeypatch.setattr(retrying, "RECORD_S", 0.0)

    def away():
        raise redis.ConnectionError

    with pytest.raises(redis.ConnectionError):
        retrying.Patience().record(away, sleep=lambda _: None)


def test_a_process_that_stops_gives_up_on_a_redis_that_is_away_and_then_at_once():
    now, tries = [0.0], []
    patience = retrying.Patience(lambda: now[0])

    def away():
        tries.append(now[0])
        now[0] += 2
        raise redis.TimeoutError

    patience.end_within(5)
    with pytest.raises(redis.TimeoutError):
        patience.record(away, sleep=lambda _: None)
    assert tries == [0, 2, 4]
    with pytest.raises(redis.ConnectionError):
        patience.record(away, sleep=lambda _: None)
    assert len(tries) == 3


def test_a_process_that_stops_records_everything_as_long_as_redis_answers():
    now = [0.0]
    patience = retrying.Patience(lambda: now[0])
    patience.end_within(5)
    now[0] = 60
    assert patience.record(lambda: "accepted") == "accepted"


def test_too_many_attempts_means_few_runs_far_apart():
    asked_too_often = Deferred("128", "m", proven=False)
    assert retrying.wants_no_more(asked_too_often)
    assert not retrying.wants_no_more(Deferred("128", account=True))
    assert not retrying.wants_no_more(Unknown("128"))
    assert min(retrying.next_run_ms(runs, asked_too_often) for runs in (1, 2, 9)) >= 600_000
