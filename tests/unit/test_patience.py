"""How long the ledger waits for a Redis that is away."""

import pytest
import redis

from worker.ledger import patience as module
from worker.ledger.patience import Patience


def test_recording_outlasts_a_blip_of_redis():
    answers = [redis.ConnectionError(), redis.TimeoutError(), "accepted"]

    def transition():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Patience().record(transition, sleep=lambda _: None) == "accepted"


def test_recording_gives_up_in_the_end(monkeypatch):
    monkeypatch.setattr(module, "RECORD_S", 0.0)

    def away():
        raise redis.ConnectionError

    with pytest.raises(redis.ConnectionError):
        Patience().record(away, sleep=lambda _: None)


def test_a_process_that_stops_gives_up_on_a_redis_that_is_away_and_then_at_once():
    now, tries = [0.0], []
    patience = Patience(lambda: now[0])

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
    patience = Patience(lambda: now[0])
    patience.end_within(5)
    now[0] = 60
    assert patience.record(lambda: "accepted") == "accepted"
