"""Foreign text made visible: what hides in it, or changes how other text is shown, is named.

The worker has its own such function. The simulator judges the worker, so it does not borrow it.
"""

import unicodedata
from typing import Final

#: Controls, direction marks, half surrogates, private and unassigned characters, separators.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Line ends are shown as such; joiners stand within emoji and Indic scripts.
_HONEST: Final = frozenset("\n\u200c\u200d")


def harmless(text: str) -> str:
    """Write every character that nobody sees as ``⟨U+202E⟩``; line feeds stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text.replace("\r\n", "\n")))


def _shown(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN and character not in _HONEST:
        return f"⟨U+{ord(character):04X}⟩"
    return character
