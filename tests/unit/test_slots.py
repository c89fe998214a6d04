"""Places at hand: alerts find one, and find the next one first."""

import threading

import pytest

from worker.main import slots
from worker.queue.slots import Slots


@pytest.fixture
def places() -> Slots:
    """Give five places of which marketing has taken all that it may."""
    made = Slots(5, {"marketing": 4})
    assert made.reserve("marketing") == 4
    return made


def test_a_queue_has_at_most_its_own_and_all_have_at_most_the_total(places):
    assert places.reserve("marketing") == 0
    assert places.reserve("alert") == 1
    places.give_back("marketing", 3)
    assert places.reserve("alert") == 3


def test_the_next_free_place_is_an_alerts_that_has_asked_in_vain(places):
    assert (places.reserve("alert"), places.reserve("alert")) == (1, 0)
    places.give_back("marketing", 2)
    assert places.reserve("marketing") == 0
    assert places.reserve("alert") == 2
    places.give_back("marketing", 1)
    assert places.reserve("marketing") == 1


def test_marketing_that_has_asked_in_vain_keeps_no_alert_away(places):
    assert places.reserve("marketing") == 0
    assert places.reserve("alert") == 1


def test_whoever_waits_is_woken_by_a_place(places):
    waiting = threading.Thread(target=places.wait, args=("marketing", 30))
    waiting.start()
    places.give_back("marketing", 1)
    waiting.join(20)
    assert not waiting.is_alive()


@pytest.mark.parametrize("calls", [2, 3, 5, 64, 1000])
def test_in_a_process_of_any_size_there_is_a_place_that_marketing_cannot_take(calls):
    made = slots(calls)
    assert made["marketing"].reserve("marketing") > 0
    assert made["alert"] is made["marketing"]
    assert made["alert"].reserve("alert") >= 1
