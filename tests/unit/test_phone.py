"""Numbers as the gateway reports them, and as logs may show them."""

import pytest

from producers.phone import from_gateway, mask


@pytest.mark.parametrize(
    ("reported", "e164", "country"),
    [
        ("+33612345678", "+33612345678", "FR"),
        ("33612345678", "+33612345678", "FR"),
        ("0033612345678", "+33612345678", "FR"),
        ("0612345678", "+33612345678", "FR"),
        (" +33 6 12 34 56 78 ", "+33612345678", "FR"),
        ("+447400123456", "+447400123456", "GB"),
        ("12345", "12345", None),
        ("Bistro", "Bistro", None),
        ("", "", None),
    ],
)
def test_reported_numbers_are_normalised_or_left_alone(reported, e164, country):
    assert from_gateway(reported) == (e164, country)


@pytest.mark.parametrize(
    ("number", "shown"), [("+33612345678", "+336******78"), ("12345", "*****"), ("", "")]
)
def test_masks_keep_country_and_end(number, shown):
    assert mask(number) == shown
