"""A text taken apart at its placeholders once, so that filling and counting it costs little per recipient."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import msgspec

from ..contract.characters import is_blank, visible
from ..contract.discreet import discreet
from .recipient import VARIABLES, Recipient, variable_named
from .segments import SURELY_ONE, billed, costs_at_worst

#: Octopush docs, personalised sendings: characters in a name or parameter.
VARIABLE_MAX: Final = 50

#: What looks like a placeholder.
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: What stands between braces, on one line and short enough for a name.
_BRACED: Final = re.compile(r"\{([^{}\r\n]{1,60})\}")
#: What reads like a name of any script, with what people put into names: ``prénom``, `` first-name ``. It
#: begins with a letter: ``{}``, ``{0}`` and ``{ }`` are only braces.
_NAME: Final = re.compile(r"[\W_]*[^\W\d][\w\s.'\u2019-]*")
_KNOWN: Final = "|".join(VARIABLES)
#: A known name of which one brace is missing.
_HALF: Final = re.compile(rf"\{{\s*(?:{_KNOWN})\b|\b(?:{_KNOWN})\s*\}}")


@discreet
class Template(msgspec.Struct, frozen=True, gc=False):
    """A text and its placeholders.

    Attributes:
        text: as given.
        variables: the variables of a recipient that the text uses, sorted, each once.
        problem: why the gateway would not fill in what somebody meant it to fill in, or ``""``.
        pieces: literal text and names by turns, literal text first and last.
        optimise: whether the gateway rewrites the text before it counts.
        segments: segments of the text if there is nothing to fill in, else 0.
        longest: characters with as much filled in as may be.
        is_blank: whether the text with nothing filled in shows nothing.
    """

    text: str
    variables: tuple[str, ...]
    problem: str
    pieces: tuple[str, ...]
    optimise: bool
    segments: int
    longest: int
    is_blank: bool

    def fill(self, recipient: Recipient) -> str:
        """Fill in the values of one recipient, as the gateway will."""
        filled = list(self.pieces)
        filled[1::2] = [getattr(recipient, name, None) or "" for name in self.pieces[1::2]]
        return "".join(filled)

    def segments_for(self, recipient: Recipient) -> int:
        """Count the segments of the text that one recipient gets."""
        return self.segments or billed(self.fill(recipient), self.optimise)

    def at_worst_for(self, recipient: Recipient, segments: int) -> int:
        """Count the segments of the text that one recipient gets as dear as the gateway may.

        Args:
            recipient: who gets it.
            segments: as `segments_for` counts them.
        """
        if not self.variables:
            return at_worst(self.text, segments, self.optimise)
        filled = self.fill(recipient)
        return 1 if segments == 1 and len(filled) <= SURELY_ONE else costs_at_worst(filled, self.optimise)


def take_apart(text: str, optimise: bool = True) -> Template:  # noqa: FBT001, FBT002 - the key of a cache
    """Find the placeholders of a text."""
    pieces = tuple(_PLACEHOLDER.split(text))
    names = set(pieces[1::2])
    return Template(
        text=text,
        variables=tuple(sorted(names & set(VARIABLES))),
        problem=_problem(pieces[::2], names),
        pieces=pieces,
        optimise=optimise,
        segments=0 if names else billed(text, optimise),
        longest=sum(map(len, pieces[::2])) + VARIABLE_MAX * (len(pieces) // 2),
        is_blank=all(map(is_blank, pieces[::2])),
    )


def template(text: str, optimise: bool = True) -> Template:  # noqa: FBT001, FBT002 - as `take_apart`
    """Find the placeholders of a checked text. Texts are remembered: they come again."""
    return (_remembered if "{" in text or "}" in text else _lately)(text, optimise)


_remembered = lru_cache(maxsize=256)(take_apart)


# What many people get comes many times in a row. A text without placeholders may be about one person: no more
# than the last few are kept.
@lru_cache(maxsize=8)
def _lately(text: str, optimise: bool) -> Template:  # noqa: FBT001 - as `take_apart`
    return Template(text, (), "", (text,), optimise, billed(text, optimise), len(text), is_blank(text))


# Long texts without placeholders come again, too.
@lru_cache(maxsize=256)
def at_worst(text: str, segments: int, optimise: bool) -> int:  # noqa: FBT001 - the key of a cache
    """Count the segments of a text without placeholders as dear as the gateway may.

    Args:
        text: what everybody gets.
        segments: as they are counted.
        optimise: whether the gateway rewrites it.
    """
    return 1 if segments == 1 and len(text) <= SURELY_ONE else costs_at_worst(text, optimise)


def _problem(literal: Sequence[str], names: Iterable[str]) -> str:
    """Say why the gateway would leave a placeholder, or its braces, as they are; empty if it would not."""
    braced = (inside for piece in literal for inside in _BRACED.findall(piece))
    strange = {*names, *filter(_reads_as_name, braced)}.difference(VARIABLES)
    if strange:
        return _unknown({variable_named(each) for each in strange})
    if any(before.endswith("{") and after.startswith("}") for before, after in pairwise(literal)):
        return "has a placeholder in two pairs of braces; one is enough, the other would be sent"
    if any(map(_HALF.search, literal)):
        return "has a placeholder that lacks a brace"
    return ""


def _reads_as_name(inside: str) -> bool:
    return bool(_NAME.fullmatch(unicodedata.normalize("NFC", visible(inside))))


def _unknown(meant: set[str | None]) -> str:
    """Name the placeholders that there are, and those that were probably meant; never what was written."""
    known = "uses an unknown placeholder; known are {" + "} {".join(VARIABLES) + "}"
    exactly = " ".join(f"{{{name}}}" for name in VARIABLES if name in meant)
    return f"{known}; write {exactly} exactly so" if exactly else known
