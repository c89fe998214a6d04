"""Cost per message from ten thousand to a million waiting: it has to stay flat, and so has the memory.

At each level the queue is filled, then small blocks are enqueued on top, then a worker is started and
observed over a fixed number of messages at a gateway that answers at once. Costs are CPU seconds as the
processes themselves have used them, so a busy machine disturbs them less than rates. Blocks and sends are
measured while Redis is not rewriting its append-only file; what the filling cost with all rewrites is
reported beside them. Messages are single SMS of 160 characters with the context ``{"booking": 42}``, none of
which shares a call.
"""

import statistics
from dataclasses import dataclass
from itertools import pairwise

from tests.benchmarks.own_stand import Cpu, Stand, backlog_size, messages
from tests.benchmarks.report import BenchmarkError, Context, Row

#: Messages enqueued per block, and blocks per level; their median counts.
BLOCK, BLOCKS = 1_000, 5
#: Messages a fresh worker sends before it is observed, and while it is; never more than half of what waits.
WARM_UP, CONSUMED = 1_000, 5_000
#: How much more a message may cost at the highest level than at the lowest.
BOUND = 1.25
MEMORY_MAX_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Level:
    """What a message cost with so many waiting: µs of CPU, and bytes of Redis's memory."""

    waiting: int
    fill_client: float
    fill_redis: float
    enqueue_client: float
    enqueue_redis: float
    consume_worker: float
    consume_redis: float
    bytes_each: float


def run(context: Context) -> list[Row]:
    """Measure at each level, on one Redis that is filled further and further."""
    most = backlog_size(context)
    levels: list[Level] = []
    with Stand(context) as stand:
        # Scripts are loaded and the client is connected before anything is measured.
        stand.producer.send_many(messages(10, prefix="first"))
        for waiting in (most // 100, most // 10, most):
            level = _measure(stand, waiting)
            context.say(str(level))
            levels.append(level)
    return _rows(levels)


def _measure(stand: Stand, waiting: int) -> Level:
    numbered = stand.counts().get("enqueued", 0)
    filled, before = waiting - stand.waiting(), _used_memory(stand)
    start = stand.cpu()
    stand.producer.send_many(messages(filled, first=numbered))
    bytes_each = (_used_memory(stand) - before) / filled
    # A rewrite's CPU shows once it has ended.
    stand.wait_for_rewrite()
    fill = stand.cpu() - start
    clocks = [stand.cpu()]
    for i in range(BLOCKS):
        stand.producer.send_many(messages(BLOCK, first=numbered + filled + i * BLOCK))
        clocks.append(stand.cpu())
    blocks = [after - earlier for earlier, after in pairwise(clocks)]
    stand.wait_for_rewrite()
    consumed, count = _consume(stand)
    return Level(
        waiting=waiting,
        fill_client=_us(fill.client, filled),
        fill_redis=_us(fill.redis + fill.rewrite, filled),
        enqueue_client=_us(statistics.median(block.client for block in blocks), BLOCK),
        enqueue_redis=_us(statistics.median(block.redis for block in blocks), BLOCK),
        consume_worker=_us(consumed.worker, count),
        consume_redis=_us(consumed.redis, count),
        bytes_each=bytes_each,
    )


def _consume(stand: Stand) -> tuple[Cpu, int]:
    """Let a worker send some of what waits; return the CPU used and the messages that ended meanwhile."""
    start, waiting = stand.ended(), stand.waiting()
    stand.worker.start()
    try:
        began = stand.wait_for(lambda: (n := stand.ended()) >= start + min(WARM_UP, waiting // 10) and n)
        before = stand.cpu()
        over = stand.wait_for(lambda: (n := stand.ended()) >= began + min(CONSUMED, waiting // 2) and n)
        used = stand.cpu() - before
        if stand.waiting() == 0:
            raise BenchmarkError("the queue ran empty: run with more --messages")
    finally:
        stand.worker.terminate()
    return used, over - began


def _rows(levels: list[Level]) -> list[Row]:
    rows: list[Row] = []
    for level in levels:
        who = f"{level.waiting:,} waiting"
        rows += [
            Row("filling up, CPU of the client", level.fill_client, "µs", who=who),
            Row("filling up, CPU of Redis with rewrites of its file", level.fill_redis, "µs", who=who),
            Row("enqueue, CPU of the client", level.enqueue_client, "µs", who=who),
            Row("enqueue, CPU of Redis", level.enqueue_redis, "µs", who=who),
            Row("send, CPU of the worker", level.consume_worker, "µs", who=who),
            Row("send, CPU of Redis", level.consume_redis, "µs", who=who),
            Row("memory of Redis per waiting message", level.bytes_each, "bytes", who=who),
        ]
    low, high = levels[0], levels[-1]
    named = f"{high.waiting:,} waiting against {low.waiting:,}"
    pairs = {
        "enqueue, CPU of the client": (low.enqueue_client, high.enqueue_client),
        "enqueue, CPU of Redis": (low.enqueue_redis, high.enqueue_redis),
        "send, CPU of the worker": (low.consume_worker, high.consume_worker),
        "send, CPU of Redis": (low.consume_redis, high.consume_redis),
    }
    rows += [
        Row(f"{name}: {named}", after / before, "times").at_most(BOUND)
        for name, (before, after) in pairs.items()
    ]
    largest = max(level.bytes_each for level in levels)
    return [*rows, Row("memory of Redis per waiting message", largest, "bytes").at_most(MEMORY_MAX_BYTES)]


def _us(seconds: float, count: int) -> float:
    return 1e6 * seconds / count


def _used_memory(stand: Stand) -> int:
    return int(stand.redis.info("memory")["used_memory"])
