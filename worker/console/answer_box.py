"""What the box says in which an operator answers: what an answer becomes, and whether it can arrive."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from producers.messages.segments import billed, optimised, segment
from producers.queueing.conversations import Conversation
from producers.queueing.turns import Turn

#: Who writes this, in whatever case, gets messages again.
_START: Final = "START"
#: The word of a receipt for a number to which Octopush delivers nothing.
_BLOCKED: Final = "BLACKLISTED_NUMBER"


@dataclass(frozen=True, slots=True)
class Count:
    """What an answer becomes over the air, after Octopush has rewritten it.

    Attributes:
        segments: what it is billed as.
        characters: of what is sent.
        costly: the first character that needs the wide encoding, or ``""``.
        rewritten: characters that Octopush writes in another way, each with what it writes.
        spaces: whether it leaves out spaces.
    """

    segments: int
    characters: int
    costly: str
    rewritten: tuple[tuple[str, str], ...]
    spaces: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the answer box.

    Attributes:
        text: the answer.
        seen: the newest turn that its writer saw.
        problems: what is wrong with it, by field.
        count: what it becomes over the air, once somebody has asked.
    """

    text: str = ""
    seen: str = ""
    problems: tuple[tuple[str, str], ...] = ()
    count: Count | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether the person wants messages, as far as the turns that are shown tell.

    Attributes:
        stopped_at: when the person last asked for no more messages, or None.
        started_at: when the person wrote START after that, or None.
        blocked: whether Octopush delivers nothing to the person: since then no START came.
    """

    stopped_at: datetime | None
    started_at: datetime | None
    blocked: bool


def counted(draft: Draft) -> Draft:
    """Count the segments of a draft."""
    sent = optimised(draft.text)
    costly = next((each for each in sent if segment(each).encoding == "ucs2"), "")
    rewritten = [(each, cheap) for each in dict.fromkeys(draft.text) if (cheap := _cheap(each)) != each]
    spaces = len(sent) < len(draft.text)
    count = Count(billed(draft.text, optimise=True), len(sent), costly, tuple(rewritten), spaces)
    return replace(draft, problems=(), count=count)


def consent_of(conversation: Conversation) -> Consent:
    """Say whether the person wants messages."""
    started_at = None
    blocked = False
    for turn in reversed(conversation.turns):
        if turn.opted_out:
            return Consent(turn.at, started_at, blocked or started_at is None)
        if _is_start(turn):
            started_at = started_at or turn.at
        elif started_at is None and turn.delivery is not None and turn.delivery.status == _BLOCKED:
            blocked = True
    return Consent(None, started_at, blocked)


def _cheap(character: str) -> str:
    """Write one character as Octopush does; a space alone would be superfluous."""
    return character if character == " " else optimised(character)


def _is_start(turn: Turn) -> bool:
    return turn.direction == "in" and not turn.opted_out and (turn.text or "").strip().upper() == _START
