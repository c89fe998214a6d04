"""Dates that people type are read in Paris, unless they say otherwise."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.inquiry.dates import day_in_paris, in_paris, read_since, read_until, with_offset


@pytest.mark.parametrize(
    ("written", "since", "until"),
    [
        ("2026-11-01", "2026-10-31T23:00", "2026-11-01T23:00"),
        ("2026-07-01", "2026-06-30T22:00", "2026-07-01T22:00"),
        # The days on which the clocks change have 25 and 23 hours.
        ("2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("2026-11-01T09:30", "2026-11-01T08:30", "2026-11-01T08:30"),
        ("2026-11-01 09:30:15", "2026-11-01T08:30:15", "2026-11-01T08:30:15"),
        ("2026-11-01T09:30Z", "2026-11-01T09:30", "2026-11-01T09:30"),
        ("2026-11-01T09:30-05:00", "2026-11-01T14:30", "2026-11-01T14:30"),
        # In the hour that happens twice nothing is left out.
        ("2026-10-25T02:30", "2026-10-25T00:30", "2026-10-25T01:30"),
        ("2026-12-31", "2026-12-30T23:00", "2026-12-31T23:00"),
    ],
)
def test_a_date_is_read_in_paris_unless_it_has_an_offset(written, since, until):
    assert read_since(written) == datetime.fromisoformat(since).replace(tzinfo=UTC)
    assert read_until(f" {written} ") == datetime.fromisoformat(until).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        *("", "yesterday", "2026-13-01", "2026-02-30", "01/11/2026", "20261101", "2026-11-01T", "1790000000"),
        *(
            "2026-11-01T25:00",
            "2026-11-01T09:30+99:00",
            "９999-11-01",
            "9999-12-31",
            "0001-01-01T00:00+14:00",
        ),
    ],
)
def test_what_is_no_date_is_refused_with_advice(written):
    with pytest.raises(ValueError, match="must be a date such as 2026-11-01"):
        read_until(written)


def test_an_instant_is_written_as_in_paris_and_can_be_typed_again():
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert in_paris(at) == "2026-07-02 00:30:00+02:00"
    assert read_since(in_paris(at)) == at
    # What is not shown is cut off.
    assert in_paris(at.replace(microsecond=999_999)) == in_paris(at)


def test_the_hour_that_happens_twice_is_told_apart():
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert in_paris(first) == "2026-10-25 02:30:00+02:00"
    assert in_paris(first + timedelta(hours=1)) == "2026-10-25 02:30:00+01:00"


def test_a_day_is_that_of_paris():
    assert day_in_paris(datetime(2026, 11, 30, 23, 30, tzinfo=UTC)) == "1 December 2026"


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("2026-11-27T10:00", "2026-11-27T10:00:00+01:00"),
        ("2026-07-27 10:00:05", "2026-07-27T10:00:05+02:00"),
        # What says its offset stays as it is, since options name a campaign; no time is refused later.
        *((each, each) for each in ("2026-11-27T10:00Z", "2026-11-27T10:00+05:00", "2026-11-27", "tomorrow")),
        *((each, each) for each in ("2026-11-27T25:00", "")),
    ],
)
def test_a_time_without_an_offset_gets_that_of_paris(written, given):
    assert with_offset(written) == given
