"""What a message takes of Redis: bytes while it waits and is kept, commands and CPU to queue and to send it.

Three ways, each on a Redis of its own with its append-only file: alerts that leave alone, alerts that share
calls, and a campaign, all of 160 characters. All is queued first, then a worker drains it into a gateway that
answers at once. Entries of the stream of statuses are counted apart, since that stream is bounded. A last run
measures what the simulation of `make scale` is held against: the time to drain a queue at 100 ms a call.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.own_stand import TEMPLATE, TEXT, Stand, messages, number
from tests.benchmarks.report import BenchmarkError, Context, Row
from tests.scale.figures import ALONE, SHARED, Figures
from tests.scale.model import Plan, simulate

#: Messages, and recipients of the campaign, that are measured.
COUNT = 20_000
#: Messages of the runs at a slow gateway, by how many share a call.
SLOW = {1: 3_000, 500: 20_000}
SLOW_MS = 100
#: How far a measured time may be from a simulated one, either way.
RATIO = 2.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one message, or of one recipient: bytes, commands, and µs of CPU."""

    waiting: float
    kept: float
    entry: float
    queue_commands: float
    queue_us: float
    queue_client_us: float
    send_commands: float
    send_us: float
    send_worker_us: float


def run(context: Context) -> list[Row]:
    """Measure the three ways, then time the slow gateway against the simulation."""
    count = min(COUNT, 2 * context.messages)
    ways: dict[str, Callable[[Stand], object]] = {
        "alone": lambda stand: stand.producer.send_many(messages(count, purpose="alert")),
        "shared": lambda stand: stand.producer.send_many(messages(count, purpose="alert", text=TEMPLATE)),
        "campaign": lambda stand: stand.producer.send_campaign(
            TEXT, map(number, range(count)), campaign_id="bench", sender="Bench"
        ),
    }
    rows = []
    for name, send in ways.items():
        cost = _cost(context, send, count)
        context.say(f"{name}: {cost}")
        rows += _rows(name, cost)
    return [*rows, *(_against_simulation(context, share) for share in SLOW)]


def _cost(context: Context, send: Callable[[Stand], object], count: int) -> Cost:
    with Stand(context) as stand:
        # Scripts, pseudonyms and connections are there before anything is measured.
        stand.producer.send_many(messages(10, purpose="alert", prefix="first", first=count))
        stand.worker.start()
        stand.wait_for(lambda: stand.waiting() == 0)
        stand.worker.terminate()
        empty = _read(stand)
        send(stand)
        stand.wait_for_rewrite()
        queued = _read(stand)
        stand.worker.start()
        stand.wait_for(lambda: stand.ended() > 10)
        stand.wait_for(lambda: stand.waiting() == 0)
        worker = stand.cpu().worker
        stand.worker.terminate()
        stand.wait_for_rewrite()
        sent = _read(stand)
        if stand.gateway.stats()["distinct_phones"] < count:
            raise BenchmarkError("not all of it was sent")
        entries = stand.redis.xlen(stand.keys.stream("statuses"))
        stream = stand.redis.memory_usage(stand.keys.stream("statuses"), samples=0) or 0
    entry = stream / entries
    return Cost(
        waiting=(queued.bytes - empty.bytes) / count,
        kept=(sent.bytes - empty.bytes - stream) / count,
        entry=entry,
        queue_commands=(queued.commands - empty.commands) / count,
        queue_us=1e6 * (queued.redis_s - empty.redis_s) / count,
        queue_client_us=1e6 * (queued.client_s - empty.client_s) / count,
        send_commands=(sent.commands - queued.commands) / count,
        send_us=1e6 * (sent.redis_s - queued.redis_s) / count,
        send_worker_us=1e6 * worker / count,
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    bytes: int
    commands: int
    redis_s: float
    client_s: float


def _read(stand: Stand) -> _Reading:
    stats = stand.redis.info("commandstats")
    cpu = stand.cpu()
    return _Reading(
        bytes=int(stand.redis.info("memory")["used_memory"]),
        commands=sum(int(each["calls"]) for each in stats.values()),
        redis_s=cpu.redis,
        client_s=cpu.client,
    )


def _rows(who: str, cost: Cost) -> list[Row]:
    return [
        Row("memory per waiting recipient", cost.waiting, "bytes", who=who),
        Row("memory per kept recipient, without the stream", cost.kept, "bytes", who=who),
        Row("memory per entry of statuses", cost.entry, "bytes", who=who),
        Row("queue: commands of Redis", cost.queue_commands, "commands", who=who),
        Row("queue: CPU of Redis", cost.queue_us, "µs", who=who),
        Row("queue: CPU of the client", cost.queue_client_us, "µs", who=who),
        Row("send: commands of Redis", cost.send_commands, "commands", who=who),
        Row("send: CPU of Redis", cost.send_us, "µs", who=who),
        Row("send: CPU of the worker, with its start", cost.send_worker_us, "µs", who=who),
    ]


def _against_simulation(context: Context, share: int) -> Row:
    """Divide the measured time by that of the simulation, from a tenth of the messages to the last."""
    figures: Figures = ALONE if share == 1 else SHARED
    count = min(SLOW[share], 2 * context.messages)
    with Stand(context, gateway_ms=SLOW_MS, WORKER_CALLS="64" if share == 1 else "4") as stand:
        text = TEXT if share == 1 else TEMPLATE
        stand.producer.send_many(messages(count, purpose="alert", text=text))
        stand.worker.start()
        first = stand.wait_for(lambda: (n := stand.ended()) >= count // 10 and n)
        began = time.monotonic()
        stand.wait_for(lambda: stand.ended() >= count)
        measured = time.monotonic() - began
    calls = 64 if share == 1 else 4
    plan = Plan(messages=count - first, share=share, calls=calls, gateway_ms=SLOW_MS, receipts=0.0)
    simulated = simulate(plan, figures).duration_s
    ratio = measured / simulated
    context.say(f"share {share}: measured {measured:.2f} s, simulated {simulated:.2f} s")
    name = f"measured against simulated time, {share} a call"
    return Row(name, max(ratio, 1 / ratio), "times").at_most(RATIO)
