"""Why has this message not left yet, or what became of it? A verdict, the reasons, and its life so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from producers.contract.jobs import ENDS
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.steps import Steps
from producers.rules.hours import Hours
from worker.inquiry.code_words import is_duplicate, meaning_of
from worker.inquiry.reason import Reason, clock, instant
from worker.inquiry.reasons import reasons
from worker.inquiry.send_facts import Send, look
from worker.inquiry.timeline import Life, Moment, read_timeline

#: What an end state means for whoever asks.
_ENDED: Final = {
    "accepted": "The gateway accepted it",
    "rejected": "The gateway said no for good",
    "expired": "Its time to live passed before it could leave",
    "cancelled": "It was cancelled before it left",
    "failed": "It was never accepted, and nobody tries again",
    "unknown": "Nobody knows whether the gateway accepted it: a person decides",
}
#: Said if the last answer was that of a duplicate: so ends what had left, was forgotten and is repeated.
_WAS_THERE: Final = "The gateway has had its id, so it was probably sent"
_IF_THERE: Final = (
    "To close it: octopush-worker resolve {} --as-accepted. Only if it was surely not sent: --send-again"
)
_WAY_OUT: Final = {
    "unknown": "To decide: octopush-worker resolve {} --as-accepted or --send-again",
    "rejected": "To send it again: octopush-worker replay {}",
    "failed": "To send it again: octopush-worker replay {}",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a message is, and why.

    Attributes:
        request_id: which.
        state: that of its record; None if nobody knows the id.
        verdict: the word of the first reason; docs/commands.md lists them.
        sentence: the first reason for people.
        details: the facts of that reason, by name.
        reasons: all reasons that hold now, the first included.
        timeline: what happened, the first thing first, with `timeline.RECEIPTS` receipts at most.
        more_receipts: how many more there are.
    """

    request_id: str
    state: str | None
    verdict: str
    sentence: str
    details: Mapping[str, Any]
    reasons: tuple[Reason, ...]
    timeline: tuple[Moment, ...]
    more_receipts: int = 0


def explain(keys: Keys, pseudonyms: KnownPseudonyms, hours: Hours, request_id: str) -> Steps[Explanation]:
    """Say why a message has not left, or what became of it; at most eight round trips."""
    send = yield from look(keys, request_id)
    if send is None:
        known = "it never was, was forgotten some time after its end, or was lost with a Redis"
        sentence = f"Nobody knows this id: {known}."
        return _made(request_id, None, (Reason("forgotten", sentence),), Life((), 0))
    life = yield from read_timeline(keys, pseudonyms, request_id, send.record)
    return _made(request_id, send.record["state"], _reasons(send, hours), life)


def why(keys: Keys, hours: Hours, request_id: str) -> Steps[tuple[Reason, ...]]:
    """Name the reasons alone, the weightiest first; at most four round trips. None for an unknown id."""
    send = yield from look(keys, request_id)
    return () if send is None else _reasons(send, hours)


def _reasons(send: Send, hours: Hours) -> tuple[Reason, ...]:
    state = send.record["state"]
    return (_ended(send, state),) if state in ENDS else tuple(reasons(send, hours))


def _made(request_id: str, state: str | None, found: tuple[Reason, ...], life: Life) -> Explanation:
    first = found[0]
    told = (first.word, first.sentence, first.details)
    return Explanation(request_id, state, *told, found, life.moments, life.more_receipts)


def _ended(send: Send, state: str) -> Reason:
    record = send.record
    ended_ms, code, ticket = float(record.get("ended", 0)), record.get("code"), record.get("ticket")
    meaning = meaning_of(code) if code else ""
    if "held_until" in record:
        meaning += f", and it could have left at {clock(float(record['held_until']))}"
    named = f", code {code}{', ' if meaning else ''}{meaning}" if code else ""
    as_ticket = f", ticket {ticket}" if ticket else ""
    was_there = state == "unknown" and code is not None and is_duplicate(code)
    way_out = _IF_THERE if was_there else _WAY_OUT.get(state, "")
    way_out = f"{way_out.format(send.request_id)}." if way_out else ""
    details = {
        "state": state,
        "at": instant(ended_ms) if ended_ms else None,
        "code": code,
        "ticket": ticket,
    }
    ended = f"{_ENDED[state]}, {clock(ended_ms)}{named}{as_ticket}.{f' {_WAS_THERE}.' if was_there else ''}"
    sentence = f"{ended} {way_out}".rstrip()
    return Reason("ended", sentence, details, way_out)
