"""What a process has just run into stops what it claimed before, and nothing else."""

import pytest

from tests.support.attempts import ended
from worker.account.gates import SUSPECTS
from worker.gateway.outcomes import Accepted, Deferred, Outcome, Refused, Unexplained
from worker.sending.attempt import Attempt
from worker.sending.walls import WALL_S, Walls

NO_CREDIT = Deferred("104", account=True)
#: When the message that met the wall was answered.
AT = 100.0


def answered(outcome: Outcome, size: int = 1) -> Attempt:
    """Make an attempt that came to an outcome."""
    return ended(outcome, size=size, queue="marketing", sender="Bistro", type="sms_premium")


def claimed(at: float, size: int = 1, **odd: str) -> Attempt:
    """Make an attempt without a POST that is like the others but for when it was claimed and some facts."""
    kind = {"queue": "marketing", "sender": "Bistro", "type": "sms_premium"} | odd
    return ended(started=at, size=size, **kind)


@pytest.fixture
def walls() -> Walls:
    return Walls()


@pytest.mark.parametrize(
    "outcome", [Deferred("101", account=True), Deferred("http_429"), Deferred("206", retry_after_s=3)]
)
def test_trouble_of_all_stops_all_for_a_moment(walls, outcome):
    walls.meet(answered(outcome), AT)
    assert walls.stop(claimed(AT + 0.1, queue="alert"), AT + 0.1)
    assert not walls.stop(claimed(AT + 0.1, queue="alert"), AT + WALL_S)


@pytest.mark.parametrize("outcome", [Accepted("t"), Refused("121"), Deferred("connect_error")])
def test_trouble_of_one_stops_nobody(walls, outcome):
    walls.meet(answered(outcome, 500), AT)
    assert not walls.stop(claimed(AT - 1, 500), AT)


def test_what_costs_as_much_and_was_claimed_before_asks_the_gates_first(walls):
    walls.meet(answered(NO_CREDIT, 100), AT)
    assert walls.stop(claimed(AT - 1, 100), AT)
    assert not walls.stop(claimed(AT - 1, 99), AT)
    assert not walls.stop(claimed(AT, 100), AT)
    assert not walls.stop(claimed(AT - 1, 100, type="sms_low_cost"), AT)


def test_the_third_in_words_that_nobody_knows_stops_its_like(walls):
    for _ in range(SUSPECTS - 1):
        walls.meet(answered(Unexplained("777")), AT)
    walls.meet(answered(Unexplained("778")), AT)
    assert not walls.stop(claimed(AT - 1), AT)
    walls.meet(answered(Unexplained("777")), AT)
    assert walls.stop(claimed(AT - 1), AT)
    assert not walls.stop(claimed(AT), AT)
    assert not walls.stop(claimed(AT - 1, queue="alert"), AT)
    assert not walls.stop(claimed(AT - 1, sender="Cafe"), AT)
