"""Pick-up: from send() to the first byte at the gateway while nothing else waits, and what idling costs.

Redis, one worker as the Procfile starts it, and a gateway stand-in that answers at once. See `own_alerts` for
the clock. Idling is measured on the same worker after its last message has ended.
"""

import time

from tests.benchmarks.own_alerts import pick_up_ms
from tests.benchmarks.own_stand import Stand, percentile
from tests.benchmarks.report import Context, Row

ALERTS = 500
IDLE_S = 30.0


def run(context: Context) -> list[Row]:
    """Measure pick-up and idling, as often as there are rounds."""
    p50, p99, worst, cpu, commands = [], [], [], [], []
    for i in range(context.rounds):
        with Stand(context) as stand:
            stand.worker.start()
            stand.warm_up()
            took_ms = pick_up_ms(stand, ALERTS, 0, f"alert{i}")
            stand.wait_for(lambda: stand.waiting() == 0)
            context.say(f"round {i + 1}: p99 {percentile(took_ms, 99):.2f} ms; now idling for {IDLE_S:g} s")
            percent, per_s = idle_cost(stand)
        p50.append(percentile(took_ms, 50))
        p99.append(percentile(took_ms, 99))
        worst.append(max(took_ms))
        cpu.append(percent)
        commands.append(per_s)
    return [
        Row.of("idle worker, send() to first byte, p50", p50, "ms").at_most(5),
        Row.of("idle worker, send() to first byte, p99", p99, "ms").at_most(20),
        Row.of("idle worker, send() to first byte, longest", worst, "ms"),
        Row.of("CPU of the idle worker's processes, of one core", cpu, "%").at_most(2),
        Row.of("Redis commands of the idle worker, those in scripts included", commands, "per s"),
    ]


def idle_cost(stand: Stand) -> tuple[float, float]:
    """Return percent of a core and Redis commands per second of a worker that has nothing to do."""
    # A stretch of time is what is measured here: there is no condition to wait for.
    before, commands, began = stand.cpu(), _commands(stand), time.monotonic()
    time.sleep(IDLE_S)
    # Our own readings are two INFO of some hundred commands.
    used, asked, passed = stand.cpu() - before, _commands(stand) - commands, time.monotonic() - began
    return 100 * used.worker / passed, asked / passed


def _commands(stand: Stand) -> int:
    calls = stand.redis.info("commandstats")
    return sum(command["calls"] for command in calls.values())
