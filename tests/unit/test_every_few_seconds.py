"""Whatever goes wrong, the next time comes; and it is told once each time, but for an outage."""

import threading

import pytest
import redis
from structlog.testing import capture_logs

from worker.process.every_few_seconds import EveryFewSeconds


def failing(error: Exception, failed=lambda: None) -> EveryFewSeconds:
    def act():
        raise error

    return EveryFewSeconds(act, 60, name="test", event="test.failed", failed=failed)


def test_it_acts_again_after_any_failure_and_stops_at_once():
    acted, turns = threading.Event(), []

    def act():
        turns.append(len(turns))
        if len(turns) == 3:
            acted.set()
        raise ValueError

    rounds = EveryFewSeconds(act, 0.001, name="test", event="test.failed")
    with capture_logs() as told:
        rounds.start()
        assert acted.wait(5)
        rounds.stop()
    assert len(told) == len(turns) >= 3
    assert not rounds._thread.is_alive()


@pytest.mark.parametrize(
    ("error", "level"), [(redis.ResponseError("WRONGTYPE"), "warning"), (KeyError("x"), "error")]
)
def test_a_failure_is_one_line_and_what_follows_it_comes_after(error, level):
    follows = []
    with capture_logs() as told:
        failing(error, lambda: follows.append(len(told))).once()
    assert told == [{"event": "test.failed", "reason": type(error).__name__, "log_level": level}]
    assert follows == [1]


def test_an_outage_of_redis_is_told_by_the_connection():
    follows = []
    with capture_logs() as told:
        failing(redis.ConnectionError("away"), lambda: follows.append(1)).once()
    assert (told, follows) == ([], [])


def test_a_stop_before_a_start_waits_for_nothing():
    failing(ValueError()).stop()
