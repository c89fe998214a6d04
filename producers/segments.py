"""How many segments a text takes over the air.

Rules from 3GPP TS 23.038: a text in the GSM 7-bit alphabet fits 160 units alone or 153 per part of a
chain; any other character turns the whole text into UCS-2, 70 alone or 67 per part. Octopush's pages
disagree on part sizes; 160/153 and 70/67 are those of its user manual. The gateway's own
``number_of_sms_needed`` decides what is billed.
"""

from dataclasses import dataclass
from typing import Final, Literal

#: GSM 03.38 basic alphabet: one unit each.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: GSM 03.38 extension table: an escape and a character, two units that never part.
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Segmentation:
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
    widths = _gsm7_widths(text)
    if widths is not None:
        return Segmentation("gsm7", sum(widths), _parts(widths, 160, 153))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Segmentation("ucs2", sum(widths), _parts(widths, 70, 67))


def _gsm7_widths(text: str) -> list[int] | None:
    """Units of each character, or None when one lies outside the alphabet."""
    widths = []
    for character in text:
        if character in _BASIC:
            widths.append(1)
        elif character in _EXTENDED:
            widths.append(2)
        else:
            return None
    return widths


def _parts(widths: list[int], alone: int, chained: int) -> int:
    """Fill parts greedily; a two-unit character is never split between two parts."""
    if sum(widths) <= alone:
        return 1
    parts, room = 1, chained
    for width in widths:
        if width > room:
            parts, room = parts + 1, chained
        room -= width
    return parts
