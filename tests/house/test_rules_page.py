"""docs/rules.md says of hours, holidays, zones, gates and its ten cases what the code says."""

import re
from datetime import UTC, datetime

import pytest

from producers.contract.admission import ADMISSION
from producers.rules.clocks import clock
from producers.rules.held import Held, words
from producers.rules.holidays import HOLIDAYS, Holiday
from producers.rules.hours import Hours
from producers.rules.profiles import PROFILES, Profile, written
from producers.rules.settings import RulesSettings
from producers.rules.zones import FRENCH, clocks_of, zone_of
from tests.house.repository import rows, text

PAGE = "docs/rules.md"
#: How a case writes its time.
WRITTEN = "%a %d %b %Y %H:%M"


def hours(profile: Profile) -> list[str]:
    days = ["yes" if each else "no" for each in (profile.sundays, profile.holidays)]
    return [f"{written(profile.opens)} to {written(profile.closes)}", *days]


def holiday(row: Holiday) -> list[str]:
    name = (
        row.name
        + (f", until {row.last}" if row.last < 9999 else "")
        + (f", from {row.first}" if row.first > 1 else "")
    )
    day = f"Easter {'+' if row.when > 0 else '-'} {abs(row.when)}" if isinstance(row.when, int) else row.when
    return [*row.zones, name, day, *row.source]


def test_the_hours_are_those_of_the_code():
    elsewhere = RulesSettings().elsewhere
    assert elsewhere
    declared = {f"`{name}`": profile for name, profile in PROFILES.items()} | {"other countries": elsewhere}
    told = {cells[0]: cells[1:] for cells in rows(PAGE, "Hours")}

    assert set(told) == set(declared)
    for name, profile in declared.items():
        assert told[name][:3] == hours(profile)
        assert tuple(told[name][4:]) == profile.source


def test_the_holidays_are_those_of_the_code():
    assert list(rows(PAGE, "Holidays")) == [holiday(row) for row in HOLIDAYS if row.zones]
    national = [row.name for row in HOLIDAYS if not row.zones]
    line = " ".join(text(PAGE).split("Code du travail L3133-1: ")[1].split("Besides:")[0].split())
    assert [name.split(" (")[0].rstrip(".") for name in line.split(", ")] == national


def test_the_zones_are_those_of_the_code():
    assert list(rows(PAGE, "Zones")) == [
        [
            f"`{name}`",
            zone.place,
            zone.timezone,
            " ".join(f"`{each}`" for each in zone.prefixes) or "if given",
        ]
        for name, zone in FRENCH.items()
    ]


@pytest.mark.parametrize(("to", "zone", "at", "told", "why"), list(rows(PAGE, "Ten cases")))
def test_each_case_comes_to_what_the_code_makes_of_it(to, zone, at, told, why):
    hours, (name, *given) = Hours(RulesSettings()), zone.split(", ")
    place = name.strip("`")
    now = datetime.strptime(at, WRITTEN).replace(tzinfo=clock(*clocks_of(place)))
    opens = datetime.fromtimestamp(hours.windows(place, now)[0][0] / 1000, UTC)

    assert at == f"{now:{WRITTEN}}"
    assert given == ["given"] or place == zone_of(to.strip("`"))
    assert told == ("leaves" if opens <= now else words(hours, Held("hours", opens, (place,)), now))
    assert why


def test_there_are_ten_cases():
    assert len(list(rows(PAGE, "Ten cases"))) == 10


def test_the_gates_stand_in_the_order_in_which_they_are_asked():
    when = [cells[1] for cells in rows(PAGE, "What happens to a message")]
    gates = [gate for cell in when for gate in re.findall(r"gate `(\w+)`", cell)]

    assert gates == [gate for gate in ADMISSION if gate in gates]
    assert {"suppressed", "hours", "budget"} <= set(gates)
