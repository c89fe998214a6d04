"""When the next run of a message begins: how late, and how often at most."""

import random

from hypothesis import given
from hypothesis import strategies as st

from worker.gateway.demands import wants_no_more
from worker.gateway.outcomes import Deferred, Unknown
from worker.ledger.ledger import WINDOW_S
from worker.sending import next_run
from worker.sending.repeats import RUN_BUDGET_S, TRIES

NO_ANSWER = Unknown("read_timeout")


def test_the_worst_case_of_posts_is_pinned():
    assert next_run.worst_case_posts() == 201


def test_a_gateway_that_asks_for_pauses_for_ever_stays_within_the_worst_case():
    pausing = Deferred("http_429", retry_after_s=0.0)
    runs, at_s = 0, 0.0
    while at_s <= WINDOW_S:
        runs += 1
        at_s += next_run.next_run_ms(runs, pausing, _Shortest()) / 1000
    assert runs * TRIES <= next_run.worst_case_posts()


def test_the_first_pauses_are_as_long_as_the_gateway_asks():
    pausing = Deferred("http_429", retry_after_s=3.0)
    delays = [next_run.next_run_ms(run, pausing, _Middle()) for run in (1, next_run.PAUSED_RUNS)]
    assert delays == [3_000, 3_000]
    assert next_run.next_run_ms(next_run.PAUSED_RUNS + 2, pausing, _Middle()) == 20_000
    assert next_run.next_run_ms(2, NO_ANSWER, _Middle()) == 20_000


def test_the_window_leaves_a_margin_of_hours_to_the_gateways_memory():
    last_start_s = WINDOW_S + next_run.LATER_MAX_S * (1 + next_run.JITTER)
    assert WINDOW_S == 20 * 3600
    assert last_start_s + RUN_BUDGET_S < 24 * 3600


@given(st.integers(1, 10_000), st.integers())
def test_delays_stay_in_bounds(runs, seed):
    delay_s = next_run.later_ms(runs, random.Random(seed)) / 1000
    assert delay_s >= next_run.LATER_FIRST_S * (1 - next_run.JITTER) - 0.001
    assert delay_s <= next_run.LATER_MAX_S * (1 + next_run.JITTER)


def test_delays_double_up_to_the_ceiling():
    nominal = [next_run.later_ms(run, _Middle()) / 1000 for run in range(1, 11)]
    assert nominal == [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]


class _Shortest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return a


class _Middle(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def test_too_many_attempts_means_few_runs_far_apart():
    asked_too_often = Deferred("128", "m", proven=False)
    assert wants_no_more(asked_too_often)
    assert not wants_no_more(Deferred("128", account=True))
    assert not wants_no_more(Unknown("128"))
    assert min(next_run.next_run_ms(runs, asked_too_often) for runs in (1, 2, 9)) >= 600_000
