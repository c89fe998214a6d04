"""A number and its word agree."""

import pytest

from worker.presentation.counts import counted


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (1200, "1,200 entries")]
)
def test_a_word_is_as_many_as_its_number(number, shown):
    assert counted(number, "entry", "entries") == shown


def test_a_plain_word_needs_no_plural():
    assert [counted(number, "segment") for number in (1, 2)] == ["1 segment", "2 segments"]
