"""Tolerance: any JSON becomes a call; values are cast or dropped, never an error."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.sandbox.simulator.casting import as_flag, as_text
from worker.sandbox.simulator.clock import PARIS
from worker.sandbox.simulator.reading import read_call, read_instant, read_object
from worker.sandbox.simulator.refusals import Refusal
from worker.sandbox.simulator.settings import SimulatorSettings
from worker.sandbox.simulator.validation import check

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = (
    "recipients",
    "text",
    "sender",
    "type",
    "purpose",
    "send_at",
    "with_replies",
    "simulation_mode",
    "request_id",
    "auto_optimize_text",
    "auto_remove_blacklisted_numbers",
    "colour",
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_any_object_is_read_and_checked(fields):
    call = read_call(fields, "login")

    refusal = check(call, SimulatorSettings())
    assert refusal is None or refusal.status == 400


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_code_100(body):
    found = read_object(body)

    assert isinstance(found, (dict, Refusal))
    if isinstance(found, Refusal):
        assert found.code == 100


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (True, True), (False, False), (1, True), (0, False), ("True", True), ("false", False), ("1", True),
        ("off", False), ("", False), ("perhaps", None), (None, None), ([], None), ({}, None),
    ],
)  # fmt: skip
def test_flags(value, flag):
    assert [as_flag(value, default=default) for default in (True, False)] == (
        [True, False] if flag is None else [flag, flag]
    )


def test_text():
    assert [as_text(value) for value in ("a", 1, 1.5, True, None, [], {})] == [
        "a", "1", "1.5", "True", None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "usable"),
    [
        ("+33612345678", True),
        ("+12", False),
        ("+1234567890123456", False),
        ("+0612345678", False),
        ("0033612345678", False),
        ("33612345678", False),
        ("+33 6 12 34 56 78", False),
        ("+33612345678\n", False),
        ("+٣٣٦١٢٣٤٥٦٧", False),
        (33612345678, False),
        (None, False),
    ],
)
def test_numbers(number, usable):
    call = read_call({"recipients": [{"phone_number": number}]}, "login")

    assert (len(call.recipients), call.bad_numbers) == ((1, 0) if usable else (0, 1))


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-07-01T10:00:00+02:00", datetime(2026, 7, 1, 10, tzinfo=PARIS)),
        ("2026-07-01T08:00:00Z", datetime(2026, 7, 1, 10, tzinfo=PARIS)),
        ("2026-01-01 10:00:00", datetime(2026, 1, 1, 10, tzinfo=PARIS)),
        ("next week", None),
        (1782892800, None),
        (None, None),
    ],
)
def test_instants(written, moment):
    assert read_instant(written) == (moment and moment.timestamp())


def test_the_documented_defaults():
    call = read_call({"text": "x", "recipients": [{"phone_number": "+33612345678"}]}, "login")

    assert (call.marketing, call.low_cost, call.optimised) == (True, False, True)
    assert (call.with_replies, call.simulation, call.removes_blacklisted) == (False, False, False)
    assert (call.request_id, call.send_at, call.sender) == (None, None, "")
