"""How forwarders are, what waits in them, and what they could not deliver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from producers.contract.figures import Figures
from producers.contract.forwarder_figures import RESULTS, TRIED
from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.paging import PAGE, Page, now_ms, pairs, read_stream

#: Milliseconds after which a forwarder of which nothing is heard is taken for stopped.
_SILENT_MS: Final = 20_000
#: Forwarders that are shown, the ones heard last first.
_FORWARDERS: Final = 50


#: How a forwarder is, in words that pages and commands share.
Word = Literal["paused", "held", "no process seen", "tries again", "delivering", "ready"]


@dataclass(frozen=True, slots=True)
class ForwarderState:
    """How a forwarder is. Times are epoch milliseconds by Redis's clock, None for never.

    Attributes:
        name: its name.
        receiver: where it brings events, or empty.
        streams: what it forwards; nothing before one of its processes has begun.
        waiting: events that are not delivered yet.
        dead: dead letters.
        oldest_ms: since when the oldest of the waiting waits.
        heard_ms: when one of its processes was last heard.
        delivered_ms: when an event was last delivered.
        paused: why nothing is delivered until a person resumes, or None.
        held: why only probes are delivered, or None.
        since_ms: since when it is paused, or else held.
        probe_ms: when the next probe is due, while it is held.
        next_ms: when the next attempt is due; None while none is.
        trouble: what the last attempt for the oldest of the waiting came to; None if none was made for it.
        tried: attempts ever made by result, such as ``delivered``: see `RESULTS`.
        now_ms: the time now.
    """

    name: str
    receiver: str
    streams: Sequence[str]
    waiting: int
    dead: int
    oldest_ms: int | None
    heard_ms: int | None
    delivered_ms: int | None
    paused: str | None
    held: str | None
    since_ms: int | None
    probe_ms: int | None
    next_ms: int | None
    trouble: str | None
    tried: Mapping[str, int]
    now_ms: int


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that is not delivered yet.

    Attributes:
        event_id, stream, attempts: as in `worker.forwarding.outcomes.OutgoingEvent`.
        due_ms: epoch milliseconds of the next attempt; None while one runs.
        why: what the last attempt came to, or None before the first.
    """

    event_id: str
    stream: str
    attempts: int
    due_ms: int | None
    why: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be delivered.

    Attributes:
        letter_id: its id in the stream of dead letters.
        event_id, stream, entry_id, attempts: as in `worker.forwarding.outcomes.OutgoingEvent`.
        why: what the last attempt came to.
        at: when it was given up, ISO 8601.
    """

    letter_id: str
    event_id: str
    stream: str
    entry_id: str
    attempts: int
    why: str
    at: str


def word_of(state: ForwarderState, *, failing: bool) -> Word:
    """Say how a forwarder is, in the words that pages and commands use: what a person must end comes first.

    Args:
        state: of the forwarder.
        failing: whether an event that waits was tried before.
    """
    if state.paused is not None:
        return "paused"
    if state.heard_ms is None or state.now_ms - state.heard_ms > _SILENT_MS:
        return "no process seen"
    if state.held is not None:
        return "held"
    if failing:
        return "tries again"
    return "delivering" if state.waiting else "ready"


def names(keys: Keys) -> Steps[list[str]]:
    """Name the forwarders, those heard last first, at most 50; what none can be called is left out."""
    (found,) = yield Commands([("ZREVRANGE", keys.forwarders, 0, _FORWARDERS - 1)])
    return [name for name, _ in Figures().forwarders((name, 0) for name in found)]


def states(keys: Keys, named: Sequence[str]) -> Steps[list[ForwarderState]]:
    """Say how forwarders are, in two round trips."""
    commands: list[Sequence[str | int]] = [("TIME",)]
    for name in named:
        waits = keys.forward_waiting(name)
        commands += [
            _asked(keys, name),
            ("ZCARD", waits),
            ("ZRANGE", waits, 0, 0, "WITHSCORES"),
            ("XLEN", keys.forward_dead(name)),
            ("ZSCORE", keys.forwarders, name),
        ]
    time, *replies = yield Commands(commands)
    told = {name: replies[5 * at : 5 * at + 5] for at, name in enumerate(named)}
    nexts = yield from _nexts(keys, {name: _first(found[2]) for name, found in told.items()})
    return [_state(now_ms(time), name, nexts[name], *found) for name, found in told.items()]


def _nexts(keys: Keys, oldest: Mapping[str, str]) -> Steps[dict[str, tuple[Any, Any]]]:
    """Ask when each forwarder tries next, and what its oldest event came to; None is what cannot be read."""
    asked: list[Sequence[str | int]] = []
    for name, event_id in oldest.items():
        asked.append(("ZRANGE", keys.forward_due(name), 0, 0, "WITHSCORES"))
        asked.append(("HGET", keys.event(name, event_id), "why"))
    found = (yield Commands(asked, raises=False)) if asked else []
    known = [None if isinstance(each, Exception) else each for each in found]
    return dict(zip(oldest, zip(known[::2], known[1::2], strict=True), strict=True))


def waiting(keys: Keys, name: str, start: int = 0) -> Steps[list[WaitingEvent]]:
    """List what is not delivered yet, oldest first, 50 at a time; ``start`` of them are left out."""
    (ids,) = yield Commands([("ZRANGE", keys.forward_waiting(name), start, start + PAGE - 1)])
    if not ids:
        return []
    commands: list[Sequence[str | bytes]] = []
    for event_id in ids:
        commands.append(("HMGET", keys.event(name, event_id.decode()), "stream", "attempts", "why"))
        commands.append(("ZSCORE", keys.forward_due(name), event_id))
    replies = yield Commands(commands)
    found = zip(ids, replies[::2], replies[1::2], strict=True)
    return [_waiting(*each) for each in found if each[1][0] is not None]


def dead(keys: Keys, name: str, cursor: str | None = None) -> Steps[Page[DeadLetter]]:
    """List dead letters, newest first, 50 at a time.

    Raises:
        BadCursor: the cursor is no id of a dead letter.
    """
    page = yield from read_stream(keys.forward_dead(name), cursor)
    return Page(tuple(_dead(entry.id, entry.fields) for entry in page.rows), page.cursor)


def _asked(keys: Keys, name: str) -> Sequence[str]:
    state = keys.forward(name)
    return (
        "HMGET",
        state,
        "receiver",
        "streams",
        "paused",
        "paused_at",
        "held",
        "held_at",
        "probe_at",
        "delivered_at",
        *TRIED,
    )


def _first(found: Any) -> str:
    """Name the first member of a sorted set; empty if it has none."""
    return next((name.decode() for name, _ in pairs(found)), "")


def _state(
    at_ms: int,
    name: str,
    following: tuple[Any, bytes | None],
    state: list[bytes | None],
    waits: int,
    oldest: Any,
    letters: int,
    heard: Any,
) -> ForwarderState:
    receiver, streams, paused, paused_at, held, held_at, probe_at, delivered_at, *tried = state
    (due, trouble), first = following, pairs(oldest)
    return ForwarderState(
        name=name,
        receiver=(receiver or b"").decode(),
        streams=tuple(filter(None, (streams or b"").decode().split(","))),
        waiting=waits,
        dead=letters,
        oldest_ms=_ms(first[0][1]) if first else None,
        heard_ms=_ms(heard),
        delivered_ms=_ms(delivered_at),
        paused=None if paused is None else paused.decode(),
        held=None if held is None else held.decode(),
        since_ms=_ms(paused_at or held_at),
        probe_ms=_ms(probe_at),
        next_ms=_ms(pairs(due)[0][1]) if due else None,
        trouble=trouble.decode("utf-8", "replace") if trouble else None,
        tried={result: int(count or 0) for result, count in zip(RESULTS, tried, strict=True)},
        now_ms=at_ms,
    )


def _waiting(event_id: bytes, fields: list[bytes | None], due: Any) -> WaitingEvent:
    stream, attempts, why = fields
    return WaitingEvent(
        event_id.decode(),
        (stream or b"").decode(),
        int(attempts or 0),
        _ms(due),
        why.decode() if why else None,
    )


def _dead(letter: str, fields: Mapping[str, str]) -> DeadLetter:
    event_id, stream, entry, attempts, why, at = (
        fields["forward_" + name] for name in ("id", "stream", "entry", "attempts", "why", "at")
    )
    return DeadLetter(letter, event_id, stream, entry, int(attempts), why, at)


def _ms(value: Any) -> int | None:
    return None if value is None else int(float(value))
