"""The set of numbers is exact, whatever is put in."""

from hypothesis import given
from hypothesis import strategies as st

from producers.queueing.number_set import NumberSet

NUMBERS = st.integers(10**6, 10**15).map(lambda digits: f"+{digits}")


@given(st.lists(NUMBERS, max_size=3000), st.lists(NUMBERS, max_size=100))
def test_it_knows_what_was_added_and_nothing_else(added, asked):
    numbers = NumberSet()
    for number in added:
        numbers.add(number)

    assert all(number in numbers for number in added)
    assert [number in numbers for number in asked] == [number in set(added) for number in asked]
    assert len(numbers) == len(set(added))


def test_neighbours_in_a_million_do_not_crowd_and_take_few_bytes():
    numbers = NumberSet()
    for digits in range(33612000000, 33612100000):
        numbers.add(f"+{digits}")

    assert len(numbers) == 100_000
    assert "+33612099999" in numbers
    assert "+33612100000" not in numbers
    assert len(numbers._slots) * numbers._slots.itemsize <= 100_000 * 8 * 4
