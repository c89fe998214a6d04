"""Phone numbers: E.164 in, E.164 out, and a form that may be logged."""

import contextlib
import re
from functools import lru_cache
from typing import Final

import phonenumbers

#: Shape of what may be parsed: a plus, then digits with the separators people write. ASCII only, so no
#: newline and no Unicode digit passes.
_WRITTEN: Final = re.compile(r"\+[0-9][0-9 .()-]{4,29}")
#: The region that a calling code means first.
_MAIN_REGION: Final = {
    str(code): regions[0] for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
}


def to_e164(number: str) -> str:
    """Normalise a number written in international form.

    Args:
        number: such as ``"+33 6 12 34 56 78"``; must start with ``+``.

    Returns:
        The number as ``"+33612345678"``.

    Raises:
        ValueError: the number is not in international form or does not exist in its country's plan. One
            such number would make the gateway refuse a whole call. The text never holds the number.
    """
    mobiles = _mobiles(number[:4])
    if mobiles and mobiles.fullmatch(number):
        return number
    if not _WRITTEN.fullmatch(number):
        raise ValueError("must be international, such as +33612345678")
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise ValueError("must be international, such as +33612345678") from None
    if not phonenumbers.is_valid_number(parsed):
        raise ValueError("is no valid number of its country")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=1024)
def _mobiles(start: str) -> re.Pattern[str] | None:
    """Compile the mobile numbers of a country that need no parsing: valid as they are, and E.164 already.

    A fortieth of the time of parsing, and the same answer: the pattern asks what `phonenumbers` asks, of the
    same metadata. What could be read in another way is left to the parser: a number that begins like a
    national prefix, which it might take off, and countries that their calling code alone does not tell.

    Args:
        start: the plus and the first three digits.
    """
    code = next((start[1:end] for end in (2, 3, 4) if start[1:end] in _MAIN_REGION), "")
    country = phonenumbers.PhoneMetadata.metadata_for_region(_MAIN_REGION.get(code, ""), None)
    if country is None or country.leading_digits is not None:
        return None
    prefix = f"(?!{country.national_prefix_for_parsing})" if country.national_prefix_for_parsing else ""
    rules = "".join(_rule(description) for description in (country.general_desc, country.mobile))
    return re.compile(rf"\+{code}(?!0){prefix}{rules}\d+", re.ASCII)


def _rule(description: phonenumbers.PhoneNumberDesc | None) -> str:
    """Write what a description asks of a number: one of its lengths, if it names any, and its pattern."""
    if description is None or not description.national_number_pattern:
        return "(?!)"  # nothing is such a number
    lengths = "|".join(rf"\d{{{length}}}\Z" for length in description.possible_length) or r"\d"
    return rf"(?={lengths})(?=(?:{description.national_number_pattern})\Z)"


def mask(number: str) -> str:
    """Hide all but the first four and last two characters: ``+336*****78``. For logs and screens."""
    return (
        f"{number[:4]}{'*' * max(len(number) - 6, 0)}{number[-2:]}" if len(number) > 6 else "*" * len(number)
    )


def from_gateway(number: str) -> tuple[str, str | None]:
    """Normalise a number as the gateway reports it: with ``+``, without it, with ``00``, or French ``0X``.

    Total: what cannot be read as a number (a short code, rubbish) comes back as it is.

    Returns:
        The number in E.164 and its region such as ``FR``; or the input, stripped, and None.
    """
    given = number.strip()
    digits = re.sub(r"[ .()-]", "", given)
    for written in (digits, f"+{digits.removeprefix('00')}", f"+33{digits.removeprefix('0')}"):
        with contextlib.suppress(ValueError):
            e164 = to_e164(written)
            return e164, phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    return given, None
