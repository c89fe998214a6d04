"""One POST per message, beside other queues.

Everybody does the same job: N messages wait in a Redis with an append-only file, one worker process takes
them and POSTs the same body of some 240 bytes for each. The peers keep no ledger; octopush-worker keeps its
own, its leases, its JSON log and its stream of statuses, and shares no calls here. Measured are messages per
second and CPU per message at a gateway that answers at once, and messages per second at one that takes 100
ms, with 64 calls in flight: 640 a second is what arithmetic allows then. Bare clients without any queue are
the floor.
"""

from dataclasses import replace

from tests.benchmarks import candidates
from tests.benchmarks.candidates import BARE, BULLMQ, DRAMATIQ, IN_FLIGHT, OURS, Load
from tests.benchmarks.drain import Drained, fastest_bullmq, interleave, ratios
from tests.benchmarks.gateway import BenchGateway
from tests.benchmarks.report import Context, Row

DELAY_MS = 100.0
#: Messages per second that so many calls in flight can carry at most.
LIMIT_PER_S = IN_FLIGHT * 1000 / DELAY_MS

Runs = dict[str, list[Drained]]


def run(context: Context) -> list[Row]:
    """Measure both gateways and compare."""
    with BenchGateway() as gateway:
        at_once, bullmq_jobs = _at_once(context, gateway)
        slow = _slow(context, gateway)
    rows = [row for name in {**at_once, **slow} for row in _figures(name, at_once, slow)]
    return [*rows, *bullmq_jobs, *_comparisons(at_once), *_of_the_limit(slow)]


def _at_once(context: Context, gateway: BenchGateway) -> tuple[Runs, list[Row]]:
    load = Load(context.messages, 0.0, IN_FLIGHT, warm_up=context.messages // 10)
    context.say("gateway 0 ms")
    runs = [(candidate, load) for candidate in candidates.everybody(context)]
    jobs = []
    # Node's compiler takes seconds to warm up: BullMQ gets more messages and is measured on the last half.
    longer = replace(load, messages=load.messages * 4, warm_up=load.messages * 2)
    if context.wants(BULLMQ) and (best := fastest_bullmq(context, gateway, longer)):
        runs.append(best)
        jobs = [Row("jobs at a time at which it is fastest", best[1].in_flight, "jobs", who=BULLMQ)]
    return interleave(context, gateway, runs), jobs


def _slow(context: Context, gateway: BenchGateway) -> Runs:
    # Whole waves of 64, so that the first and the last call measured stand at the same place of theirs.
    waves = max(20, context.messages // 100)
    load = Load(waves * IN_FLIGHT, DELAY_MS, IN_FLIGHT, warm_up=waves // 10 * IN_FLIGHT)
    context.say(f"gateway {DELAY_MS:g} ms, {IN_FLIGHT} calls in flight")
    runs = [(candidate, load) for candidate in candidates.everybody(context)]
    if context.wants(BULLMQ) and (bullmq := candidates.bullmq(context)):
        runs.append((bullmq, load))
    return interleave(context, gateway, runs)


def _figures(name: str, at_once: Runs, slow: Runs) -> list[Row]:
    """Give what was measured on one candidate."""
    rows = []
    if fast := at_once.get(name):
        rows += [
            Row.of("gateway 0 ms", [run.rate for run in fast], "msg/s", name),
            Row.of("CPU per message", [run.cpu_us for run in fast], "µs", name),
            Row.of("Redis CPU per message", [run.redis_us for run in fast], "µs", name),
        ]
    if waited := slow.get(name):
        rows.append(Row.of("gateway 100 ms, 64 in flight", [run.rate for run in waited], "msg/s", name))
    for other, word in ((DRAMATIQ, "plain Dramatiq"), (BARE, "bare client")):
        if times := ratios(at_once, name, other, _rate):
            rows.append(Row.of(f"rate at 0 ms, {word} = 1", times, "times", name))
    if times := ratios(at_once, name, DRAMATIQ, _cpu):
        rows.append(Row.of("CPU, plain Dramatiq = 1", times, "times", name))
    return rows


def _comparisons(found: Runs) -> list[Row]:
    """Give what has a bound, at the gateway that answers at once."""
    rows = []
    if times := ratios(found, OURS, DRAMATIQ, _rate):
        rows.append(Row.of("0 ms: rate against plain Dramatiq", times, "times").at_least(3))
    if times := ratios(found, OURS, BARE, _rate):
        rows.append(Row.of("0 ms: rate against the bare client", times, "times").at_least(0.7))
    if times := ratios(found, OURS, DRAMATIQ, _cpu):
        rows.append(Row.of("0 ms: CPU against plain Dramatiq", times, "times").at_most(0.35))
    return rows


def _of_the_limit(found: Runs) -> list[Row]:
    name = "100 ms, 64 in flight: share of the 640/s"
    return [
        Row.of(name, [100 * run.rate / LIMIT_PER_S for run in runs], "%").at_least(95)
        for who, runs in found.items()
        if who == OURS
    ]


def _rate(run: Drained) -> float:
    return run.rate


def _cpu(run: Drained) -> float:
    return run.cpu_us
