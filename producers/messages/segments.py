"""How many segments a text takes over the air.

Rules from 3GPP TS 23.038: a text in the GSM 7-bit alphabet fits 160 units alone or 153 per part of a
chain; any other character turns the whole text into UCS-2, 70 alone or 67 per part. Octopush's pages
disagree on part sizes; 160/153 and 70/67 are those of its user manual. With ``auto_optimize_text`` the
gateway rewrites a text before it counts. Its own ``number_of_sms_needed`` decides what is billed.
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
#: What one of Octopush's pages counts twice, and the standard once.
_DOUBTFUL: Final = "&$@\n\r"
_DOUBTFUL_ONE: Final = re.compile(f"[{re.escape(_EXTENDED + _DOUBTFUL)}]")
#: One unit each, whatever page is right.
_SURE: Final = re.compile(f"[{re.escape(''.join(set(_BASIC) - set(_DOUBTFUL)))}]*")

#: What the gateway puts in place of costly characters (Octopush docs, special characters).
_CHEAP: Final = (
    *(("ÀÁÂÃ", "A"), ("ÈÊË", "E"), ("ÌÍÎÏ|", "I"), ("ÒÓÔÕ", "O"), ("ÙÚÛ", "U"), ("ÝŸ", "Y"), ("Ð", "D")),
    *(("áâã", "a"), ("ç", "c"), ("êë", "e"), ("íîï", "i"), ("ðóôõ°", "o"), ("úûµ", "u"), ("ýÿÞ", "y")),
    *(("«»\u201c\u201d", '"'), ("¨^\u2013\u2014", "-"), ("\u2018\u2019\u00b4`", "'"), ("\u201a\u201e", ",")),
    *(("…•", "."), ("\\", "/")),
)
_REWRITTEN: Final = str.maketrans({each: cheap for costly, cheap in _CHEAP for each in costly})
#: What that table lacks, and French texts have: each makes the whole text UCS-2.
_LACKING: Final = str.maketrans({"œ": "oe", "Œ": "OE", "\u00a0": " ", "\u202f": " "})
#: Two tables of our own: one that writes an ellipsis as people do, one that saves its dots.
_TABLES: Final = (_REWRITTEN | _LACKING | str.maketrans({"…": "..."}), _REWRITTEN | _LACKING)
_SUPERFLUOUS: Final = re.compile(" {2,}")


#: Septets of a text that is no chain.
_ALONE: Final = 160
#: Characters up to which a text of one segment is one however they are counted: at most two septets each.
SURELY_ONE: Final = _ALONE // 2


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
        return Segmentation("gsm7", len(text), _parts(text, None, len(text), _ALONE, 153))
    encoding: Literal["gsm7", "ucs2"] = "gsm7" if _GSM7.fullmatch(text) else "ucs2"
    wide, alone, chained = (_EXTENDED_ONE, _ALONE, 153) if encoding == "gsm7" else (_ASTRAL_ONE, 70, 67)
    units = len(text) + len(wide.findall(text))
    return Segmentation(encoding, units, _parts(text, wide, units, alone, chained))


def optimised(text: str) -> str:
    """Rewrite a text as the gateway does with ``auto_optimize_text``; superfluous spaces go, too."""
    return _SUPERFLUOUS.sub(" ", text.translate(_REWRITTEN)).strip(" ")


def replaced(text: str, longest: int) -> str:
    """Rewrite a text, or the value of a placeholder, as ``TEXT_OPTIMIZE`` asks for, before it is queued.

    Costly characters are replaced only where that saves a segment or makes it GSM-7 altogether: next to an
    emoji a replaced letter saves nothing. Superfluous spaces go in any case. The result never takes more
    segments than the text, nor than what the gateway makes of it.

    Args:
        text: placeholders stay as they are.
        longest: characters that the result may have; replacing may lengthen, œ to oe.
    """
    spaced = _SUPERFLUOUS.sub(" ", text).strip(" ")
    if _PLAIN.fullmatch(spaced):
        return spaced
    written = [_SUPERFLUOUS.sub(" ", spaced.translate(table)).strip(" ") for table in _TABLES]
    cheap = [each for each in (spaced, *written) if len(each) <= longest and _GSM7.fullmatch(each)]
    return min(cheap, key=lambda each: segment(each).segments, default=spaced)


def billed(text: str, optimise: bool) -> int:  # noqa: FBT001 - called for every message
    """Count the segments that a text is billed as.

    Args:
        text: as sent, placeholders already filled in.
        optimise: whether the gateway rewrites it first.
    """
    if len(text) <= _ALONE and _PLAIN.fullmatch(text):
        return 1
    return segment(optimised(text) if optimise else text).segments


def costs_at_worst(text: str, optimise: bool) -> int:  # noqa: FBT001 - as `billed`
    """Count segments as dear as the gateway may: ``& $ @`` and line ends as two septets; for estimates.

    Octopush's page on special characters counts so, its user manual does not say. Never less than `billed`.
    """
    if len(text) <= _ALONE and _SURE.fullmatch(text):
        return 1
    text = optimised(text) if optimise else text
    if not _GSM7.fullmatch(text):
        return segment(text).segments
    return _parts(text, _DOUBTFUL_ONE, len(text) + len(_DOUBTFUL_ONE.findall(text)), _ALONE, 153)


def costly_characters(text: str) -> str:
    """List the characters that make a text UCS-2, each once, in order."""
    return "" if _GSM7.fullmatch(text) else "".join(dict.fromkeys(c for c in text if not _GSM7.fullmatch(c)))


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
