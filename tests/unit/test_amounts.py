"""Amounts read the same wherever they stand."""

from decimal import Decimal

import pytest

from worker.presentation.amounts import amount


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("25.0"), "25.00"),
        (Decimal(25), "25.00"),
        (Decimal("2.5E+1"), "25.00"),
        (Decimal("0E-8"), "0.00"),
        (Decimal("-0.000001"), "0.00"),
        (Decimal("-1.5"), "-1.50"),
        (0.0753, "0.0753"),
        ("0.123456", "0.12346"),
        ("1234567.1", "1234567.10"),
        (0.1 + 0.2, "0.30"),
    ],
)
def test_an_amount_has_two_decimals_at_least_and_never_more_than_five(
    value: Decimal | float | str, shown: str
) -> None:
    assert amount(value) == shown


@pytest.mark.parametrize("value", ["much", "NaN", "Infinity", "1E+40"])
def test_what_is_no_amount_is_shown_as_it_was_written(value: str) -> None:
    assert amount(value) == value
