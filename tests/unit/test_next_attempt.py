"""When the next attempt of a message begins: how late, and how often at most."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.gateway.demands import wants_no_more
from worker.gateway.outcomes import Deferred, Unknown
from worker.ledger.ledger import WINDOW_S
from worker.sending import next_attempt
from worker.sending.repeats import ATTEMPT_BUDGET_S, TRIES

NO_ANSWER = Unknown("read_timeout")


@pytest.fixture
def without_jitter(monkeypatch) -> None:
    """Let each delay have its nominal value."""
    monkeypatch.setattr(random, "uniform", lambda shortest, longest: (shortest + longest) / 2)


def test_the_worst_case_of_posts_is_pinned():
    assert next_attempt.worst_case_posts() == 201


def test_a_gateway_that_asks_for_pauses_for_ever_stays_within_the_worst_case(monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda shortest, _: shortest)
    pausing = Deferred("http_429", retry_after_s=0.0)
    attempts, at_s = 0, 0.0
    while at_s <= WINDOW_S:
        attempts += 1
        at_s += next_attempt.next_attempt_ms(attempts, pausing) / 1000
    assert attempts * TRIES <= next_attempt.worst_case_posts()


@pytest.mark.usefixtures("without_jitter")
def test_the_first_pauses_are_as_long_as_the_gateway_asks():
    pausing = Deferred("http_429", retry_after_s=3.0)
    delays = [next_attempt.next_attempt_ms(attempt, pausing) for attempt in (1, next_attempt.PAUSED_ATTEMPTS)]
    assert delays == [3_000, 3_000]
    assert next_attempt.next_attempt_ms(next_attempt.PAUSED_ATTEMPTS + 2, pausing) == 20_000
    assert next_attempt.next_attempt_ms(2, NO_ANSWER) == 20_000


def test_the_window_leaves_a_margin_of_hours_to_the_gateways_memory():
    last_start_s = WINDOW_S + next_attempt.LATER_MAX_S * (1 + next_attempt.JITTER)
    assert WINDOW_S == 20 * 3600
    assert last_start_s + ATTEMPT_BUDGET_S < 24 * 3600


@given(st.integers(1, 10_000))
def test_delays_stay_in_bounds(attempts):
    delay_s = next_attempt.later_ms(attempts) / 1000
    assert delay_s >= next_attempt.LATER_FIRST_S * (1 - next_attempt.JITTER) - 0.001
    assert delay_s <= next_attempt.LATER_MAX_S * (1 + next_attempt.JITTER)


@pytest.mark.usefixtures("without_jitter")
def test_delays_double_up_to_the_ceiling():
    nominal = [next_attempt.later_ms(attempt) / 1000 for attempt in range(1, 11)]
    assert nominal == [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]


def test_a_gateway_that_was_asked_too_often_gets_few_attempts_far_apart():
    asked_too_often = Deferred("128", "m", proven=False)
    assert wants_no_more(asked_too_often)
    assert not wants_no_more(Deferred("128", account=True))
    assert not wants_no_more(Unknown("128"))
    assert min(next_attempt.next_attempt_ms(attempts, asked_too_often) for attempts in (1, 2, 9)) >= 600_000
