"""When marketing may leave: cases as data, and what is said about them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers import InvalidMessage, Message
from producers.contract.phone import to_e164
from producers.messages.message import freeze
from producers.rules import sources
from producers.rules.clocks import clock, clocks_by_country
from producers.rules.hours import COMMON_WITHIN, NEVER_CLOSES, Hours
from producers.rules.profiles import EARLIEST, LATEST
from producers.rules.settings import RulesSettings
from producers.rules.zones import clocks_of, zone_of
from tests.support.vectors import vectors

MARKETING = [
    case for case in vectors("hours") if case["purpose"] == "wholesale" and case["opens"] != "refused"
]
STRICT = Hours(RulesSettings())
#: A Wednesday on which nothing is special.
WEDNESDAY = "2026-11-25T12:00:00+01:00"


def at(written: str) -> datetime:
    return datetime.fromisoformat(written)


def ms(written: str) -> int:
    return int(at(written).timestamp() * 1000)


def expected(case) -> datetime | None:
    """Say when a case opens: at once, later, or never."""
    written = {"open": case["at"], "never": None}.get(case["opens"], case["opens"])
    return at(written) if written else None


def zones(case) -> list[str]:
    return [case["zone"] or zone_of(to_e164(number)) for number in case["to"]]


def named(case) -> str:
    return case["name"]


@pytest.mark.parametrize("case", MARKETING, ids=named)
def test_all_recipients_are_open_first_when_the_case_says(case):
    hours = Hours(RulesSettings(marketing_hours_fr=case["hours"]))
    assert hours.common_opening(zones(case), at(case["at"])) == expected(case)


@pytest.mark.parametrize("case", [case for case in MARKETING if len(case["to"]) == 1], ids=named)
def test_one_recipient_is_open_when_the_case_says(case):
    hours, [zone] = Hours(RulesSettings(marketing_hours_fr=case["hours"])), zones(case)
    assert hours.is_open(zone, at(case["at"])) == (case["opens"] == "open")
    assert hours.next_open(zone, at(case["at"])) == expected(case)


@pytest.mark.parametrize("case", [case for case in vectors("hours") if case not in MARKETING], ids=named)
def test_what_no_hours_hold_is_an_alert_or_refused(case):
    message = Message(case["to"], "Hello", sender="Bistro", purpose=case["purpose"], zone=case["zone"])
    if case["opens"] == "refused":
        with pytest.raises(InvalidMessage, match="write \\+262 in place of \\+33"):
            freeze(message)
    else:
        assert freeze(message).zones == ""


@settings(deadline=None)
@given(
    zone=st.sampled_from(sorted(clocks_by_country())),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    opens=st.integers(EARLIEST, LATEST - 1),
    length=st.integers(1, LATEST - EARLIEST),
)
def test_nowhere_is_marketing_open_outside_its_hours_by_any_clock(zone, moment, opens, length):
    span = (opens, min(opens + length, LATEST))
    other = "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in span)
    hours = Hours(RulesSettings(marketing_hours_other=other, marketing_hours_fr=other, close_margin_s=30))
    opened = hours.next_open(zone, moment)

    assert hours.is_open(zone, moment) == (opened == moment)
    if opened:
        assert opened >= moment
        assert hours.next_open(zone, opened) == opened
        for local in (opened.astimezone(clock(each)) for each in clocks_of(zone)):
            assert span[0] <= local.hour * 60 + local.minute < span[1]
            assert local.isoweekday() < 7


@pytest.mark.parametrize(
    ("zone", "when", "reason"),
    [
        ("FR", "2026-11-25T07:59:59+01:00", "before 08:00"),
        ("FR", "2026-11-25T20:00:00+01:00", "after 20:00"),
        ("FR", "2026-11-29T12:00:00+01:00", "Sunday"),
        ("FR", "2026-11-29T07:00:00+01:00", "Sunday"),
        ("RE", "2027-03-29T12:00:00+04:00", "Easter Monday, RE"),
        ("FR", "2027-03-27T21:00:00+01:00", "after 20:00, then Sunday, then Easter Monday, FR"),
        ("GP+", "2027-05-27T10:00:00-04:00", "Abolition of Slavery, GP, then Abolition of Slavery, MF"),
        (
            "FR-AM",
            "2026-12-25T12:00:00+01:00",
            "Christmas Day, FR-AM, then Saint Stephen's Day, FR-AM, then Sunday",
        ),
        ("FR", "2026-11-01T12:00:00+01:00", "All Saints' Day, FR"),  # a Sunday, too
        ("BE", "2026-11-29T12:00:00+01:00", "Sunday"),
        ("US", "2026-11-25T12:00:00-05:00", "before 08:00 in America/Adak"),
        ("US", "2026-11-25T21:00:00-05:00", "after 20:00 in America/Detroit"),
    ],
)
def test_what_is_closed_has_its_reason_in_words(zone, when, reason):
    said = STRICT.look(zone, at(when))
    if zone == "US":
        # Several clocks may be the last to open; the reason names one of them.
        assert said.reason.split(" in ")[0] == reason.split(" in ")[0]
        assert said.reason.split(" in ")[1] in said.clocks
    else:
        assert said.reason == reason
    assert not said.is_open


def test_a_finding_names_the_rule_its_source_and_those_of_the_holidays():
    said = STRICT.look("RE", at("2027-03-27T21:00:00+04:00"))

    assert said.rule == "strict: 08:00 to 20:00, no Sundays, no holidays"
    assert said.source == sources.OCTOPUSH_HOURS
    assert [cause.source for cause in said.causes] == [
        *[sources.OCTOPUSH_HOURS] * 2,
        sources.NATIONAL_HOLIDAYS,
    ]
    assert said.until == at("2027-03-30T08:00:00+04:00")


def test_a_finding_about_what_is_open_says_until_when():
    said = STRICT.look("FR", at(WEDNESDAY))

    assert (said.is_open, said.reason, said.until) == (True, "", at("2026-11-25T20:00:00+01:00"))
    assert STRICT.closes_at("FR", at(WEDNESDAY)) == said.until
    assert STRICT.closes_at("FR", at("2026-11-25T20:00:00+01:00")) is None


def test_the_charter_holds_in_french_zones_only_and_names_its_source():
    hours = Hours(RulesSettings(marketing_hours_fr="charter2026"))

    assert hours.look("NC", at(WEDNESDAY)).source == sources.CHARTER_2026
    assert hours.look("BE", at(WEDNESDAY)).source == sources.NO_LAW_FOUND


@pytest.mark.parametrize(
    ("chosen", "sunday", "holiday"),
    [
        ({}, False, False),
        ({"marketing_sundays_fr": True}, True, False),
        ({"marketing_holidays_fr": True}, False, True),
        ({"marketing_hours_fr": "charter2026"}, True, True),
        ({"marketing_hours_fr": "charter2026", "marketing_sundays_fr": False}, False, True),
        ({"marketing_hours_fr": "charter2026", "marketing_holidays_fr": False}, True, False),
    ],
)
def test_sundays_and_holidays_go_by_the_hours_unless_somebody_says_otherwise(chosen, sunday, holiday):
    hours = Hours(RulesSettings(**chosen))

    assert hours.is_open("FR", at("2026-11-29T12:00:00+01:00")) == sunday
    assert hours.is_open("FR", at("2026-12-25T12:00:00+01:00")) == holiday
    assert not hours.is_open("BE", at("2026-11-29T12:00:00+01:00"))


@pytest.mark.parametrize("profile", ["strict", "charter2026", "09:00-10:00"])
def test_an_extra_holiday_closes_its_zone_and_what_shares_its_holidays(profile):
    extra = "GP:2026-12-24, FR:2026-12-24,BE:2026-07-21"
    hours = Hours(RulesSettings(marketing_hours_fr=profile, extra_holidays=extra))
    noon = datetime(2026, 12, 24, 9, 30, tzinfo=UTC)

    for zone, hour in (("GP", 13), ("GP+", 13), ("FR", 8), ("FR-AM", 8)):
        assert not hours.is_open(zone, noon.replace(hour=hour))
        assert hours.look(zone, noon.replace(hour=hour)).causes[0].source == sources.CHOSEN_HOLIDAYS
    assert hours.is_open("MF", noon.replace(hour=13))
    assert not hours.is_open("BE", at("2026-07-21T12:00:00+02:00"))


def test_no_hours_means_always_open():
    hours = Hours(
        RulesSettings(marketing_hours_fr="off", marketing_hours_other="off", extra_holidays="FR:2026-11-29")
    )
    sunday_night = at("2026-11-29T03:00:00+01:00")

    for zone in ("FR", "US"):
        assert hours.is_open(zone, sunday_night)
        assert hours.next_open(zone, sunday_night) == sunday_night
        assert hours.closes_at(zone, sunday_night) is None
        assert hours.windows(zone, sunday_night) == [(0, NEVER_CLOSES)]
        assert (hours.look(zone, sunday_night).rule, hours.look(zone, sunday_night).until) == ("off", None)
    assert hours.common_opening(["FR", "US"], sunday_night) == sunday_night


def test_windows_are_the_next_two_and_end_the_margin_early():
    hours = Hours(RulesSettings(close_margin_s=600))

    wednesday = (ms("2026-11-25T08:00:00+01:00"), ms("2026-11-25T19:50:00+01:00"))
    thursday = (ms("2026-11-26T08:00:00+01:00"), ms("2026-11-26T19:50:00+01:00"))
    friday = (ms("2026-11-27T08:00:00+01:00"), ms("2026-11-27T19:50:00+01:00"))
    assert hours.windows("FR", at("2026-11-25T07:00:00+01:00")) == [wednesday, thursday]
    assert hours.windows("FR", at("2026-11-25T19:49:59.999+01:00")) == [wednesday, thursday]
    assert hours.windows("FR", at("2026-11-25T19:50:00+01:00")) == [thursday, friday]


def test_a_window_skips_what_leaves_no_time_for_a_claim():
    # Hawaii opens when New York has 30 minutes left.
    hours = Hours(RulesSettings(marketing_hours_other="13:00-18:30", close_margin_s=1800))

    assert hours.next_open("US", at("2026-11-25T12:00:00-05:00")) == at("2026-11-25T18:00:00-05:00")
    assert hours.windows("US", at("2026-11-25T12:00:00-05:00")) == []
    assert hours.common_opening(["US"], at("2026-11-25T12:00:00-05:00")) is None


def test_where_the_clock_changes_between_opening_and_closing_the_narrower_reading_counts():
    # In Egypt the hour from 23:00 comes twice on 29 October 2026, first with +03:00 and then with +02:00.
    late = Hours(RulesSettings(marketing_hours_other="20:00-23:30"))
    assert late.closes_at("EG", at("2026-10-29T21:00:00+03:00")) == at("2026-10-29T23:30:00+03:00")

    later = Hours(RulesSettings(marketing_hours_other="23:00-23:45"))
    assert later.next_open("EG", at("2026-10-29T21:00:00+03:00")) == at("2026-10-30T23:00:00+02:00")


def test_clocks_that_share_no_hour_never_open():
    hours = Hours(RulesSettings(marketing_hours_other="08:00-09:00"))
    noon = at("2026-11-25T12:00:00-05:00")

    assert hours.next_open("US", noon) is None
    assert hours.closes_at("US", noon) is None
    assert hours.windows("US", noon) == []
    assert hours.look("US", noon).until is None


def test_a_common_opening_is_looked_for_within_ten_days_unless_somebody_says_otherwise():
    monday = at("2026-10-26T18:00:00+00:00")
    assert STRICT.common_opening(["FR", "PF"], monday - COMMON_WITHIN) == monday
    assert STRICT.common_opening(["FR", "PF"], monday - COMMON_WITHIN - timedelta(milliseconds=1)) is None
    assert STRICT.common_opening(["FR", "PF"], monday - timedelta(days=20), timedelta(days=20)) == monday


def test_an_instant_that_is_open_stays_to_the_microsecond():
    moment = at("2026-11-25T12:00:00.123456+01:00")
    assert STRICT.next_open("FR", moment) == moment
    assert STRICT.is_open("FR", at("2026-11-25T19:59:59.999999+01:00"))


@pytest.mark.parametrize("wrong", ["2026-01-01T12:00:00", "1970-01-01T12:00:00Z", "9999-01-01T12:00:00Z"])
def test_a_date_without_a_zone_or_beyond_the_calendar_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        STRICT.is_open("FR", at(wrong))


@pytest.mark.parametrize(
    "other",
    [
        {"marketing_hours_fr": "charter2026"},
        {"marketing_sundays_fr": True},
        {"marketing_hours_other": "08:00-20:01"},
        {"close_margin_s": 601},
        {"extra_holidays": "FR:2026-12-24"},
    ],
)
def test_the_fingerprint_tells_rules_apart(other):
    assert Hours(RulesSettings()).fingerprint == STRICT.fingerprint
    assert Hours(RulesSettings(**other)).fingerprint != STRICT.fingerprint


def test_the_fingerprint_goes_by_what_was_meant_and_not_by_how_it_was_written():
    one, other = "FR:2026-12-24,RE:2026-12-26", "RE:2026-12-26, FR:2026-12-24,"
    assert (
        Hours(RulesSettings(extra_holidays=one)).fingerprint
        == Hours(RulesSettings(extra_holidays=other)).fingerprint
    )


def test_the_fingerprint_knows_the_version_of_the_clocks(monkeypatch):
    monkeypatch.setattr("producers.rules.hours.tzdata_version", lambda: "1999a")
    assert Hours(RulesSettings()).fingerprint != STRICT.fingerprint
