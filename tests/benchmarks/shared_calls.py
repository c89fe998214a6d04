"""Single sends of one template that share calls.

Many single sends of ``Your code is {param1}``, each to its own number under its own request_id, wait for a
gateway that takes 100 ms and allows 4 calls at once. Sends that wait share the next call. Beside it: the
same without sharing (fewer messages, since it does 40 a second), and BullMQ with one POST per message at the
number of jobs at a time at which it is fastest, which is not bound to 4 calls. That each number was called
exactly once, and how many calls it took, is read from the gateway's books.
"""

from tests.benchmarks import candidates
from tests.benchmarks.candidates import BULLMQ, Candidate, Load
from tests.benchmarks.drain import Drained, fastest_bullmq, interleave, ratios
from tests.benchmarks.gateway import BenchGateway
from tests.benchmarks.report import Context, Row

CALLS, DELAY_MS = 4, 100.0
SHARED = "octopush-worker, shared calls"
SINGLE = "octopush-worker, one call each"
#: Recipients that the bound asks of a call on average; the gateway takes 500.
RECIPIENTS_PER_CALL = 400


def run(context: Context) -> list[Row]:
    """Measure with and without sharing, and BullMQ."""
    many = context.messages * 10
    few = max(10 * CALLS, context.messages * 8 // 100)
    with BenchGateway() as gateway:
        context.say(f"{many:,} sends that may share calls, gateway {DELAY_MS:g} ms, {CALLS} calls at once")
        # Measured from the first call on: how fast calls fill at the beginning is part of the answer.
        runs = [
            (_ours(SHARED, shares_calls=True), _load(many, warm_up=1)),
            (_ours(SINGLE), _load(few, warm_up=max(CALLS, few // 10 // CALLS * CALLS))),
        ]
        runs = [(candidate, load) for candidate, load in runs if context.wants(candidate.name)]
        # Node's compiler takes two seconds to warm up: measured is the last half.
        single = Load(context.messages * 4, DELAY_MS, 0, warm_up=context.messages * 2)
        if context.wants(BULLMQ) and (best := fastest_bullmq(context, gateway, single)):
            runs.append(best)
        found = interleave(context, gateway, runs)
    return [*_figures(found, {each.name: load for each, load in runs}), *_bounds(found, many)]


def _ours(name: str, *, shares_calls: bool = False) -> Candidate:
    return candidates.ours(name, shares_calls=shares_calls, send_in_flight=CALLS)


def _load(messages: int, *, warm_up: int) -> Load:
    return Load(messages, DELAY_MS, candidates.IN_FLIGHT, warm_up, template=True)


def _figures(found: dict[str, list[Drained]], loads: dict[str, Load]) -> list[Row]:
    rows = []
    for name, runs in found.items():
        rows += [
            Row("sends", loads[name].messages, "messages", who=name),
            Row.of("rate", [run.rate for run in runs], "msg/s", name),
            Row.of("calls", [run.calls for run in runs], "calls", name),
            Row("calls at once at most", max(run.in_flight for run in runs), "calls", who=name),
            Row.of("CPU per message", [run.cpu_us for run in runs], "µs", name),
            Row.of("Redis CPU per message", [run.redis_us for run in runs], "µs", name),
        ]
    return rows


def _bounds(found: dict[str, list[Drained]], many: int) -> list[Row]:
    rows = []
    if times := ratios(found, SHARED, SINGLE, _rate):
        rows.append(Row.of("shared: rate against one call each", times, "times").at_least(100))
    if times := ratios(found, SHARED, BULLMQ, _rate):
        rows.append(Row.of("shared: rate against BullMQ's best", times, "times").at_least(3))
    if runs := found.get(SHARED):
        calls = Row.of(f"shared: calls for {many:,} sends", [run.calls for run in runs], "calls")
        rows.append(calls.at_most(many / RECIPIENTS_PER_CALL))
    return rows


def _rate(run: Drained) -> float:
    return run.rate
