"""One run of one candidate: messages wait in a fresh Redis, a worker drains them, the gateway counts.

The measurement begins when a tenth of the messages has arrived at the gateway, so that neither imports nor
connections nor a compiler that warms up count, and ends with the first byte of the last call. CPU is that of
the worker with all its children, from the same moment until it has come to rest: the acknowledgement of the
last message is in it. Redis keeps an append-only file, as in production.
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks import candidates
from tests.benchmarks.candidates import BULLMQ_CONCURRENCIES, Candidate, Load
from tests.benchmarks.gateway import BenchGateway
from tests.benchmarks.processes import Measured, session_cpu_s, wait_until
from tests.benchmarks.report import BenchmarkError, Context
from worker.sandbox.redis_server import RedisServer

#: Seconds that filling a queue may take.
_FILL_S = 600


@dataclass(frozen=True)
class Drained:
    """What one run showed.

    Attributes:
        rate: messages per second.
        cpu_us: microseconds of the worker's CPU per message.
        redis_us: microseconds of Redis' CPU per message; 0 without a queue.
        gateway_us: microseconds of the stand-in's CPU per message, to judge the instrument.
        calls: POSTs at the gateway.
        in_flight: most calls at once.
    """

    rate: float
    cpu_us: float
    redis_us: float
    gateway_us: float
    calls: int
    in_flight: int


def drain(context: Context, gateway: BenchGateway, candidate: Candidate, load: Load) -> Drained:
    """Run a candidate once.

    Raises:
        BenchmarkError: a message was lost or sent twice, or the candidate stopped working.
    """
    with ExitStack() as stack:
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=context.data_dir)))
        server = None
        if candidate.enqueue is not None:
            server = stack.enter_context(RedisServer(data_dir / "redis", fsync="always"))
        environ = candidate.environment(load, server.url if server else "", gateway.base_url)
        if candidate.enqueue is not None:
            command = candidate.enqueue(load, data_dir)
            with Measured(command, environ, data_dir / "enqueue.log", candidate.cwd) as filling:
                filling.finish(_FILL_S)
        gateway.reset(delay_ms=load.delay_ms, mark=load.warm_up)
        command = candidate.work(load)
        worker = stack.enter_context(Measured(command, environ, data_dir / "worker.log", candidate.cwd))
        drained = _measure(gateway, worker, server, load)
        _verify(candidate, load, gateway.stats(), worker)
        context.say(f"  {candidate.name:<28} {drained.rate:>8,.0f} msg/s {drained.cpu_us:>6,.0f} µs of CPU")
        return drained


def _measure(gateway: BenchGateway, worker: Measured, server: RedisServer | None, load: Load) -> Drained:
    def clocks() -> list[float]:
        return [worker.cpu_s(), session_cpu_s(server.pid) if server else 0.0, gateway.cpu_s()]

    def come(kind: str) -> float:
        worker.check()
        return gateway.stats()[kind]

    try:
        wait_until(lambda: come("recipients"), load.warm_up)
        before, warm = clocks(), come("recipients")
        wait_until(lambda: come("recipients"), load.messages)
        wait_until(lambda: come("answered"), gateway.stats()["calls"])
        worker.settle()
    except BenchmarkError as error:
        raise BenchmarkError(f"{error}; printed last: {worker.printed()}") from error
    spent = [after - at_first for after, at_first in zip(clocks(), before, strict=True)]
    stats = gateway.stats()
    seconds = (stats["last_ns"] - stats["mark_ns"]) / 1e9
    # A load that comes in one or two calls has no time between them to measure.
    rate = (load.messages - stats["marked"]) / seconds if seconds else 0.0
    each = [1e6 * part / max(1, load.messages - warm) for part in spent]
    return Drained(rate, each[0], each[1], each[2], stats["calls"], stats["in_flight_max"])


def _verify(candidate: Candidate, load: Load, stats: dict[str, Any], worker: Measured) -> None:
    """Compare the gateway's books with what was queued."""
    calls = stats["calls"] if candidate.shares_calls else load.messages
    expected = {
        "calls": calls,
        "answered": calls,
        "distinct_ids": calls,
        "repeated_ids": 0,
        "recipients": load.messages,
        "distinct_phones": load.messages,
        "repeated_phones": 0,
    }
    wrong = {name: stats[name] for name, value in expected.items() if stats[name] != value}
    if wrong:
        raise BenchmarkError(
            f"{candidate.name}: not each of {load.messages} messages once: {wrong}; {worker.printed()}"
        )


def interleave(
    context: Context, gateway: BenchGateway, runs: Sequence[tuple[Candidate, Load]]
) -> dict[str, list[Drained]]:
    """Run all candidates in turns, A B C A B C, so that a slow minute of the machine meets all of them."""
    found: dict[str, list[Drained]] = {candidate.name: [] for candidate, _ in runs}
    for number in range(1, context.rounds + 1):
        context.say(f" round {number} of {context.rounds}")
        for candidate, load in runs:
            found[candidate.name].append(drain(context, gateway, candidate, load))
    return found


def fastest_bullmq(context: Context, gateway: BenchGateway, load: Load) -> tuple[Candidate, Load] | None:
    """Search the number of jobs at a time at which BullMQ is fastest under a load; None without Node."""
    candidate = candidates.bullmq(context)
    if candidate is None:
        return None
    context.say(" BullMQ at " + ", ".join(map(str, BULLMQ_CONCURRENCIES)) + " jobs at a time")
    tried = [replace(load, in_flight=concurrency) for concurrency in BULLMQ_CONCURRENCIES]
    return candidate, max(tried, key=lambda each: drain(context, gateway, candidate, each).rate)


def ratios(
    found: dict[str, list[Drained]], one: str, other: str, figure: Callable[[Drained], float]
) -> list[float]:
    """Divide a figure of one candidate by that of another, round by round; empty if either did not run."""
    pairs = zip(found.get(one, ()), found.get(other, ()), strict=False)
    return [figure(a) / figure(b) for a, b in pairs if figure(b)]
