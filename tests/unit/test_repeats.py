"""The POSTs of one attempt: how often, how far apart, and never more."""

import asyncio

import pytest

from tests.support.attempts import Scripted
from worker.gateway.demands import PAUSE_MS, pause_ms
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.sending.repeats import ATTEMPT_BUDGET_S, TRIES, WAIT_FIRST_S
from worker.settings import WorkerSettings

SETTINGS = WorkerSettings.from_env({"OCTOPUSH_API_LOGIN": "a", "OCTOPUSH_API_KEY": "b"})
NO_ANSWER = Unknown("read_timeout")


def attempt(*outcomes, post_max_s: float = 1.0):
    """Run an attempt against scripted outcomes; return the last one, how many were used, and the sleeps."""
    made = Scripted(*outcomes, post_max_s=post_max_s)
    made.make_posts()
    return made.attempt.outcome, made.attempt.posts, made.sleeps


@pytest.mark.parametrize(
    "outcome", [Accepted("t"), Refused("121"), Duplicate("120"), Deferred("104", account=True)]
)
def test_definite_outcomes_are_not_repeated(outcome):
    assert attempt(outcome, NO_ANSWER) == (outcome, 1, [])


@pytest.mark.parametrize("outcome", [Deferred("connect_error"), NO_ANSWER])
def test_outcomes_in_doubt_are_repeated_within_the_bound(outcome):
    last, used, sleeps = attempt(*[outcome] * 10)
    assert (last, used, len(sleeps)) == (outcome, TRIES, TRIES - 1)
    assert 0 <= sleeps[0] <= WAIT_FIRST_S
    assert 0 <= sleeps[1] <= 2 * WAIT_FIRST_S


def test_a_repeat_that_is_answered_for_good_is_the_last():
    assert attempt(NO_ANSWER, Accepted("t"), NO_ANSWER)[:2] == (Accepted("t"), 2)
    assert attempt(NO_ANSWER, NO_ANSWER, Refused("121"))[:2] == (Refused("121"), 3)


def test_a_repeat_that_is_cut_short_is_not_repeated_and_ends_the_attempt():
    made = Scripted(NO_ANSWER, ZeroDivisionError(), Accepted("t"))
    with pytest.raises(ZeroDivisionError):
        made.make_posts()
    assert (made.attempt.outcome, made.attempt.posts) == (Unknown("cut_short"), 2)


def test_a_repeat_that_is_cancelled_is_not_repeated_and_ends_the_attempt():
    made = Scripted(NO_ANSWER, asyncio.CancelledError(), Accepted("t"))
    with pytest.raises(asyncio.CancelledError):
        made.make_posts()
    assert (made.attempt.outcome, made.attempt.posts) == (Unknown("cut_short"), 2)


@pytest.mark.parametrize(
    ("outcome", "ms"),
    [
        (Deferred("http_429", retry_after_s=3.0), 3_000),
        (Unknown("http_503", retry_after_s=0.0), 1),
        (Deferred("153", retry_after_s=1e9), 3_600_000),
        (Deferred("http_429"), PAUSE_MS),
        (Deferred("153"), 0),
        (NO_ANSWER, 0),
        (Refused("121"), 0),
    ],
)
def test_what_concerns_all_messages_pauses_them_all_and_ends_the_attempt(outcome, ms):
    assert pause_ms(outcome) == ms
    assert (attempt(outcome, outcome, outcome)[1] == 1) is (ms > 0 or isinstance(outcome, Refused))


def test_no_try_starts_that_could_outlive_the_attempt():
    assert attempt(NO_ANSWER, NO_ANSWER, post_max_s=ATTEMPT_BUDGET_S)[1] == 1


def test_time_spent_on_posts_counts():
    made = Scripted(NO_ANSWER, NO_ANSWER, NO_ANSWER, post_max_s=8, took_s=8)
    made.make_posts()
    assert made.attempt.posts == 2


def test_the_time_budget_fits_the_platform():
    assert SETTINGS.post_max_s < ATTEMPT_BUDGET_S < 23 < 30
    longest = WorkerSettings.from_env(
        {
            "OCTOPUSH_API_LOGIN": "a",
            "OCTOPUSH_API_KEY": "b",
            "OCTOPUSH_CONNECT_TIMEOUT_S": "5",
            "OCTOPUSH_READ_TIMEOUT_S": "12",
        }
    )
    assert longest.post_max_s <= ATTEMPT_BUDGET_S
