"""Counting the parts of an SMS: 3GPP TS 23.038 alphabet, 160/153 and 70/67 characters.

The usual sizes are those of Octopush's user manual; older pages give 137, 63 and 70 per part.
"""

from collections.abc import Iterable

_GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")
#: Characters that Octopush's special-characters page counts twice, and the standard once.
_OCTOPUSH_DOUBLE = frozenset("&$@\n\r")

GSM7_ALONE, GSM7_PART = 160, 153
UCS2_ALONE, UCS2_PART = 70, 67


def count_segments(
    text: str,
    *,
    octopush_double_counting: bool = False,
    gsm7_part: int = GSM7_PART,
    ucs2_part: int = UCS2_PART,
) -> int:
    """Count the parts a text needs; an empty text needs one.

    Args:
        text: What reaches the handset.
        octopush_double_counting: Count ``& $ @`` and line ends as two septets.
        gsm7_part: Septets of a part of a longer text.
        ucs2_part: 16-bit units of a part of a longer text.
    """
    if forces_unicode(text):
        return _parts(_ucs2(text), UCS2_ALONE, ucs2_part)
    return _parts(_gsm7(text, octopush_double_counting), GSM7_ALONE, gsm7_part)


def count_units(text: str, *, octopush_double_counting: bool = False) -> int:
    """Count the septets of a text in GSM-7, or the 16-bit units of one that travels as UCS-2."""
    return sum(_ucs2(text) if forces_unicode(text) else _gsm7(text, octopush_double_counting))


def forces_unicode(text: str) -> str:
    """Return the first character that GSM-7 lacks, which makes the text UCS-2; empty if there is none."""
    return next((c for c in text if c not in _GSM7_BASIC and c not in _GSM7_EXTENSION), "")


def _ucs2(text: str) -> Iterable[int]:
    return (2 if ord(c) > 0xFFFF else 1 for c in text)


def _gsm7(text: str, octopush_double_counting: bool) -> Iterable[int]:  # noqa: FBT001 - private, one caller's name
    double = _GSM7_EXTENSION | _OCTOPUSH_DOUBLE if octopush_double_counting else _GSM7_EXTENSION
    return (2 if c in double else 1 for c in text)


def _parts(sizes: Iterable[int], alone: int, part: int) -> int:
    """Pack characters into parts; a character of size two is never cut in half."""
    units, parts, filled = 0, 1, 0
    for size in sizes:
        units += size
        filled += size
        if filled > part:
            parts += 1
            filled = size
    return 1 if units <= alone else parts
