"""Amounts in answers and events of the API have one form."""

from decimal import Decimal

import msgspec
import pytest

from tests.support.forwarding import status
from worker.api.entries import told_entry
from worker.api.shapes import money


@pytest.mark.parametrize(
    ("amount", "written"),
    [("0.0390", "0.039"), ("1E+1", "10"), ("0.00", "0"), ("1E-7", "0.0000001"), ("12", "12")],
)
def test_equal_amounts_are_written_alike_in_answers_and_in_events(amount, written):
    event = msgspec.structs.replace(status(), cost=Decimal(amount))

    assert money(Decimal(amount)) == written
    assert told_entry("1-1", event).event["cost"] == written
