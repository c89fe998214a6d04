"""What is kept of one call and its answer, and what a question came to. No I/O."""

from typing import Final

import msgspec

from worker.gateway.client import Tried
from worker.gateway.outcomes import Accepted
from worker.pilot.shapes import shape_of

#: Microseconds of an answer are of no use to anybody.
_DIGITS: Final = 3


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer, without what it says in words.

    Attributes:
        kind: ``accepted``, ``duplicate``, ``refused``, ``unexplained``, ``deferred`` or ``unknown``.
        status: the HTTP status; None without an answer.
        code: the gateway's code, or our word; empty for an acceptance.
        ticket: which it named.
        contacts, segments, cost: as it counted.
        shape: what its body looks like.
        took_s: seconds until it was there.
        at: when the call began, seconds since the epoch.
    """

    kind: str
    status: int | None = None
    code: str = ""
    ticket: str | None = None
    contacts: int | None = None
    segments: int | None = None
    cost: str | None = None
    shape: str = ""
    took_s: float = 0.0
    at: float = 0.0

    @property
    def words(self) -> str:
        """How a person is told of it."""
        if self.status is None:
            return f"got no answer ({self.code})"
        named = f"code {self.code}" if self.code.isdecimal() else self.code or "no code"
        return f"was answered as {self.kind}: HTTP {self.status}, {named}"


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a question came to.

    Attributes:
        answer: in a few words; empty: it is not settled.
        why: what shows that, or what stands in the way.
        notes: what else was seen; without personal data.
        duplicate_codes, refusals_keep_ids: what a profile is told, as in `worker.gateway.profile`.
    """

    answer: str = ""
    why: str = ""
    notes: tuple[str, ...] = ()
    duplicate_codes: tuple[int, ...] = ()
    refusals_keep_ids: bool = False


def seen_of(tried: Tried, at: float) -> Seen:
    """Keep of a call what a report may show, and its ticket."""
    outcome = tried.outcome
    facts = {
        "kind": type(outcome).__name__.lower(),
        "status": tried.status,
        "shape": "" if tried.status is None else shape_of(tried.content),
        "took_s": round(tried.took_s, _DIGITS),
        "at": round(at, _DIGITS),
    }
    if isinstance(outcome, Accepted):
        facts |= {"ticket": outcome.ticket, "contacts": outcome.contacts, "segments": outcome.segments}
        facts["cost"] = outcome.cost
    else:
        facts["code"] = outcome.code
    return msgspec.convert(facts, Seen)


def not_settled(which: str, seen: Seen) -> Verdict:
    """Say that an answer tells nothing about the question."""
    return Verdict(why=f"{which} {seen.words}")
