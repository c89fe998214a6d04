"""How people are told until when something is held, and why."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from producers.rules.held import Held, read_held, words
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings

HOURS = Hours(RulesSettings())


def paris(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Paris"))


def ms(at: str) -> int:
    return int(paris(at).timestamp() * 1000)


@pytest.mark.parametrize(
    ("reason", "zones", "until", "now", "told"),
    [
        ("hours", "FR", "2027-03-30T08:00", "2027-03-29T10:00", "held until Tue 08:00, Easter Monday"),
        (
            *("hours", "FR", "2027-03-30T08:00", "2027-03-27T21:00"),
            "held until Tue 08:00, after 20:00, then Sunday, then Easter Monday",
        ),
        # By the clock of whoever opens last; the islands are two hours ahead.
        ("hours", "RE", "2027-03-31T06:00", "2027-03-31T03:00", "held until Wed 08:00 in RE, before 08:00"),
        ("hours", "FR RE", "2027-03-31T08:00", "2027-03-31T07:00", "held until Wed 08:00, before 08:00"),
        # Within the margin it is open, and closes too soon.
        ("hours", "FR", "2027-04-01T08:00", "2027-03-31T19:55", "held until Thu 08:00, closes at 20:00"),
        (
            *("hours", "BE", "2026-11-30T08:00", "2026-11-28T19:55"),
            "held until Mon 08:00 in BE, closes at 20:00, then Sunday",
        ),
        # Before the margin whoever holds it goes by other hours, and after the opening it is about to leave.
        ("hours", "FR", "2027-04-01T08:00", "2027-03-31T19:49", "held until Thu 08:00"),
        ("hours", "FR", "2027-03-31T08:00", "2027-03-31T08:00", "held until Wed 08:00"),
        (
            "hours",
            "FR",
            "2027-04-07T08:00",
            "2027-03-31T21:00",
            "held until Wed 07 Apr 2027 08:00, after 20:00",
        ),
        (
            "over_budget",
            "",
            "2027-04-01T00:00",
            "2027-03-31T12:00",
            "held until Thu 00:00, the budget is used up",
        ),
        ("later", "XX-NEW", "2027-04-01T08:00", "2027-03-31T12:00", "held until Thu 08:00"),
        ("hours", "XX-NEW", "2027-04-01T08:00", "2027-03-31T12:00", "held until Thu 08:00"),
    ],
)
def test_it_is_told_until_when_and_why(reason, zones, until, now, told):
    assert words(HOURS, Held.of(reason, ms(until), zones), paris(now)) == told


def test_what_leaves_first_is_named_first():
    found = read_held(
        {f"hours:{ms('2027-04-02T08:00')}:FR RE": "2", f"over_budget:{ms('2027-04-01T00:00')}:": "1"}
    )

    assert [(each.reason, each.zones, count) for each, count in found.items()] == [
        ("over_budget", (), 1),
        ("hours", ("FR", "RE"), 2),
    ]
