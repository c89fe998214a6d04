"""What keeps sends from leaving, and who could send them: the facts that the gates go by, read once.

The gates themselves are Lua, asked where entries are fetched and claimed (`producers.contract.admission`).
Here the same facts are read for people, with plain commands.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from producers.contract.admission import Gate, read_gate
from producers.contract.heartbeats import WORKERS_MAX, Rules, alive, count_alive, rules_of
from producers.contract.jobs import QUEUE_ALERT, QUEUE_MARKETING
from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from producers.rules.held import Held, read_held
from worker.gateway.codes import OPERATORS
from worker.inquiry.code_words import meaning_of
from worker.inquiry.paging import now_ms, scored, strings

#: Ms of debt up to which the rate lets a recipient leave: as ``gates/rate.lua``.
_AHEAD_MS: Final = {QUEUE_ALERT: 1000, QUEUE_MARKETING: 100}

#: The queues of sends.
SENDS: Final = (QUEUE_ALERT, QUEUE_MARKETING)

#: What is to say where nobody knows when a worker was last heard.
GONE: Final = "all were stopped, or silent for an hour"

Plain = tuple[str | bytes | int, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """All sending is held, or pauses.

    Attributes:
        code: what the gateway said.
        since_ms: when it began.
        until_ms: when it ends by itself, if that is known.
        by_person: whether only an operator ends it.
        look_ms: when a worker next looks whether the account is well again; None if that ends nothing.
    """

    code: str
    since_ms: int
    until_ms: int | None
    by_person: bool
    look_ms: int | None = None

    @property
    def meaning(self) -> str:
        """What the code means, in words; empty if nobody knows."""
        return meaning_of(self.code)


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides about sends now.

    Attributes:
        now_ms: Redis's clock.
        hold: why all sending is held, or None.
        pause: why all sending pauses, or None.
        gates: what is shut for some sends, by name.
        credit_look_ms: when a worker next looks whether what waits for credit can be paid; None if that is
            not due.
        rate: recipients per second that are set live; None where the workers' own setting counts.
        in_flight: the same for calls.
        strained: calls that may be in flight while the gateway shows strain, else None.
        debts: ms that each queue owes to the rate.
        at_work: calls in flight by queue.
        ending: shared calls by queue that are back and tell their members what became of them.
        ready: entries that wait by queue.
        workers: processes that are alive.
        worker_seen_ms: when any worker was last heard; None if none was within an hour, or all were stopped.
        rules: the hours of marketing by which workers go that are alive; more than one is a mistake.
        held: what is held until a time, and how many sends.
    """

    now_ms: int
    hold: Stop | None
    pause: Stop | None
    gates: Mapping[str, Gate]
    credit_look_ms: int | None
    rate: float | None
    in_flight: int | None
    strained: int | None
    debts: Mapping[str, float]
    at_work: Mapping[str, int]
    ending: Mapping[str, int]
    ready: Mapping[str, int]
    workers: int
    worker_seen_ms: int | None
    rules: Mapping[Rules, int] = field(default_factory=dict)
    held: Mapping[Held, int] = field(default_factory=dict)

    @property
    def limit(self) -> int | None:
        """Calls that may be in flight, as far as that is known here; None for any number."""
        known = [limit for limit in (self.in_flight or None, self.strained) if limit is not None]
        return min(known) if known else None

    @property
    def silent_s(self) -> int | None:
        """Seconds since a worker was last heard; None if none was within an hour, or all were stopped."""
        return None if self.worker_seen_ms is None else max(0, self.now_ms - self.worker_seen_ms) // 1000

    def rate_free_ms(self, queue: str) -> int:
        """Ms until the rate lets one more recipient of a queue leave; 0 for now."""
        if self.rate == 0:
            return 0
        return max(0, math.ceil(self.debts.get(queue, 0) - _AHEAD_MS.get(queue, 0)))

    def free_calls(self, queue: str) -> int | None:
        """How many calls are free for a queue, shared out as in ``gates/in_flight.lua``. None: any number."""
        limit, alerts, marketing = self.limit, self.at_work[QUEUE_ALERT], self.at_work[QUEUE_MARKETING]
        if limit is None:
            return None
        reserved = 0 if self.in_flight == 1 else max(1, limit // 5)
        if queue == QUEUE_ALERT:
            return max(0, limit - alerts - marketing, reserved - alerts)
        room = min(max(1, limit - reserved), limit - self.ready[QUEUE_ALERT])
        return max(0, room - alerts - marketing)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that are set live; None where the workers' own setting counts.

    Attributes:
        rate: recipients per second.
        in_flight: calls that are out at a time.
    """

    rate: float | None
    in_flight: int | None


@dataclass(frozen=True, slots=True)
class Workers:
    """Who could send.

    Attributes:
        alive: processes.
        silent_s: seconds since one was last heard; None if none was within an hour, or all were stopped.
        rules: the hours by which those go that are alive.
    """

    alive: int
    silent_s: int | None
    rules: Mapping[Rules, int]


def facts_commands(keys: Keys) -> list[Plain]:
    """The commands that `read_facts` reads: 16, each O(1) or as small as what people have set."""
    queues = [keys.queue(name) for name in SENDS]
    return [
        ("TIME",),
        ("HGETALL", keys.hold),
        ("HGETALL", keys.pause),
        ("HGETALL", keys.gates),
        credit_look_command(keys),
        ("HGETALL", keys.limits),
        ("HGETALL", keys.strain),
        ("HGETALL", keys.rate),
        *(("ZCARD", queue.leases) for queue in queues),
        *(("SCARD", queue.ending) for queue in queues),
        *(("LLEN", queue.ready) for queue in queues),
        ("ZREVRANGE", keys.workers, 0, WORKERS_MAX - 1, "WITHSCORES"),
        ("HGETALL", keys.held),
    ]


def read_facts(replies: list[Any]) -> Facts:
    """Read the replies to `facts_commands`."""
    time, hold, pause, gates, credit_look, limits, strain, rate, *counts, workers, held = replies
    at_ms = now_ms(time)
    seen = list(scored(workers))
    leased, ending, ready = (dict(zip(SENDS, counts[i : i + 2], strict=True)) for i in (0, 2, 4))
    return Facts(
        now_ms=at_ms,
        hold=_hold(strings(hold)),
        pause=_pause(strings(pause), at_ms),
        gates={name: read_gate(facts) for name, facts in strings(gates).items()},
        credit_look_ms=read_credit_look(credit_look),
        **_limits(strings(limits)),
        strained=_strained(strings(strain)),
        debts=_debts(strings(rate), at_ms),
        at_work={name: leased[name] - ending[name] for name in SENDS},
        ending=ending,
        ready=ready,
        workers=count_alive(seen, at_ms),
        worker_seen_ms=max((int(at) for _, at in seen), default=None),
        rules=rules_of(alive(seen, at_ms)),
        held=read_held(strings(held)),
    )


def credit_look_command(keys: Keys) -> Plain:
    """Ask when a worker next looks at the account because of what cannot be paid; see `read_credit_look`."""
    return ("HMGET", keys.credit, "probe_at")


def read_credit_look(reply: Sequence[bytes | None]) -> int | None:
    """Read the reply to `credit_look_command`, as ms; None if no look is due."""
    return int(float(reply[0])) if reply[0] else None


def facts(keys: Keys) -> Steps[Facts]:
    """Read what decides about sends now; one round trip."""
    return read_facts((yield Commands(facts_commands(keys))))


def read_hold(keys: Keys) -> Steps[Stop | None]:
    """Say why all sending is held; one round trip."""
    [found] = yield Commands([("HGETALL", keys.hold)])
    return _hold(strings(found))


def read_pause(keys: Keys) -> Steps[Stop | None]:
    """Say why all sending pauses; one round trip."""
    time, found = yield Commands([("TIME",), ("HGETALL", keys.pause)])
    return _pause(strings(found), now_ms(time))


def read_limits(keys: Keys) -> Steps[Limits]:
    """Read the limits that are set live; one round trip."""
    [found] = yield Commands([("HGETALL", keys.limits)])
    return Limits(**_limits(strings(found)))


def read_strain(keys: Keys) -> Steps[int | None]:
    """Say how many calls may be in flight while the gateway shows strain, else None; one round trip."""
    [found] = yield Commands([("HGETALL", keys.strain)])
    return _strained(strings(found))


def read_workers(keys: Keys) -> Steps[Workers]:
    """Say how many workers live; one round trip."""
    time, found = yield Commands([("TIME",), ("ZREVRANGE", keys.workers, 0, WORKERS_MAX - 1, "WITHSCORES")])
    seen = list(scored(found))
    last = max((int(at) for _, at in seen), default=None)
    silent_s = None if last is None else max(0, now_ms(time) - last) // 1000
    living = alive(seen, now_ms(time))
    return Workers(len(living), silent_s, rules_of(living))


def _hold(found: Mapping[str, str]) -> Stop | None:
    if "code" not in found:
        return None
    by_person = found["code"] in OPERATORS or "lasting" in found
    look_ms = int(float(found["probe_at"])) if "probe_at" in found and not by_person else None
    return Stop(found["code"], int(found.get("since", 0)), None, by_person, look_ms)


def _pause(found: Mapping[str, str], now_ms: int) -> Stop | None:
    if "at" not in found:
        return None
    # A pause that seems to begin later begins now: the clock went back.
    since_ms = min(int(found["at"]), now_ms)
    until_ms = since_ms + int(found["ms"])
    return Stop(found["code"], since_ms, until_ms, by_person=False) if until_ms > now_ms else None


def _limits(found: Mapping[str, str]) -> dict[str, Any]:
    return {
        "rate": float(found["rate"]) if "rate" in found else None,
        "in_flight": int(found["in_flight"]) if "in_flight" in found else None,
    }


def _strained(found: Mapping[str, str]) -> int | None:
    return max(1, int(float(found["limit"]))) if "limit" in found else None


def _debts(found: Mapping[str, str], now_ms: int) -> dict[str, float]:
    paid = max(0, now_ms - int(float(found.get("at", now_ms))))
    owed = {QUEUE_ALERT: found.get("alert", 0), QUEUE_MARKETING: found.get("all", 0)}
    return {queue: max(0.0, float(ms) - paid) for queue, ms in owed.items()}
