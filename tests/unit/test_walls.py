"""What a process has just run into stops what it claimed before, and nothing else."""

import pytest

from worker.account.gates import SUSPECTS, Observed
from worker.gateway.outcomes import Accepted, Deferred, Outcome, Refused, Unexplained
from worker.sending.walls import WALL_S, Walls

NO_CREDIT = Deferred("104", account=True)
#: When the message that met the wall was answered.
AT = 100.0


def answer(
    outcome: Outcome | None = None, *, queue="marketing", sender="Bistro", type_="sms_premium"
) -> Observed:
    return Observed("m", queue, sender, type_, "+33612345678", outcome or Accepted("t"))


@pytest.fixture
def walls() -> Walls:
    return Walls()


@pytest.mark.parametrize(
    "outcome", [Deferred("101", account=True), Deferred("http_429"), Deferred("206", retry_after_s=3)]
)
def test_trouble_of_all_stops_all_for_a_moment(walls, outcome):
    walls.meet(answer(outcome), 1, AT)
    assert walls.stops(answer(queue="alert"), 1, AT + 0.1, AT + 0.1)
    assert not walls.stops(answer(queue="alert"), 1, AT + 0.1, AT + WALL_S)


@pytest.mark.parametrize("outcome", [Accepted("t"), Refused("121"), Deferred("connect_error")])
def test_trouble_of_one_stops_nobody(walls, outcome):
    walls.meet(answer(outcome), 500, AT)
    assert not walls.stops(answer(), 500, AT - 1, AT)


def test_what_costs_as_much_and_was_claimed_before_asks_the_gates_first(walls):
    walls.meet(answer(NO_CREDIT), 100, AT)
    assert walls.stops(answer(), 100, AT - 1, AT)
    assert not walls.stops(answer(), 99, AT - 1, AT)
    assert not walls.stops(answer(), 100, AT, AT)
    assert not walls.stops(answer(type_="sms_low_cost"), 100, AT - 1, AT)


def test_the_third_in_words_that_nobody_knows_stops_its_like(walls):
    for _ in range(SUSPECTS - 1):
        walls.meet(answer(Unexplained("777")), 1, AT)
    walls.meet(answer(Unexplained("778")), 1, AT)
    assert not walls.stops(answer(), 1, AT - 1, AT)
    walls.meet(answer(Unexplained("777")), 1, AT)
    assert walls.stops(answer(), 1, AT - 1, AT)
    assert not walls.stops(answer(), 1, AT, AT)
    assert not walls.stops(answer(queue="alert"), 1, AT - 1, AT)
    assert not walls.stops(answer(sender="Cafe"), 1, AT - 1, AT)
