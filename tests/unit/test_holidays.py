"""The holidays of the French zones, beside tables that others have made."""

from datetime import date, timedelta

import pytest

from producers.rules.holidays import HOLIDAYS, easter_sunday, holidays
from producers.rules.zones import FRENCH
from tests.support.vectors import vectors

#: What the package ``holidays`` 0.109 lists for 2025 to 2035, without the customs that docs/rules.md names:
#: of each zone what it has beside the mainland.
TABLE = {zone: {date.fromisoformat(day) for day in days} for zone, days in vectors("holidays").items()}
YEARS = range(2025, 2036)


def known(zone: str) -> set[date]:
    return {day for year in YEARS for day in holidays(zone, year)}


@pytest.mark.parametrize("zone", sorted(set(FRENCH) - {"GP+"}))
def test_a_zone_has_the_holidays_of_the_table_and_no_other(zone):
    assert known(zone) == TABLE["FR"] | TABLE[zone]


def test_guadeloupe_without_an_island_has_those_of_all_three():
    assert known("GP+") == known("GP") | known("MF") | known("BL")


def test_another_country_has_none():
    assert not holidays("BE", 2027)


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [
        *((1818, 3, 22), (1943, 4, 25), (1954, 4, 18), (1981, 4, 19), (2000, 4, 23), (2008, 3, 23)),
        *((2026, 4, 5), (2027, 3, 28), (2028, 4, 16), (2038, 4, 25), (2049, 4, 18), (2076, 4, 19)),
    ],
)
def test_easter_is_on_its_day(year, month, day):
    assert easter_sunday(year) == date(year, month, day)


def test_easter_agrees_with_another_way_to_find_it():
    for year in range(1583, 4100):
        assert easter_sunday(year) == _by_tables(year), year


def _by_tables(year: int) -> date:
    """Find Easter as the church's tables do: golden number, epact, paschal full moon, the Sunday after it."""
    golden, century = year % 19 + 1, year // 100 + 1
    epact = (11 * golden + 20 + (8 * century + 5) // 25 - 5 - (3 * century // 4 - 12)) % 30
    if epact == 24 or (epact == 25 and golden > 11):
        epact += 1
    moon = 44 - epact
    full = date(year, 3, 1) + timedelta(days=(moon + 30 if moon < 21 else moon) - 1)
    return full + timedelta(days=7 - full.isoweekday() % 7)


def test_a_change_of_the_law_is_one_row_more_and_one_year():
    # The law of 6 May 2025 put 20 November in the place of 29 June.
    assert holidays("PF", 2024)[date(2024, 6, 29)].name == "Autonomy Day"
    assert date(2024, 11, 20) not in holidays("PF", 2024)
    assert date(2025, 6, 29) not in holidays("PF", 2025)
    assert holidays("PF", 2025)[date(2025, 11, 20)].name == "Matari'i"


def test_where_two_fall_on_one_day_the_first_row_stands():
    assert holidays("FR", 2008)[date(2008, 5, 1)].name == "Labour Day"  # Ascension Day, too


def test_every_row_names_its_zones_and_its_source():
    assert {zone for each in HOLIDAYS for zone in each.zones} <= set(FRENCH)
    assert all(
        each.source.name and each.source.dated and each.source.certainty in "ABCD" for each in HOLIDAYS
    )
