"""What a scrape reads from Redis: few round trips, and commands whose time does not grow with what waits.

The counts that must agree with each other (how many messages there are, how they ended, what the queues hold)
are read in one step. Everything else is a question of its own.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import redis.asyncio

from producers.contract.admission import CREDIT, HELD
from producers.contract.figures import Figures
from producers.contract.forwarder_figures import ForwarderFigures, ask_figures, ask_names, read_figures
from producers.contract.heartbeats import WORKERS_MAX, Rules, alive, count_alive, rules_of
from producers.contract.jobs import ENDS, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING
from producers.contract.keys import QUARANTINE, Keys
from producers.contract.kinds import TYPES
from producers.contract.money_figures import MONEY, MoneyFigures, ask_money, read_money
from producers.contract.optout_figures import (
    OPTOUT_QUESTIONS,
    OptoutFigures,
    ask_optout_figures,
    read_optout_figures,
)
from producers.contract.receipts import missing
from producers.contract.settings import RedisSettings
from producers.contract.steps import adrive
from producers.rules.days import day_name
from worker.inquiry.overview import Credit, QueueState, queue_state, read_credit
from worker.inquiry.panels import Panel, side_by_side
from worker.metrics.groups import GroupFigures, read_groups
from worker.metrics.replication import replicas_in_step

QUEUES: Final = (QUEUE_ALERT, QUEUE_MARKETING, QUEUE_CALLBACKS)
READ_STREAMS: Final = tuple(TYPES)
STREAMS: Final = (*READ_STREAMS, QUARANTINE)
ENTRIES: Final = ("ready", "delayed", "leased", "dead")
STATES: Final = ("enqueued", *ENDS)
GATES: Final = (CREDIT, "breaker")
#: Queues whose entries are sends.
_OF_SENDS: Final = (QUEUE_ALERT, QUEUE_MARKETING)


@dataclass(frozen=True, slots=True)
class Found:
    """What a scrape found.

    Attributes:
        replicas: of Redis, that are in step.
        counted: what has happened so far, by name: see `producers.contract.layout`.
        states: messages by `STATES`.
        entries: of the queues, by queue and what they wait for.
        streams: entries of streams, by name.
        trimmed: entries that streams dropped unread, by name.
        inflight: attempts that run.
        held_account: whether all sending is held.
        calls_limit: calls in flight that strain allows, or 0.
        unexplained: refusals in words that nobody knows.
        workers: processes that are alive.
        missing: recipients of whom no receipt came.
        aside: what waits at gates, by `GATES`.
        breakers: how many are shut.
        paused: slices that wait for their campaign.
        optouts, held, rules, money, forwarders: figures of these.
        unreadable: numbers and names that were none.
        groups: of the streams.
        queues, credit: answers that may be none, each for itself; of callbacks there is no queue among these:
            how long one has waited stands beside its bytes, which a process that counts may not read.
    """

    replicas: int
    counted: Mapping[str, int]
    states: Mapping[str, int]
    entries: Mapping[tuple[str, str], int]
    streams: Mapping[str, int]
    trimmed: Mapping[str, int]
    inflight: int
    held_account: bool
    calls_limit: int
    unexplained: int
    workers: int
    missing: int
    aside: Mapping[str, int]
    breakers: int
    optouts: OptoutFigures
    held: Mapping[str, int]
    rules: Mapping[Rules, int]
    money: MoneyFigures
    forwarders: Sequence[ForwarderFigures]
    now_ms: int
    unreadable: int
    queues: Mapping[str, Panel[QueueState]] = field(default_factory=dict)
    groups: Sequence[GroupFigures] = ()
    credit: Panel[Credit | None] = field(default_factory=lambda: Panel(None))

    @property
    def imbalance(self) -> int:
        """Messages that have not ended and are nowhere; below 0, ends without a message.

        While the queues of sends hold anything each message may be in it: an entry can stand for many. So
        what is lost is known whenever they are empty, and what has ended twice at any time.
        """
        open_ones = self.states["enqueued"] - sum(self.states[state] for state in ENDS)
        waits = any(self.entries[queue, state] for queue in _OF_SENDS for state in ENTRIES[:3])
        return (
            open_ones if open_ones < 0 else 0 if waits else max(0, open_ones - self.counted.get("paused", 0))
        )


class Reading:
    """Reads one namespace.

    Args:
        settings: namespace, and for how long records are kept.
    """

    def __init__(self, settings: RedisSettings) -> None:
        self._keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms

    async def read(self, client: redis.asyncio.Redis) -> Found:
        """Read all counts: eight round trips at most, none of whose commands grows with what waits.

        Workers, forwarders, groups, hours that receipts are awaited for, and names that are counted are few.

        Raises:
            NotPrimaryError: what answers is a replica. What it knows may be old, and none of it is told.
            redis.RedisError: Redis did not answer.
        """
        keys, figures = self._keys, Figures()
        async with client.pipeline(transaction=True) as pipeline:
            pipeline.info("replication")
            for name in QUEUES:
                queue = keys.queue(name)
                pipeline.llen(queue.ready)
                for key in (queue.delayed, queue.leases, queue.dead):
                    pipeline.zcard(key)
            pipeline.hmget(keys.counts, STATES)
            pipeline.hget(keys.counts, "unexplained")
            pipeline.hgetall(keys.metrics)
            pipeline.time()
            told, *entries, counts, unexplained, counted, clock = await pipeline.execute()
        now_ms = clock[0] * 1000 + clock[1] // 1000
        places = [(queue, state) for queue in QUEUES for state in ENTRIES]
        states = map(figures.whole, counts)
        named = {
            "replicas": replicas_in_step(told),
            "counted": figures.counts(counted),
            "states": dict(zip(STATES, states, strict=True)),
            "entries": dict(zip(places, entries, strict=True)),
            "unexplained": figures.whole(unexplained),
            "now_ms": now_ms,
        }
        asked = {
            **{name: queue_state(keys, name) for name in _OF_SENDS},
            "credit": read_credit(keys),
        }
        queues = await adrive(side_by_side(asked), client)
        others = await self._others(client, now_ms, figures)
        return Found(
            **named,
            **others,
            unreadable=figures.unreadable + sum(each.failed for each in queues.values()),
            credit=queues.pop("credit"),
            queues=queues,
            groups=await read_groups(client, keys, READ_STREAMS),
        )

    async def _others(self, client: redis.asyncio.Redis, now_ms: int, figures: Figures) -> dict[str, Any]:
        """Read what stands for itself."""
        keys, clock_s = self._keys, time.time()
        async with client.pipeline(transaction=False) as pipeline:
            for name in STREAMS:
                pipeline.xlen(keys.stream(name))
            pipeline.zcard(keys.attempt_leases)
            pipeline.exists(keys.hold)
            pipeline.hget(keys.strain, "limit")
            pipeline.hmget(keys.unread_trimmed, READ_STREAMS)
            pipeline.zrange(keys.workers, -WORKERS_MAX, -1, withscores=True)
            pipeline.hgetall(keys.receipts_awaited)
            pipeline.hgetall(keys.held)
            pipeline.hkeys(keys.gates)
            ask_names(pipeline, keys)
            ask_optout_figures(pipeline, keys)
            ask_money(pipeline, keys, day_name(clock_s), int(clock_s * 1000))
            replies = await pipeline.execute()
        lengths, rest = replies[: len(STREAMS)], replies[len(STREAMS) :]
        inflight, hold, limit, trimmed, workers, awaited, held, gates, named, *rest = rest
        forwarders = figures.forwarders(named)
        aside, told = await self._second(
            client, [gate.decode("utf-8", "replace") for gate in gates], forwarders
        )
        return {
            "streams": dict(zip(STREAMS, lengths, strict=True)),
            "trimmed": {
                name: figures.whole(count) for name, count in zip(READ_STREAMS, trimmed, strict=True)
            },
            "inflight": inflight,
            "held_account": bool(hold),
            "calls_limit": int(figures.real(limit)),
            "workers": count_alive(workers, now_ms),
            "rules": rules_of(figures.texts(alive(workers, now_ms))),
            "missing": missing(figures.hours(awaited), now_ms, self._retention_ms),
            "held": _by_reason(figures.counts(held)),
            "aside": aside,
            "breakers": sum(gate != CREDIT.encode() for gate in gates),
            "forwarders": read_figures(forwarders, told, now_ms, figures),
            "optouts": read_optout_figures(rest[:OPTOUT_QUESTIONS], figures),
            "money": read_money(rest[-MONEY:], figures),
        }

    async def _second(
        self, client: redis.asyncio.Redis, gates: Sequence[str], forwarders: Sequence[tuple[str, float]]
    ) -> tuple[dict[str, int], list[Any]]:
        """Count what waits aside at the gate of credit and at breakers; ask for the figures of forwarders."""
        waiting = dict.fromkeys(GATES, 0)
        if not gates and not forwarders:
            return waiting, []
        async with client.pipeline(transaction=False) as pipeline:
            for gate in gates:
                pipeline.zcard(self._keys.aside(gate))
            ask_figures(pipeline, self._keys, forwarders)
            replies = await pipeline.execute()
        for gate, count in zip(gates, replies, strict=False):
            waiting[CREDIT if gate == CREDIT else "breaker"] += count
        return waiting, replies[len(gates) :]


def _by_reason(held: Mapping[str, int]) -> Mapping[str, int]:
    """Add up what is held, over times and zones."""
    found = dict.fromkeys(HELD, 0)
    for name, count in held.items():
        reason = name.partition(":")[0]
        found[reason] = found.get(reason, 0) + count
    return found
