"""Is all well? What the first page and ``octopush-worker status`` show, in few commands whatever is kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

from producers.contract.admission import CREDIT, Gate, describe
from producers.contract.jobs import ENDS, MARKER, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING
from producers.contract.keys import QUARANTINE, Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.state_of_sending import Facts, facts_commands, read_facts, scored, strings

#: The queues in the order in which they are shown.
QUEUES: Final = (QUEUE_ALERT, QUEUE_MARKETING, QUEUE_CALLBACKS)
#: Messages that wait for a person, and are named; gates at which what waits is counted.
NEWEST: Final = 3
COUNTED_GATES: Final = 2

Plain = tuple[str | bytes | int, ...]


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue.

    Attributes:
        name: ``alert``, ``marketing`` or ``callbacks``.
        ready: entries that could leave now; messages that may share a call are one entry.
        delayed: entries that wait for their time.
        running: entries that a worker holds.
        dead: entries that nobody can read.
        oldest_s: seconds for which the entry at the front has waited since it was due; None if none waits.
    """

    name: str
    ready: int
    delayed: int
    running: int
    dead: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class Aside:
    """What waits at a gate that is shut for some sends.

    Attributes:
        gate: ``credit``, or a breaker's name.
        waiting: sends and shared calls; None if more gates are shut than are counted.
        since_ms: when the gate was shut.
        why: in words for people.
    """

    gate: str
    waiting: int | None
    since_ms: int
    why: str

    @property
    def is_breaker(self) -> bool:
        """Whether only a person opens it."""
        return self.gate != CREDIT


@dataclass(frozen=True, slots=True)
class Problem:
    """A message that waits for a person."""

    request_id: str
    state: str
    code: str
    ended_ms: int


@dataclass(frozen=True, slots=True)
class Credit:
    """The account's balance as it was last seen."""

    amount: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Overview:
    """How sending is.

    Attributes:
        facts: holds, pauses, limits, strain, workers, Redis's clock.
        credit: None if no answer has named a balance yet.
        queues: in the order of `QUEUES`.
        aside: what waits at gates, by name.
        enqueued: messages since the namespace began.
        ends: of these, messages by end state.
        parked: messages that a person may decide about.
        problems: the newest of them.
        quarantined: callbacks that nobody could place.
    """

    facts: Facts
    credit: Credit | None
    queues: tuple[QueueState, ...]
    aside: tuple[Aside, ...]
    enqueued: int
    ends: Mapping[str, int]
    parked: int
    problems: tuple[Problem, ...]
    quarantined: int

    @property
    def waiting(self) -> int:
        """Messages that have not come to an end."""
        return max(0, self.enqueued - sum(self.ends.values()))


def overview(keys: Keys) -> Steps[Overview]:
    """Look at everything once.

    One round trip of 30 commands, and one or two of at most 10 in all, which follow to records what it has
    found.
    """
    looked = facts_commands(keys)
    replies = yield Commands([*looked, *_counting(keys)])
    facts, rest = read_facts(replies[: len(looked)]), replies[len(looked) :]
    counts, heads, (credit, ended, parked, newest, quarantined) = rest[:8], rest[8:11], rest[11:]
    problems, gates = list(scored(newest)), sorted(facts.gates)
    found = yield Commands(_following(keys, heads, problems, gates[:COUNTED_GATES]))
    since = yield from _since(keys, heads, found[: len(QUEUES)])
    records, aside = found[len(QUEUES) :][: len(problems)], found[len(QUEUES) + len(problems) :]
    kept = dict(zip(("enqueued", *ENDS), (int(count or 0) for count in ended), strict=True))
    return Overview(
        facts=facts,
        credit=_credit(strings(credit)),
        queues=tuple(_queues(facts, counts, since)),
        aside=tuple(_aside(facts.gates, gates, aside)),
        enqueued=kept.pop("enqueued"),
        ends=kept,
        parked=int(parked),
        problems=tuple(map(_problem, problems, records)),
        quarantined=int(quarantined),
    )


def _counting(keys: Keys) -> list[Plain]:
    alert, marketing, callbacks = (keys.queue(name) for name in QUEUES)
    return [
        *(("ZCARD", key) for key in (alert.delayed, alert.dead, marketing.delayed, marketing.dead)),
        ("LLEN", callbacks.ready),
        *(("ZCARD", key) for key in (callbacks.delayed, callbacks.leases, callbacks.dead)),
        *(("LINDEX", queue.ready, 0) for queue in (alert, marketing, callbacks)),
        ("HGETALL", keys.credit_seen),
        ("HMGET", keys.counts, *("enqueued", *ENDS)),
        ("ZCARD", keys.parked),
        ("ZREVRANGE", keys.parked, 0, NEWEST - 1, "WITHSCORES"),
        ("XLEN", keys.stream(QUARANTINE)),
    ]


def _following(
    keys: Keys, heads: Sequence[bytes | None], problems: Sequence[tuple[str, float]], gates: Sequence[str]
) -> list[Plain]:
    return [
        *(_born(keys, name, head) for name, head in zip(QUEUES, heads, strict=True)),
        *(("HMGET", keys.record(request_id), "state", "code") for request_id, _ in problems),
        *(("ZCARD", keys.aside(gate)) for gate in gates),
    ]


def _born(keys: Keys, queue: str, head: bytes | None) -> Plain:
    """Ask since when an entry waits; of messages that gather for a call, which is the first."""
    entry = (head or b"").decode()
    if queue == QUEUE_CALLBACKS:
        return ("HMGET", keys.callback(entry), "received")
    if entry.startswith(MARKER):
        return ("LINDEX", keys.stream(f"gather:{entry[1:]}"), 0)
    return ("HMGET", keys.record(entry), "queued", "due")


def _since(keys: Keys, heads: Sequence[bytes | None], found: Sequence[Any]) -> Steps[list[int | None]]:
    """Say since when the first entry of each queue has waited; asks on where messages gather."""
    times = list(found)
    gathered = [n for n, head in enumerate(heads) if (head or b"").startswith(MARKER.encode())]
    if gathered:
        asked = [_born(keys, QUEUES[n], times[n]) for n in gathered]
        for n, reply in zip(gathered, (yield Commands(asked)), strict=True):
            times[n] = reply
    return [max((int(each) for each in reply or () if each), default=None) for reply in times]


def _queues(facts: Facts, counts: Sequence[int], since: Sequence[int | None]) -> Iterator[QueueState]:
    of_sends = zip((QUEUE_ALERT, QUEUE_MARKETING), counts[0:4:2], counts[1:4:2], since[:2], strict=True)
    for name, delayed, dead, waits in of_sends:
        running = facts.at_work[name] + facts.ending[name]
        yield QueueState(name, facts.ready[name], delayed, running, dead, _age_s(facts, waits))
    ready, delayed, running, dead = counts[4:8]
    yield QueueState(QUEUE_CALLBACKS, ready, delayed, running, dead, _age_s(facts, since[2]))


def _age_s(facts: Facts, since: int | None) -> float | None:
    return None if since is None else max(0, facts.now_ms - since) / 1000


def _credit(found: Mapping[str, str]) -> Credit | None:
    return Credit(Decimal(found["amount"]), int(found["at"])) if "amount" in found else None


def _aside(gates: Mapping[str, Gate], names: Sequence[str], waiting: Sequence[int]) -> Iterator[Aside]:
    for name, count in zip_longest(names, waiting):
        yield Aside(name, count, gates[name].since, describe(name, gates[name]))


def _problem(found: tuple[str, float], record: Sequence[bytes | None]) -> Problem:
    state, code = ((value or b"").decode("utf-8", "replace") for value in record)
    return Problem(found[0], state, code, int(found[1]))
