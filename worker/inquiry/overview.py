"""Is all well? What the first page and ``octopush-worker status`` show, in few commands whatever is kept.

Each question stands alone, so that one that Redis cannot answer costs a page no other answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

from producers.contract.admission import CREDIT, describe, read_gate
from producers.contract.jobs import ENDS, MARKER, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING
from producers.contract.keys import QUARANTINE, Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.held import held_sends
from worker.inquiry.open_uploads import OpenUploads, open_uploads
from worker.inquiry.paging import now_ms, strings
from worker.inquiry.panels import Panel, side_by_side
from worker.inquiry.parked import Problem, newest_problems
from worker.inquiry.state_of_sending import (
    SENDS,
    Facts,
    Plain,
    credit_look_command,
    facts,
    read_credit_look,
    read_hold,
    read_limits,
    read_pause,
    read_strain,
    read_workers,
)

#: The queues in the order in which they are shown.
QUEUES: Final = (QUEUE_ALERT, QUEUE_MARKETING, QUEUE_CALLBACKS)
#: Gates at which what waits is counted.
COUNTED_GATES: Final = 2


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

    @property
    def size(self) -> int:
        """Entries that wait or run; dead ones do neither."""
        return self.ready + self.delayed + self.running


@dataclass(frozen=True, slots=True)
class Aside:
    """What waits at a gate that is shut for some sends.

    Attributes:
        gate: ``credit``, or a breaker's name.
        waiting: sends and shared calls; None if more gates are shut than are counted.
        since_ms: when the gate was shut.
        why: in words for people.
        look_ms: of ``credit``, when a worker next looks whether it can be paid, if that is known.
    """

    gate: str
    waiting: int | None
    since_ms: int
    why: str
    look_ms: int | None = None

    @property
    def is_breaker(self) -> bool:
        """Whether only a person opens it."""
        return self.gate != CREDIT


@dataclass(frozen=True, slots=True)
class Credit:
    """The account's balance as it was last seen.

    Attributes:
        amount: in the account's currency.
        at_ms: when, by Redis's clock.
        age_s: seconds since.
    """

    amount: Decimal
    at_ms: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Ends:
    """Messages so far.

    Attributes:
        enqueued: since the namespace began.
        ends: of these by end state.
    """

    enqueued: int
    ends: Mapping[str, int]

    @property
    def waiting(self) -> int:
        """Messages that have not come to an end."""
        return max(0, self.enqueued - sum(self.ends.values()))


@dataclass(frozen=True, slots=True)
class Overview:
    """How sending is.

    Attributes:
        facts: holds, pauses, limits, strain, workers, Redis's clock.
        credit: None if no answer has named a balance yet.
        queues: in the order of `QUEUES`.
        aside: what waits at gates, by name.
        messages: how many so far, and how they ended.
        parked: messages that a person may decide about.
        problems: the newest of them.
        quarantined: callbacks that nobody could place.
        uploads: campaigns that wait for the rest of their upload, for more than a day.
    """

    facts: Facts
    credit: Credit | None
    queues: tuple[QueueState, ...]
    aside: tuple[Aside, ...]
    messages: Ends
    parked: int
    problems: tuple[Problem, ...]
    quarantined: int
    uploads: OpenUploads


def overview(keys: Keys) -> Steps[Overview]:
    """Look at everything once: at most 67 commands in three round trips.

    Raises:
        Exception: Redis, or what it holds, gave no answer to some question that can be read.
    """
    found = yield from side_by_side({"facts": facts(keys), **_questions(keys)})
    answers = {name: panel.get() for name, panel in found.items()}
    queues = tuple(answers.pop(f"queue_{name}") for name in QUEUES)
    return Overview(queues=queues, **answers)


def panels(keys: Keys) -> Steps[dict[str, Panel[Any]]]:
    """Look at everything once, each part with its own answer; at most 67 commands in three round trips.

    Returns:
        The attributes of `Overview` by name, but for ``queue_alert`` and so on instead of ``queues``, and of
        the facts ``hold``, ``held``, ``pause``, ``workers``, ``in_flight`` (calls), ``limits`` and
        ``strain``.
    """
    return (
        yield from side_by_side(
            {
                "hold": read_hold(keys),
                "held": held_sends(keys),
                "pause": read_pause(keys),
                "workers": read_workers(keys),
                "in_flight": _in_flight(keys),
                "limits": read_limits(keys),
                "strain": read_strain(keys),
                **_questions(keys),
            }
        )
    )


def _questions(keys: Keys) -> dict[str, Steps[Any]]:
    return {
        "credit": read_credit(keys),
        **{f"queue_{name}": queue_state(keys, name) for name in QUEUES},
        "aside": _aside(keys),
        "messages": _ends(keys),
        "parked": _one(("ZCARD", keys.parked)),
        "problems": newest_problems(keys),
        "quarantined": _one(("XLEN", keys.stream(QUARANTINE))),
        "uploads": open_uploads(keys),
    }


def _one(command: Plain) -> Steps[int]:
    [number] = yield Commands([command])
    return int(number)


def _in_flight(keys: Keys) -> Steps[int]:
    """Count the calls that are out, of both queues of sends."""
    queues = [keys.queue(name) for name in SENDS]
    commands = [
        *(("ZCARD", queue.leases) for queue in queues),
        *(("SCARD", queue.ending) for queue in queues),
    ]
    *leased, alert, marketing = yield Commands(commands)
    return int(sum(leased)) - int(alert) - int(marketing)


def queue_state(keys: Keys, name: str) -> Steps[QueueState]:
    """Look at one queue; three round trips where messages gather, else two."""
    queue = keys.queue(name)
    time, ready, delayed, dead, leased, head = yield Commands(
        [
            ("TIME",),
            ("LLEN", queue.ready),
            ("ZCARD", queue.delayed),
            ("ZCARD", queue.dead),
            ("ZCARD", queue.leases),
            ("LINDEX", queue.ready, 0),
        ]
    )
    since = (yield from _since(keys, name, head)) if head else None
    oldest_s = None if since is None else max(0, now_ms(time) - since) / 1000
    return QueueState(name, ready, delayed, leased, dead, oldest_s)


def _since(keys: Keys, queue: str, head: bytes) -> Steps[int | None]:
    """Say since when the first entry of a queue has waited; of messages that gather for a call, the first."""
    entry = head.decode()
    if queue == QUEUE_CALLBACKS:
        [times] = yield Commands([("HMGET", keys.callback(entry), "received")])
    else:
        if entry.startswith(MARKER):
            [first] = yield Commands([("LINDEX", keys.stream(f"gather:{entry[1:]}"), 0)])
            entry = (first or b"").decode()
        [times] = yield Commands([("HMGET", keys.record(entry), "queued", "due")])
    return max((int(each) for each in times if each), default=None)


def read_credit(keys: Keys) -> Steps[Credit | None]:
    """Read the balance as it was last seen; None if no answer has named one yet."""
    time, found = yield Commands([("TIME",), ("HGETALL", keys.credit_seen)])
    if "amount" not in (seen := strings(found)):
        return None
    at_ms = int(seen["at"])
    return Credit(Decimal(seen["amount"]), at_ms, max(0, now_ms(time) - at_ms) / 1000)


def _ends(keys: Keys) -> Steps[Ends]:
    [counts] = yield Commands([("HMGET", keys.counts, *("enqueued", *ENDS))])
    enqueued, *ends = (int(count or 0) for count in counts)
    return Ends(enqueued, dict(zip(ENDS, ends, strict=True)))


def _aside(keys: Keys) -> Steps[tuple[Aside, ...]]:
    """Name the gates that are shut for some sends, and count what waits at the first of them."""
    found, look = yield Commands([("HGETALL", keys.gates), credit_look_command(keys)])
    gates = {name: read_gate(written) for name, written in strings(found).items()}
    names = sorted(gates)
    counted = [("ZCARD", keys.aside(name)) for name in names[:COUNTED_GATES]]
    waiting = (yield Commands(counted)) if counted else []
    return tuple(
        Aside(
            name,
            count,
            gates[name].since,
            describe(name, gates[name]),
            read_credit_look(look) if name == CREDIT else None,
        )
        for name, count in zip_longest(names, waiting)
    )
