"""Every minute of 2026 to 2028, for every French zone and some others: no minute is open that must be closed.

What must be open is drawn here in another way than the rules decide it: from the local time of each minute,
and from tables of holidays that others have made. A leap day and both daylight-saving times lie between.
"""

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from producers.rules.zones import FRENCH
from tests.support.vectors import vectors

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = (datetime(2029, 1, 1, tzinfo=UTC) - START) // timedelta(minutes=1)
TABLE = {zone: {date.fromisoformat(day) for day in days} for zone, days in vectors("holidays").items()}
TABLE["GP+"] = TABLE["GP"] | TABLE["MF"] | TABLE["BL"]
EVERYWHERE = {
    "Europe/Paris": "FR FR-AM",
    "Etc/GMT+4": "GP+ GP MF BL MQ",
    "Etc/GMT+3": "GF",
    "Etc/GMT-4": "RE",
    "Etc/GMT-3": "YT",
    "America/Miquelon": "PM",
    "Etc/GMT-12": "WF",
    "Etc/GMT+10": "PF",
    "Etc/GMT-11": "NC",
    "Europe/London": "GB",
    "Europe/Zurich": "CH",
    "Europe/Madrid Atlantic/Canary": "ES",
    "Pacific/Auckland Pacific/Chatham": "NZ",
}
CLOCKS = {zone: clocks.split() for clocks, zones in EVERYWHERE.items() for zone in zones.split()}
#: Minutes between those at which the rules are asked one by one, beside all edges.
STEP = 4999
OPEN, SHUT = b"\1", b"\0"
BLOCKS = {True: OPEN * 15, False: SHUT * 15}


@cache
def local_hours(name: str) -> list[tuple[date, int]]:
    """Tell the local day and minute of the day at which each hour of UTC begins."""
    clock = ZoneInfo(name)
    locals_ = ((START + timedelta(hours=hour)).astimezone(clock) for hour in range(MINUTES // 60))
    return [(local.date(), local.hour * 60 + local.minute) for local in locals_]


@cache
def drawn(zone: str, profile: str) -> bytes:
    """Draw each minute in UTC: 1 if marketing may leave."""
    tolerated = zone in FRENCH and profile == "charter2026"
    opens, closes = (480, 1290) if tolerated else (480, 1200)
    holidays = TABLE["FR"] | TABLE[zone] if zone in FRENCH and not tolerated else set()

    def may_leave(day: date, minute: int) -> bool:
        return opens <= minute < closes and day not in holidays and (tolerated or day.isoweekday() < 7)

    # An hour of UTC has one offset in all of these zones, opening and closing are at its quarters, and
    # midnight is closed.
    lines = [
        [may_leave(day, minute + more) for day, minute in local_hours(name) for more in (0, 15, 30, 45)]
        for name in CLOCKS[zone]
    ]
    return b"".join(BLOCKS[all(quarter)] for quarter in zip(*lines, strict=True))


def walked(hours: Hours, zone: str) -> bytearray:
    """Draw the same by walking from opening to closing, as the rules tell them."""
    line, now = bytearray(MINUTES), START
    while True:
        opens = hours.next_open(zone, now)
        assert opens
        closes = hours.closes_at(zone, opens)
        assert closes
        first, last = ((each - START) // timedelta(minutes=1) for each in (opens, closes))
        if first >= MINUTES:
            return line
        line[first:last] = OPEN * (last - first)
        now = closes


def edges(line: bytes) -> list[int]:
    """List the minutes at which a line changes, and their neighbours."""
    found, position = set(), 0
    while position >= 0:
        position = line.find(SHUT if line[position] else OPEN, position)
        found |= {position - 1, position} if position > 0 else set()
    return sorted(found)


@pytest.mark.parametrize("profile", ["strict", "charter2026"])
@pytest.mark.parametrize("zone", CLOCKS)
def test_every_minute_of_three_years_is_open_or_closed_as_the_calendar_says(zone, profile):
    hours, line = Hours(RulesSettings(marketing_hours_fr=profile)), drawn(zone, profile)

    assert len(line) == MINUTES
    assert walked(hours, zone)[:MINUTES] == line


@pytest.mark.parametrize("zone", CLOCKS)
def test_the_next_opening_is_open_stays_itself_and_nothing_before_it_is_open(zone):
    hours, line = Hours(RulesSettings()), drawn(zone, "strict")
    last_open = line.rfind(OPEN)
    asked = {*edges(line), *range(random.Random(zone).randrange(STEP), MINUTES, STEP)}
    openings = set()
    for minute in sorted(each for each in asked if each <= last_open):
        at = START + timedelta(minutes=minute)
        expected = line.find(OPEN, minute)  # nothing from `minute` on up to here is open
        assert hours.next_open(zone, at) == START + timedelta(minutes=expected), at
        assert hours.is_open(zone, at) == (expected == minute), at
        openings.add(expected)
    for opens in (START + timedelta(minutes=minute) for minute in openings):
        assert hours.next_open(zone, opens) == opens
        assert hours.is_open(zone, opens)


def test_the_scan_covers_every_french_zone_and_both_daylight_saving_times():
    assert set(FRENCH) <= set(CLOCKS)
    # Saint-Pierre changes its clocks with North America, weeks apart from Europe.
    assert drawn("PM", "charter2026") != drawn("GF", "charter2026")
