"""What the web process tells Prometheus: how much waits in Redis, and how it answered callbacks.

Counts only: no label carries a number, a text, an id or a token.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import redis.asyncio

from .contract.admission import CREDIT, HELD
from .contract.forwarder_figures import (
    ForwarderFigures,
    ask_figures,
    ask_names,
    read_figures,
)
from .contract.heartbeats import WORKERS_MAX, Rules, alive, count_alive, rules_of
from .contract.jobs import ENDS, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING
from .contract.keys import QUARANTINE, Keys
from .contract.kinds import TYPES
from .contract.money_figures import MONEY, MoneyFigures, ask_money, read_money
from .contract.optout_figures import (
    OPTOUT_QUESTIONS,
    OptoutFigures,
    ask_optout_figures,
    read_optout_figures,
)
from .contract.receipts import missing
from .contract.settings import RedisSettings
from .exposition import Sample, forwarder_lines, held_lines, metric, money_lines, optout_lines
from .intake.spool import Fill
from .rules.days import day_name

_QUEUES: Final = (QUEUE_ALERT, QUEUE_MARKETING, QUEUE_CALLBACKS)
_READ_STREAMS: Final = tuple(TYPES)
_STREAMS: Final = (*_READ_STREAMS, QUARANTINE)
_ENTRIES: Final = ("ready", "delayed", "leased", "dead")
_STATES: Final = ("enqueued", *ENDS)

_GATES: Final = (CREDIT, "breaker")


@dataclass(frozen=True, slots=True)
class Found:
    """What `Gauges.read` found.

    Attributes:
        counts: in the order of the page.
        forwarders: the figures of each.
        optouts: those of opt-outs.
        held: sends that are held until a time, by reason.
        rules: worker processes by the hours of marketing by which they go.
        money: those of today.
    """

    counts: Sequence[int]
    forwarders: Sequence[ForwarderFigures] = ()
    optouts: OptoutFigures | None = None
    held: Mapping[str, int] = field(default_factory=dict)
    rules: Mapping[Rules, int] = field(default_factory=dict)
    money: MoneyFigures | None = None


class Gauges:
    """Reads the counts of one namespace and writes the page.

    Args:
        settings: namespace, and for how long records are kept.
    """

    def __init__(self, settings: RedisSettings) -> None:
        self._keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms

    async def read(self, client: redis.asyncio.Redis) -> Found:
        """Count all keys in one round trip, two if a forwarder ever ran or while something waits at a gate.

        Each takes constant time, or little more: workers, forwarders, and hours that receipts are awaited for
        are few.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        async with client.pipeline(transaction=False) as pipeline:
            for name in _QUEUES:
                queue = self._keys.queue(name)
                pipeline.llen(queue.ready)
                for key in (queue.delayed, queue.leases, queue.dead):
                    pipeline.zcard(key)
            for name in _STREAMS:
                pipeline.xlen(self._keys.stream(name))
            pipeline.zcard(self._keys.attempt_leases)
            pipeline.exists(self._keys.hold)
            pipeline.hget(self._keys.strain, "limit")
            pipeline.hmget(self._keys.unread_trimmed, _READ_STREAMS)
            pipeline.hmget(self._keys.counts, _STATES)
            pipeline.hkeys(self._keys.gates)
            pipeline.hget(self._keys.counts, "unexplained")
            ask_optout_figures(pipeline, self._keys)
            pipeline.time()
            pipeline.zrange(self._keys.workers, -WORKERS_MAX, -1, withscores=True)
            pipeline.hgetall(self._keys.receipts_awaited)
            pipeline.hgetall(self._keys.held)
            ask_names(pipeline, self._keys)
            clock_s = time.time()
            ask_money(pipeline, self._keys, day_name(clock_s), int(clock_s * 1000))
            replies = await pipeline.execute()
        money = replies[-MONEY:]
        *found, clock, workers, awaited, held, named = replies[:-MONEY]
        *counts, limit, unread, states, gates, unexplained = found[:-OPTOUT_QUESTIONS]
        now_ms = clock[0] * 1000 + clock[1] // 1000
        living = [count_alive(workers, now_ms), missing(awaited, now_ms, self._retention_ms)]
        waiting, figures = await self._second(client, [gate.decode() for gate in gates], named)
        breakers = [sum(gate != CREDIT.encode() for gate in gates)]
        told = [int(count or 0) for count in (*unread, *states)]
        others = [*waiting, *breakers, int(unexplained or 0), *living]
        numbers = [*counts, int(float(limit or 0)), *told, *others]
        optouts = read_optout_figures(found[-OPTOUT_QUESTIONS:])
        rules = rules_of(name.decode() for name in alive(workers, now_ms))
        forwarders = read_figures(named, figures, now_ms)
        return Found(numbers, forwarders, optouts, _by_reason(held), rules, read_money(money))

    async def _second(
        self, client: redis.asyncio.Redis, gates: Sequence[str], forwarders: Sequence[Any]
    ) -> tuple[list[int], list[Any]]:
        """Count what waits aside at the gate of credit and at breakers; ask for the figures of forwarders."""
        waiting = dict.fromkeys(_GATES, 0)
        if not gates and not forwarders:
            return [*waiting.values()], []
        async with client.pipeline(transaction=False) as pipeline:
            for gate in gates:
                pipeline.zcard(self._keys.aside(gate))
            ask_figures(pipeline, self._keys, forwarders)
            replies = await pipeline.execute()
        for gate, count in zip(gates, replies, strict=False):
            waiting[CREDIT if gate == CREDIT else "breaker"] += count
        return [*waiting.values()], replies[len(gates) :]

    def render(self, found: Found | None, answers: Mapping[int, int], fill: Fill | None = None) -> str:
        """Write the page.

        Args:
            found: what `read` returned; None when Redis did not answer, which leaves its gauges out.
            answers: callbacks of this process by HTTP status.
            fill: what lies in the spool of callbacks; None if there is none.
        """
        lines = metric(
            "redis_up", "gauge", "Whether Redis answered this scrape.", [("", int(found is not None))]
        )
        namespace = [(f'{{namespace="{self._keys.namespace}"}}', 1)]
        lines += metric("namespace_info", "gauge", "Whose metrics these are; 1.", namespace)
        if found is not None:
            lines += self._redis_lines(iter(found.counts))
            lines += held_lines(found.held, found.rules)
            lines += forwarder_lines(found.forwarders)
            lines += optout_lines(found.optouts) if found.optouts else []
            lines += money_lines(found.money) if found.money else []
        callbacks = [(f'{{status="{status}"}}', count) for status, count in sorted(answers.items())]
        lines += metric("callbacks_total", "counter", "Callbacks answered by this process.", callbacks)
        if fill is not None:
            lines += metric("spool_bytes", "gauge", "Callbacks kept on this disk.", [("", fill.bytes)])
            lines += metric(
                "spool_oldest_seconds", "gauge", "Age of the oldest file of them.", [("", int(fill.oldest_s))]
            )
        return "\n".join(lines) + "\n"

    def _redis_lines(self, counts: Iterator[int]) -> list[str]:
        queues = [(f'{{queue="{q}",state="{s}"}}', next(counts)) for q in _QUEUES for s in _ENTRIES]
        streams = [(f'{{stream="{name}"}}', next(counts)) for name in _STREAMS]
        return [
            *metric("queue_entries", "gauge", "Entries of a queue by what they wait for.", queues),
            *metric("stream_entries", "gauge", "Entries kept in a stream.", streams),
            *metric("attempts_inflight", "gauge", "Attempts to send now running.", [("", next(counts))]),
            *metric(
                "sending_held",
                "gauge",
                "1 while the account's trouble holds all sending.",
                [("", next(counts))],
            ),
            *metric(
                "calls_in_flight_limit",
                "gauge",
                "Calls in flight allowed while the gateway shows strain; 0 while it shows none.",
                [("", next(counts))],
            ),
            *metric(
                "stream_unread_trimmed_total",
                "counter",
                "Entries that a stream dropped before its slowest group had read them.",
                [(f'{{stream="{name}"}}', next(counts)) for name in _READ_STREAMS],
            ),
            *metric(
                "sends", "gauge", "Sends by end state; enqueued counts all of them.", self._states(counts)
            ),
            *metric(
                "sends_aside",
                "gauge",
                "Sends that wait because the account cannot pay them, or at a breaker.",
                [(f'{{gate="{gate}"}}', next(counts)) for gate in _GATES],
            ),
            *metric("breakers", "gauge", "Breakers that an operator has to open.", [("", next(counts))]),
            *metric(
                "unexplained_refusals_total",
                "counter",
                "Refusals with a code that nobody knows.",
                [("", next(counts))],
            ),
            *metric("workers", "gauge", "Worker processes that are alive.", [("", next(counts))]),
            *metric(
                "receipts_missing",
                "gauge",
                "Recipients of whom no receipt came within 48 h, as long as records are kept.",
                [("", next(counts))],
            ),
        ]

    def _states(self, counts: Iterator[int]) -> list[Sample]:
        return [(f'{{state="{state}"}}', next(counts)) for state in _STATES]


def _by_reason(held: Mapping[bytes, bytes]) -> Mapping[str, int]:
    """Add up what is held, over times and zones."""
    found = dict.fromkeys(HELD, 0)
    for name, count in held.items():
        reason = name.decode().partition(":")[0]
        found[reason] = found.get(reason, 0) + int(count)
    return found
