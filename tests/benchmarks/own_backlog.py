"""Alerts in front of a backlog: their pick-up while a million marketing messages wait and are being sent.

The gateway stand-in takes 100 ms for each call. The same worker first shows its pick-up with an empty queue,
then is stopped while the backlog is enqueued by `send_many` from an iterator, and started again. Alerts are
only measured once marketing is under way, and the backlog must outlast them. Two backlogs: one text for all,
which shares no calls, and a template, which does.
"""

import time
from collections.abc import Callable

from tests.benchmarks.own_alerts import pick_up_ms
from tests.benchmarks.own_stand import TEMPLATE, TEXT, Stand, backlog_size, messages, percentile
from tests.benchmarks.report import BenchmarkError, Context, Row

GATEWAY_MS = 100.0
ALERTS = 300
#: Calls of marketing after which it counts as under way.
UNDER_WAY = 50
#: Times the idle p99 that an alert may take.
BOUND = 2.0


def run(context: Context) -> list[Row]:
    """Measure with either kind of backlog."""
    rows: list[Row] = []
    for who, text in (("octopush-worker", TEXT), ("octopush-worker, shared calls", TEMPLATE)):
        if context.wants(who):
            rows += _measure(context, who, text)
    return rows


def _measure(context: Context, who: str, text: str) -> list[Row]:
    size = backlog_size(context)
    with Stand(context, gateway_ms=GATEWAY_MS) as stand:
        stand.worker.start()
        stand.warm_up()
        idle_ms = pick_up_ms(stand, ALERTS, GATEWAY_MS, "idle")
        stand.wait_for(lambda: stand.waiting() == 0)
        stand.worker.terminate()
        context.say(f"{who}: idle p99 {percentile(idle_ms, 99):.2f} ms; enqueueing {size:,}")
        enqueue_s = _seconds(lambda: stand.producer.send_many(messages(size, text=text)))
        stand.gateway.reset(delay_ms=GATEWAY_MS)
        stand.worker.start()
        stand.wait_for(lambda: stand.gateway.stats()["calls"] >= UNDER_WAY)
        context.say(f"{who}: enqueued in {enqueue_s:.0f} s; {stand.waiting():,} wait, now {ALERTS} alerts")
        ended, began = stand.ended(), time.monotonic()
        busy_ms = pick_up_ms(stand, ALERTS, GATEWAY_MS, "busy")
        per_s, left = (stand.ended() - ended) / (time.monotonic() - began), stand.waiting()
    context.say(f"{who}: {left:,} still wait")
    if left == 0:
        raise BenchmarkError("the backlog was over before the alerts were: run with more --messages")
    ratio = percentile(busy_ms, 99) / percentile(idle_ms, 99)
    behind = f"behind {size:,}"
    return [
        Row("send_many from an iterator into an idle installation", size / enqueue_s, "msg/s", who=who),
        Row("pick-up of an alert, idle, p50", percentile(idle_ms, 50), "ms", who=who),
        Row("pick-up of an alert, idle, p99", percentile(idle_ms, 99), "ms", who=who),
        Row(f"pick-up of an alert, {behind}, p50", percentile(busy_ms, 50), "ms", who=who),
        Row(f"pick-up of an alert, {behind}, p99", percentile(busy_ms, 99), "ms", who=who),
        Row(f"pick-up of an alert, {behind}, longest", max(busy_ms), "ms", who=who),
        Row("messages sent meanwhile", per_s, "msg/s", who=who),
        Row(f"{who}: p99 {behind} against idle", ratio, "times", who=who).at_most(BOUND),
    ]


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
