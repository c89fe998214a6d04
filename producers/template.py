"""A text taken apart at its placeholders once, so that filling and counting it costs little per recipient."""

import re
from functools import lru_cache
from typing import Final

import msgspec

from producers.recipient import Recipient
from producers.segments import segment

#: What a recipient may bring, and the gateway fills in.
_VARIABLES: Final = frozenset(Recipient.__struct_fields__[1:])

#: What looks like a placeholder.
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Template(msgspec.Struct, frozen=True):
    """A text and its placeholders.

    Attributes:
        text: as given.
        variables: those that a recipient may bring and it uses, sorted, each once.
        unknown: whether it uses a placeholder that the gateway does not know.
        pieces: literal text and names by turns, literal text first and last.
        segments: segments of the text if there is nothing to fill in, else 0.
    """

    text: str
    variables: tuple[str, ...]
    unknown: bool
    pieces: tuple[str, ...]
    segments: int

    def fill(self, recipient: Recipient) -> str:
        """Fill in the values of one recipient, as the gateway will."""
        filled = list(self.pieces)
        filled[1::2] = [getattr(recipient, name, None) or "" for name in self.pieces[1::2]]
        return "".join(filled)

    def segments_for(self, recipient: Recipient) -> int:
        """Count the segments of the text that one recipient gets."""
        return self.segments or segment(self.fill(recipient)).segments


def take_apart(text: str) -> Template:
    """Find the placeholders of a text."""
    pieces = tuple(_PLACEHOLDER.split(text))
    names = set(pieces[1::2])
    return Template(
        text=text,
        variables=tuple(sorted(names & _VARIABLES)),
        unknown=not names <= _VARIABLES,
        pieces=pieces,
        segments=0 if names else segment(text).segments,
    )


def template(text: str) -> Template:
    """Find the placeholders of a checked text. Those that have any are remembered: they repeat."""
    if "{" in text:
        return _remembered(text)
    return Template(text=text, variables=(), unknown=False, pieces=(text,), segments=segment(text).segments)


_remembered = lru_cache(maxsize=256)(take_apart)
