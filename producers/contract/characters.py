"""Characters that nobody sees. They travel with what is copied from pages, contacts, spreadsheets. Pure."""

import re
import unicodedata
from typing import Final

#: First and last of each run of characters that have no width: joiners, direction marks, byte order marks,
#: fillers, variation selectors, tags.
_RUNS: Final = (
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB)),
    *((0x1D173, 0x1D17A), (0xE0000, 0xE007F), (0xE0100, 0xE01EF)),
)
INVISIBLE: Final = frozenset(chr(code) for first, last in _RUNS for code in range(first, last + 1))
#: White space within a line, of any width; the braille pattern without a dot is not among it.
SPACES: Final = (
    "\t \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)

_WITHOUT: Final = dict.fromkeys(map(ord, INVISIBLE))
#: What most texts hold, so that they need no second look.
_LETTER: Final = re.compile("[0-9A-Za-z]")
_BLANK: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_BRAILLE_BLANK: Final = "\u2800"


def visible(text: str) -> str:
    """Drop the characters that have no width."""
    return text if text.isascii() else text.translate(_WITHOUT)


def is_blank(text: str) -> bool:
    """Tell whether a text shows nothing: it is empty, or holds white space and invisible characters only."""
    return not _LETTER.search(text) and all(map(_shows_nothing, text))


def _shows_nothing(character: str) -> bool:
    return character in INVISIBLE or character == _BRAILLE_BLANK or unicodedata.category(character) in _BLANK
