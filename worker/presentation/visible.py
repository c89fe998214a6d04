"""Foreign text made harmless for pages, terminals and mails. Pure and total."""

import re
import unicodedata
from typing import Final

#: What changes how other text is shown, or shows nothing: controls, direction marks, half surrogates,
#: separators, characters of no assigned meaning.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Joiners within emoji and Indic scripts: naming them would garble honest text.
_HONEST: Final = frozenset("\u200c\u200d")
_HALF: Final = re.compile(r"[\ud800-\udfff]")
_PLAIN: Final = re.compile(r"[ -~]*")


def visible(text: str, *, lines: bool = False) -> str:
    """Write every character that nobody sees as ``⟨U+202E⟩``, and leave all others as they are.

    What comes back can be encoded, moves no cursor, reverses no text and breaks no line.

    Args:
        text: anything, lone surrogates included.
        lines: keep line feeds; a carriage return before one is dropped.
    """
    if _PLAIN.fullmatch(text):
        return text
    if lines:
        return "\n".join(map(visible, text.replace("\r\n", "\n").split("\n")))
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN and character not in _HONEST:
        return f"⟨U+{ord(character):04X}⟩"
    return character


def whole(text: str) -> str:
    """Write only half surrogates as ``⟨U+D83D⟩``, so that the text can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _HALF.sub(lambda half: _shown(half[0]), text)
    return text
