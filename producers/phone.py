"""Phone numbers: E.164 in, E.164 out, and a form that may be logged."""

import contextlib
import re

import phonenumbers

#: Shape of what may be parsed: a plus, then digits with the separators people write. ASCII only, so no
#: newline and no Unicode digit passes.
_WRITTEN = re.compile(r"\+[0-9][0-9 .()-]{4,29}")


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
    if not _WRITTEN.fullmatch(number):
        raise ValueError("must be international, such as +33612345678")
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise ValueError("must be international, such as +33612345678") from None
    if not phonenumbers.is_valid_number(parsed):
        raise ValueError("is no valid number of its country")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


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
