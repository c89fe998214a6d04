"""When a failed delivery is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.forwarding.schedule import A_DAY, Schedule

chances = st.floats(0, 1)


@given(chances)
def test_a_wait_is_at_most_a_tenth_off(chance):
    for wait, ms in zip(A_DAY.waits_s, A_DAY.waits_ms(lambda: chance), strict=True):
        assert 900 * wait - 1 <= ms <= 1100 * wait + 1


@given(st.integers(1, 7), chances, st.none() | st.floats(0, 3_600))
def test_what_a_receiver_asks_for_never_shortens_a_wait(attempts, chance, asked_s):
    own = A_DAY.waits_ms(lambda: chance)[attempts]

    assert A_DAY.next_ms(attempts, asked_s, lambda: chance) == max(own, round(1000 * (asked_s or 0)))


@pytest.mark.parametrize("attempts", [8, 9, 100])
def test_after_the_last_attempt_there_is_none(attempts):
    assert A_DAY.next_ms(attempts, 60) is None


def test_eight_attempts_take_about_a_day():
    assert len(A_DAY.waits_s) == 8
    assert 0.95 * 86_400 < sum(A_DAY.waits_s) < 1.1 * 86_400


def test_events_that_failed_together_come_back_apart():
    assert len({Schedule((0, 1000)).next_ms(1) for _ in range(100)}) > 50
