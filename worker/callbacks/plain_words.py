"""A text as plain words: no case, accents or width, nothing invisible. Pure and total."""

import re
import unicodedata
from typing import Final

#: Characters of a word that are read.
WORD: Final = 40
#: Characters of a text that are read: as they came, with all their marks, and when they are plain. An SMS
#: has 1,530.
_READ: Final = 4_096
_READ_PLAIN: Final = 1_600
#: Words of a text that are read.
_WORDS: Final = 500
#: Categories of Unicode that are seen on a letter or not at all: marks and signs of format.
_INVISIBLE: Final = frozenset({"Mn", "Mc", "Me", "Cf"})
#: The one mark of which folding the case makes a letter.
_MARK_WITH_CASE: Final = "\u0345"
#: Letters that no normalisation makes plain: the Turkish i, and capitals in dark circles and squares.
_PLAIN: Final = {"\u0131": "i"} | {
    chr(first + i): chr(ord("a") + i) for first in (0x1F150, 0x1F170) for i in range(26)
}
#: Characters that are taken apart together. All of a text at once would be quicker, but for one of thousands
#: of marks: to put those in order takes their number squared.
_TOGETHER: Final = 64
_WORD_IN: Final = re.compile(r"[^\W_]+")
_REPEATED: Final = re.compile(r"([^\W\d_])\1+")


def plain(text: str) -> str:
    """Take case, accents, width and what is invisible off the beginning of a text; its signs stay."""
    text = text[:_READ]
    return (text if text.isascii() else _letters(text))[:_READ_PLAIN].casefold()


def words_in(said: str) -> list[str]:
    """Return the words of a plain text, as runs of letters and digits."""
    return [word[:WORD] for word in _WORD_IN.findall(said)[:_WORDS]]


def squeeze(said: str) -> str:
    """Write each run of one letter once: ``stooop`` becomes ``stop``, ``arrete`` becomes ``arete``."""
    return _REPEATED.sub(r"\1", said)


def _letters(text: str) -> str:
    """Make letters and signs plain, some at a time, until there are as many as are read."""
    text, found = text.replace(_MARK_WITH_CASE, ""), ""
    for start in range(0, len(text), _TOGETHER):
        apart = unicodedata.normalize("NFKD", text[start : start + _TOGETHER].casefold())
        seen = [each for each in apart if unicodedata.category(each) not in _INVISIBLE]
        found += "".join([_PLAIN.get(each, each) for each in seen])
        if len(found) >= _READ_PLAIN:
            break
    return found
