"""Phone numbers: as people, tools and the gateway write them in, E.164 out, and a form that may be logged."""

import re
from functools import lru_cache
from typing import Final

import phonenumbers

from .characters import INVISIBLE, SPACES
from .plain_text import as_text, plain

#: What tools put into numbers, as what a person would have typed. Digits of other scripts and line breaks are
#: not among it: a number that holds one was not written as one number.
_TYPED: Final = (
    dict.fromkeys(map(ord, INVISIBLE))
    | dict.fromkeys(map(ord, SPACES), " ")
    | dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"), "-")
)
_SCHEME: Final = re.compile(r"tel: *", re.IGNORECASE)
#: Digits with the separators people write. A slash parts digits only by twos and more: after it, a single one
#: is another number's end.
_SEPARATED: Final = r"(?:[0-9 .()-]|/(?=[0-9]{2})){4,39}"
_INTERNATIONAL: Final = re.compile(r"\(?\+ ?[0-9]" + _SEPARATED, re.ASCII)
_NATIONAL: Final = re.compile(r"[0-9(]" + _SEPARATED, re.ASCII)
#: Digits of the shortest number that is not a postcode or a year.
_DIGITS_MIN: Final = 6
_INTERNATIONALLY: Final = "must be international, such as +33612345678"
#: What spreadsheets make of numbers. No digit is to be made out of it: it may be another person's.
_DAMAGE: Final = (
    (
        re.compile(r"['\u2018\u2019`\u00b4] ?[+(0-9]"),
        "without the apostrophe that spreadsheets put in front of text",
    ),
    (
        re.compile(r"\+?[0-9]+(?:[.,][0-9]+)?E\+?[0-9]+\Z", re.IGNORECASE | re.ASCII),
        "not the scientific notation of a spreadsheet, which has lost digits: format the column as text",
    ),
    (
        re.compile(r"\+?[0-9]{6,}[.,]0\Z", re.ASCII),
        "without the decimals of a spreadsheet: format the column as text",
    ),
)
#: A date with a year of four digits, or with the name of a month. In some countries its digits are a number.
_DATE: Final = (
    re.compile(
        r"(?:(?:19|20)[0-9]{2}([-/.])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-/.])[0-9]{1,2}\2(?:19|20)[0-9]{2}"
        r"|[0-9]{1,2}[-/ ][a-z\u00e9\u00fb]{3,9}[.]?[-/ ][0-9]{2,4})(?:[ T].*)?\Z",
        re.IGNORECASE,
    ),
    "not a date: if a spreadsheet made a date of a number, format the column as text",
)
#: The prefix of international calls that most countries have. No country has a number that begins so.
_PREFIX: Final = re.compile(r"\A(\(?)00 ?(?=[1-9])")
_HINTS: Final = (
    (re.compile(r"\(?0[1-9]"), "a national number needs a country, such as {region}"),
    (re.compile(r"[1-9][0-9 .()-]{5,}\Z"), "its + or its first 0 is missing, as spreadsheets drop them"),
)
#: Mainland France and its overseas departments. They share one national numbering plan, 0X XX XX XX XX: each
#: number belongs to one of these calling codes and is dialled, and reported, as if it were any other's.
_FRENCH: Final = (33, 590, 594, 596, 262)
#: The region that a calling code means first.
_MAIN_REGION: Final = {
    str(code): regions[0] for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
}


def to_e164(number: str, *, default_region: str = "", told_by: str = "DEFAULT_REGION=FR") -> str:
    """Normalise a number that a person or a tool has written.

    Args:
        number: as `producers.to_e164` takes it.
        default_region: two letters of the country whose national numbers are read; none if empty.
        told_by: how whoever asks is told of a country, for the words about a national number without one.

    Returns:
        The number as ``"+33612345678"``.

    Raises:
        ValueError: the number is not in such a form or does not exist in its country's plan. One such number
            would make the gateway refuse a whole call. The text never holds the number.
    """
    number = plain(number)
    mobiles = _mobiles(number[:4])
    if mobiles and mobiles.fullmatch(number):
        return number
    written = _typed(number)
    for damage, hint in (*_DAMAGE, _DATE):
        if damage.match(written):
            raise ValueError(f"{_INTERNATIONALLY}, {hint}")
    parsed = _parsed(written if default_region else _PREFIX.sub(r"\1+", written), default_region)
    if parsed is None:
        raise ValueError(_hinted(written, default_region, told_by))
    if not phonenumbers.is_valid_number(parsed):
        parsed = _dialled(parsed, explicit=written.startswith(("+", "(+", "00")))
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def looks_like_number(written: str) -> bool:
    """Tell whether somebody meant this as a number and nothing else, readable or damaged."""
    typed = _typed(written)
    if any(damage.match(typed) for damage, _ in _DAMAGE):
        return True
    shape = _INTERNATIONAL if "+" in typed else _NATIONAL
    return bool(shape.fullmatch(typed)) and sum(map(str.isdigit, typed)) >= _DIGITS_MIN


def known_region(region: str) -> str:
    """Return a region whose numbering plan is known.

    Raises:
        ValueError: it is none.
    """
    known = as_text(region)
    if known not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("must be the two capital letters of a country, such as FR")
    return known


def _typed(number: str) -> str:
    """Write a number as a person would have typed it: nothing invisible, plain spaces and hyphens."""
    return _SCHEME.sub("", number.translate(_TYPED).strip(" "), count=1) if number else ""


def _parsed(written: str, region: str) -> phonenumbers.PhoneNumber | None:
    """Parse what has the shape of a number, or return None."""
    if not (_INTERNATIONAL.fullmatch(written) or (region and _NATIONAL.fullmatch(written))):
        return None
    try:
        return phonenumbers.parse(written, known_region(region) if region else None)
    except phonenumbers.NumberParseException:
        return None


def _hinted(written: str, region: str, told_by: str) -> str:
    """Say what a number must be, and what seems to be wrong with it."""
    must = _INTERNATIONALLY + (f", or a number of {region}" if region else "")
    hints = () if region else _HINTS
    hint = next((hint for shape, hint in hints if shape.match(written)), "")
    return f"{must}: {hint.format(region=told_by)}" if hint else must


def _dialled(parsed: phonenumbers.PhoneNumber, *, explicit: bool) -> phonenumbers.PhoneNumber:
    """Find the French calling code of a number that is none under the code it was read with.

    Raises:
        ValueError: there is none; or the wrong code was written. Which person is meant is certain then, too,
            but whoever writes +33690… is to learn that receipts and opt-outs will come under another number.
    """
    found = _french(parsed)
    if found is None:
        raise ValueError("is no valid number of its country")
    if explicit:
        raise ValueError(
            f"is a French number under another code: write +{found.country_code} in place of "
            f"+{parsed.country_code}"
        )
    return found


def _french(parsed: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber | None:
    """Give a French number that is none under its code the one under which it exists."""
    if parsed.country_code not in _FRENCH:
        return None
    national = parsed.national_number
    under = (phonenumbers.PhoneNumber(country_code=code, national_number=national) for code in _FRENCH)
    return next(filter(phonenumbers.is_valid_number, under), None)


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


def calling_region(number: str) -> str:
    """Return the region that the calling code of a number in E.164 means first; ``ZZ`` if it has none.

    A look-up, and no parsing: a French department has its own code, Canada shares that of ``US``.
    """
    return next((_MAIN_REGION[number[1:end]] for end in (2, 3, 4) if number[1:end] in _MAIN_REGION), "ZZ")


def mask(number: str) -> str:
    """Hide all but the first four and last two characters: ``+336*****78``. For logs and screens."""
    return (
        f"{number[:4]}{'*' * max(len(number) - 6, 0)}{number[-2:]}" if len(number) > 6 else "*" * len(number)
    )


def from_gateway(number: str) -> tuple[str, str | None]:
    """Normalise a number as the gateway reports it: with ``+``, without it, with ``00``, or French ``0X``.

    French overseas numbers come under ``+33``, too: ``+33690…`` is the handset that applications know as
    ``+590690…``. Total: what cannot be read as a number (a short code, rubbish) comes back as it is.

    Returns:
        The number in E.164 and its region such as ``FR``; or the input, stripped, and None.
    """
    given = number.strip()
    digits = re.sub(r"[ .()/-]", "", _typed(given))
    for written in (digits, f"+{digits.removeprefix('00')}", f"+33{digits.removeprefix('0')}"):
        parsed = _parsed(written, "")
        if parsed is not None and not phonenumbers.is_valid_number(parsed):
            parsed = _french(parsed) if parsed.country_code == _FRENCH[0] else None
        if parsed is not None:
            e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
            return e164, phonenumbers.region_code_for_number(parsed)
    return given, None
