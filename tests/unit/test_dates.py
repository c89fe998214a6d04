"""Dates of callbacks, as gateways and programs write them, judged by when the callback came."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.callbacks.dates import FARTHEST, read_date

ARRIVED = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-06-01 10:00:00",
        " 2026-06-01T10:00:00 ",
        "2026-06-01 10:00",
        "20260601T100000",
        "2026-06-01 10:00:00.000000",
        "2026-06-01T10:00:00+0200",
        "2026-06-01T10:00:00+02:00",
        "2026-06-01T10:00:00+02",
        "2026-06-01 10:00:00 +0200",
        "2026-06-01T08:00:00Z",
        "2026-06-01t08:00:00,0z",
        "2026-06-01 08:00:00 UTC",
        "2026-06-01 10:00:00 CEST",
        "2026-06-01 09:00:00 CET",
        "2026-06-01 04:00:00 America/New_York",
        "1780300800",
        "1780300800.0",
        "1780300800000",
        "1780300800000000",
    ],
)
def test_all_of_these_are_one_instant(written):
    assert read_date(written, ARRIVED) == AT


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "soon",
            "0000-00-00 00:00:00",
            "-0001-11-30 00:00:00",
            "2026-02-30 10:00:00",
            "2026-06-01 25:00:00",
        ),
        *("0", "1", "-1", "99999999999999999", "1" * 400, "253402300799", "nan", "1e9", "١٧٨٠٣٠٠٨٠٠"),
        *("1970-01-01 00:00:00", "2000-01-01 00:00:00", "9999-12-31 23:59:59", "0001-01-01 00:00:00"),
        *("2026-06-01 10:00:00 Nowhere/Here", "2026-06-01 10:00:00 ../etc", "2026-06-01 10:00:00 Europe"),
        *("2026-06-01 10:00:00 +99:99", "2026-06-01 10:00:00 /etc/passwd", "2026-06-01"),
    ],
)
def test_these_are_none(written):
    assert read_date(written, ARRIVED) is None


@pytest.mark.parametrize(
    ("written", "arrived", "expected"),
    [
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00", "2026-10-25T00:30:00"),
        ("2026-10-25 02:30:00", "2026-10-25T00:30:05", "2026-10-25T00:30:00"),
        ("2026-10-25 02:30:00", "2026-10-25T01:29:59", "2026-10-25T00:30:00"),
        ("2026-10-25 02:30:00", "2026-10-25T01:30:00", "2026-10-25T01:30:00"),
        ("2026-10-25 02:30:00", "2026-10-28T00:00:00", "2026-10-25T01:30:00"),
        ("2026-10-25 02:30:00", "2026-10-25T00:00:00", "2026-10-25T00:30:00"),
        ("2026-10-25T02:30:00+0200", "2026-10-25T01:30:05", "2026-10-25T00:30:00"),
        ("2026-10-25 01:59:59", "2026-10-25T01:30:05", "2026-10-24T23:59:59"),
        ("2026-10-25 03:00:00", "2026-10-25T02:00:05", "2026-10-25T02:00:00"),
        ("2026-03-29 02:30:00", "2026-03-29T00:30:05", "2026-03-29T00:30:00"),
        ("2026-03-29 02:30:00", "2026-03-29T01:30:05", "2026-03-29T01:30:00"),
    ],
)
def test_of_two_readings_the_one_closest_before_the_arrival_counts(written, arrived, expected):
    arrived, expected = (datetime.fromisoformat(f"{each}+00:00") for each in (arrived, expected))

    assert read_date(written, arrived) == expected


@pytest.mark.parametrize("sign", [1, -1])
def test_a_date_far_from_its_arrival_is_none(sign):
    near, far = (AT + sign * (FARTHEST + timedelta(seconds=beyond)) for beyond in (0, 1))

    assert read_date(near.isoformat(), AT) == near
    assert read_date(far.isoformat(), AT) is None


@given(
    st.text()
    | st.from_regex(r"[0-9]{1,20}|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,]{1,15} ?[-+A-Za-z0-9:/]{0,9}")
)
def test_reading_is_total_and_stays_near_the_arrival(written):
    found = read_date(written, ARRIVED)

    assert found is None or (abs(found - ARRIVED) <= FARTHEST and found.utcoffset() == timedelta(0))
