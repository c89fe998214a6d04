"""How many segments a text takes over the air.

Rules from 3GPP TS 23.038: a text in the GSM 7-bit alphabet fits 160 units alone or 153 per part of a
chain; any other character turns the whole text into UCS-2, 70 alone or 67 per part. Octopush's pages
disagree on part sizes; 160/153 and 70/67 are those of its user manual. The gateway's own
``number_of_sms_needed`` decides what is billed.
"""

import re
from typing import Final, Literal

import msgspec

#: GSM 03.38 basic alphabet: one unit each.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: GSM 03.38 extension table: an escape and a character, two units that never part.
_EXTENDED: Final = "\f^{}\\[~]|€"

#: One unit each; one or two units each.
_PLAIN: Final = re.compile(f"[{re.escape(_BASIC)}]*")
_GSM7: Final = re.compile(f"[{re.escape(_BASIC + _EXTENDED)}]*")
#: Characters of two units, in either encoding.
_EXTENDED_ONE: Final = re.compile(f"[{re.escape(_EXTENDED)}]")
_ASTRAL_ONE: Final = re.compile("[\U00010000-\U0010ffff]")


class Segmentation(msgspec.Struct, frozen=True, gc=False):
    """What a text becomes over the air.

    Attributes:
        encoding: ``gsm7`` or ``ucs2``.
        units: length in septets (gsm7) or 16-bit units (ucs2).
        segments: number of parts, at least 1.
    """

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int


def segment(text: str) -> Segmentation:
    """Count encoding, units and segments of a text, placeholders already filled in."""
    if _PLAIN.fullmatch(text):
        return Segmentation("gsm7", len(text), _parts(text, None, len(text), 160, 153))
    encoding: Literal["gsm7", "ucs2"] = "gsm7" if _GSM7.fullmatch(text) else "ucs2"
    wide, alone, chained = (_EXTENDED_ONE, 160, 153) if encoding == "gsm7" else (_ASTRAL_ONE, 70, 67)
    units = len(text) + len(wide.findall(text))
    return Segmentation(encoding, units, _parts(text, wide, units, alone, chained))


def _parts(text: str, wide: re.Pattern[str] | None, units: int, alone: int, chained: int) -> int:
    """Fill parts greedily; a two-unit character is never split between two parts."""
    if units <= alone:
        return 1
    if wide is None:
        return -(-units // chained)
    parts, room = 1, chained
    for character in text:
        width = 2 if wide.match(character) else 1
        if width > room:
            parts, room = parts + 1, chained
        room -= width
    return parts
