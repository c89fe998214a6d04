"""Numbers as the gateway reports them, and as logs may show them."""

import random

import phonenumbers
import pytest

from producers.phone import from_gateway, mask, to_e164


def parsed(number: str) -> str | None:
    """Normalise a number that begins with a plus, by the library alone."""
    try:
        found = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(found)
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164) if valid else None


def normalised(number: str) -> str | None:
    """Normalise a number our way; None for one that is refused."""
    try:
        return to_e164(number)
    except ValueError:
        return None


def neighbours(number: str, dice: random.Random) -> list[str]:
    """Change digits of a number, drop some, put some in, above all where a national prefix would stand."""
    found = [number, number + "0", number[:-1]]
    for end in (2, 3, 4):
        found += [number[:end] + digit + number[end:] for digit in "01589"]
    for _ in range(12):
        digits = list(number[1:])
        for _ in range(dice.randint(1, 3)):
            digits[dice.randrange(len(digits))] = dice.choice("0123456789")
        found.append("+" + "".join(digits))
    return [each for each in found if len(each) > 6]


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_numbers_are_what_the_numbering_plan_says(region):
    dice = random.Random(region)
    examples = {
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for kind in phonenumbers.PhoneNumberType.values()
        if (example := phonenumbers.example_number_for_type(region, kind))
    }

    assert examples
    for number in (each for example in sorted(examples) for each in neighbours(example, dice)):
        assert normalised(number) == parsed(number)


@pytest.mark.parametrize(
    "number", ["+", "+33", "+3361234567８", "+33612345678\n", "33612345678", "+0612345678", ""]
)
def test_numbers_that_are_not_written_internationally_are_refused(number):
    with pytest.raises(ValueError, match="must be international"):
        to_e164(number)


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
