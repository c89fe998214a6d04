"""One reason why a message is where it is, and how its times are written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from worker.inquiry.dates import in_paris


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a message has not left, or what became of it.

    Attributes:
        word: what kind of reason, in one word.
        sentence: the reason for people.
        details: the facts by name; times are aware.
        way_out: the end of the sentence, if that names the command to type.
    """

    word: str
    sentence: str
    details: Mapping[str, Any] = field(default_factory=dict)
    way_out: str = ""

    @property
    def cause(self) -> str:
        """The sentence without the command to type: for whoever has a button."""
        return self.sentence.removesuffix(self.way_out).rstrip()


def instant(ms: float) -> datetime:
    """Make an instant of a time in Redis."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def clock(ms: float) -> str:
    """Write a time for people."""
    return in_paris(instant(ms))
