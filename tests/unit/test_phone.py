"""Numbers as the gateway reports them, and as logs may show them."""

import random
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

import producers
from producers.contract.characters import INVISIBLE, SPACES
from producers.contract.phone import from_gateway, mask, to_e164


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
    for _ in range(4):
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


DECORATED = st.sampled_from([*SPACES, *sorted(INVISIBLE), *"-.()", "\u2010", "\u2011", "\u2013", "\u2212"])


@given(st.lists(st.tuples(st.integers(2, 12), DECORATED), max_size=20))
def test_spaces_hyphens_and_what_nobody_sees_do_not_matter(decorations):
    written = list("+33612345678")
    for place, what in decorations:
        written.insert(place, what)
    assert to_e164("".join(written)) == from_gateway("".join(written))[0] == "+33612345678"


@pytest.mark.parametrize(
    ("number", "region", "e164"),
    [
        ("\u202a+33612345678\u202c", "", "+33612345678"),
        ("\ufeff\ufeff+33612345678\u200b", "", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "", "+33612345678"),
        ("(+33) 6 12 34 56 78", "", "+33612345678"),
        ("+ 33 6 12 34 56 78", "", "+33612345678"),
        ("tel:+33-6-12-34-56-78", "", "+33612345678"),
        ("TEL: +33612345678", "", "+33612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06.12.34.56.78", "FR", "+33612345678"),
        ("06/12/34/56/78", "FR", "+33612345678"),
        ("06\u00a012\u202f34 56\u201178", "FR", "+33612345678"),
        ("00 33 6 12 34 56 78", "FR", "+33612345678"),
        ("612345678", "FR", "+33612345678"),
        ("33612345678", "FR", "+33612345678"),
        ("0033612345678", "", "+33612345678"),
        ("(00 33) 6-12-34-56-78", "", "+33612345678"),
        ("00 1 202 555 0123", "", "+12025550123"),
        ("+447400123456", "FR", "+447400123456"),
        ("07400 123456", "GB", "+447400123456"),
        ("0475/12 34 56", "BE", "+32475123456"),
        ("20.12.20.24", "DK", "+4520122024"),
        *(("0690335941", region, "+590690335941") for region in ("FR", "GP", "MQ", "RE")),
        ("0694387474", "FR", "+594694387474"),
        ("0696600024", "FR", "+596696600024"),
        ("0692123456", "FR", "+262692123456"),
        ("0639012345", "YT", "+262639012345"),
        ("06 12 34 56 78", "GP", "+33612345678"),
    ],
)
def test_numbers_as_people_and_tools_write_them(number, region, e164):
    assert to_e164(number, default_region=region) == e164


def test_an_application_that_keeps_numbers_is_told_of_the_argument_and_not_of_a_setting(monkeypatch):
    monkeypatch.setenv("DEFAULT_REGION", "FR")

    with pytest.raises(
        ValueError, match=r'needs a country, such as default_region="FR"; .*no setting'
    ) as told:
        producers.to_e164("06 12 34 56 78")
    assert "DEFAULT_REGION" not in str(told.value)
    assert producers.to_e164("06 12 34 56 78", default_region="FR") == "+33612345678"


@pytest.mark.parametrize(
    ("number", "region", "says"),
    [
        ("06 12 34 56 78", "", "needs a country, such as DEFAULT_REGION=FR"),
        ("0033 12", "", "is no valid number of its country"),
        ("0099912345678", "", "must be international"),
        ("0033690335941", "", "write [+]590 in place of [+]33"),
        ("0033612345678", "JP", "is no valid number of its country"),
        ("33612345678", "", "its [+] or its first 0 is missing"),
        ("612345678", "", "its [+] or its first 0 is missing"),
        *(
            (number, region, "scientific notation")
            for number in ("3,36E+10", "3.36123E+10", "3,36123e10", "+3,36E+10", "6E+08")
            for region in ("", "FR")
        ),
        *((f"{mark}+33612345678", "FR", "apostrophe") for mark in "'\u2019"),
        *(
            (date, region, "not a date: if a spreadsheet made a date")
            for date in ("2020-03-12", "20/12/2024", "20.3.2024 00:00", "12-f\u00e9vr.-24", "6 Jan 2012")
            for region in ("", "FR", "DK")
        ),
        ("33612345678.0", "FR", "decimals"),
        ("12345678.0", "FR", "decimals"),
        *(
            (f"+33{overseas}", "", "write [+]590 in place of [+]33")
            for overseas in ("690335941", "0690335941")
        ),
        ("+33694387474", "FR", "write [+]594 in place of [+]33"),
        ("+33 696 60 00 24", "", "write [+]596 in place of [+]33"),
        ("+33692123456", "", "write [+]262 in place of [+]33"),
        ("+33639012345", "", "write [+]262 in place of [+]33"),
        ("0033690335941", "FR", "write [+]590 in place of [+]33"),
        ("+590612345678", "", "write [+]33 in place of [+]590"),
        ("+33612345678\n", "FR", "or a number of FR"),
        ("06 12 34 56 78\n", "FR", "must be international"),
        ("06\u202812345678", "FR", "must be international"),
        ("+3361234567\uff18", "FR", "must be international"),
        ("+33612345678/9", "", "must be international"),
        ("06 12 34 56 78 / 06 12 34 56 79", "FR", "must be|no valid"),
        ("0612345678", "zz", "two capital letters of a country"),
        ("06 12 34 56", "FR", "no valid number"),
    ],
)
def test_numbers_that_are_refused_say_what_to_do(number, region, says):
    with pytest.raises(ValueError, match=says) as caught:
        to_e164(number, default_region=region)
    assert not re.search(r"12345|335941|12 34", str(caught.value).replace("+33612345678", ""))


@given(
    st.text() | st.text("+0369'/.,E()- \u00a0\u200b\n", max_size=20), st.sampled_from(["", "FR", "GP", "US"])
)
def test_whatever_is_written_is_a_valid_number_or_refused(number, region):
    found, country = from_gateway(number)
    assert (found == number.strip()) if country is None else phonenumbers.parse(found)
    try:
        e164 = to_e164(number, default_region=region)
    except ValueError:
        return
    assert phonenumbers.is_valid_number(phonenumbers.parse(e164))
    assert to_e164(e164) == from_gateway(e164)[0] == e164


#: Mobile blocks of the French overseas departments, by calling code and region.
OVERSEAS = [
    *(("690", 590, "GP"), ("691", 590, "GP"), ("694", 594, "GF"), ("696", 596, "MQ"), ("697", 596, "MQ")),
    *(("692", 262, "RE"), ("693", 262, "RE"), ("639", 262, "YT")),
    *(
        ("7090", 590, "GP"),
        ("7091", 596, "MQ"),
        ("7092", 262, "RE"),
        ("70931", 594, "GF"),
        ("70936", 262, "YT"),
    ),
]


@pytest.mark.parametrize(("block", "code", "region"), OVERSEAS)
def test_overseas_numbers_are_reported_under_the_mainlands_code_and_known_under_their_own(
    block, code, region
):
    dice, seen = random.Random(block), 0
    for _ in range(50):
        national = block + "".join(dice.choices("0123456789", k=9 - len(block)))
        own = f"+{code}{national}"
        if phonenumbers.is_valid_number(phonenumbers.parse(own)):
            seen += 1
            for reported in (
                f"+33{national}",
                f"33{national}",
                f"0033{national}",
                f"0{national}",
                own,
                own[1:],
            ):
                assert from_gateway(reported) == (own, region)
    assert seen


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
