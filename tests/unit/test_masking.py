"""Numbers within an application's own values are hidden, and nothing else is."""

import pytest

from worker.presentation.masking import hide_number, hide_within

NUMBER, HIDDEN = "+33612345678", "+336******78"


@pytest.mark.parametrize("written", [NUMBER, "33612345678", "0033612345678", "06 12 34 56 78", "0612345678"])
def test_a_number_is_hidden_however_it_is_written(written):
    assert hide_number(f"call {written} back", NUMBER) == f"call {HIDDEN} back"


def test_a_number_is_hidden_in_names_and_values_at_any_depth():
    value = {NUMBER: [{"phone": "0612345678", "n": 33612345678, "done": True, "none": None}]}

    assert hide_within(value, NUMBER) == {
        HIDDEN: [{"phone": HIDDEN, "n": HIDDEN, "done": True, "none": None}]
    }


@pytest.mark.parametrize("other", ["order 12345678901", "booking 42", "+33612345679"])
@pytest.mark.parametrize("number", [NUMBER, "BistroClub", "12345"])
def test_other_digits_stay(other, number):
    assert hide_number(other, number) == other
