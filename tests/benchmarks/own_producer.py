"""Enqueueing: what one thread's send() and one process's send_many() do per second, and what they cost.

No worker runs; Redis is empty at the start and has its append-only file. Each way runs as often as there are
rounds: single SMS of 160 characters with a context. Rates are by the wall clock, costs are CPU seconds.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.benchmarks.own_stand import TEXT, Stand, messages, number
from tests.benchmarks.report import BenchmarkError, Context, Row

SENDS = 20_000
MANY = 100_000
#: Messages that are queued before anything is measured, to numbers that nobody else has.
_FIRST = 500


@dataclass(slots=True)
class _Figures:
    rate: list[float] = field(default_factory=list)
    client_us: list[float] = field(default_factory=list)
    redis_us: list[float] = field(default_factory=list)


def run(context: Context) -> list[Row]:
    """Measure all ways, in turns."""
    one, many, made = _Figures(), _Figures(), _Figures()
    sends, size = min(SENDS, 2 * context.messages), min(MANY, 10 * context.messages)
    for i in range(context.rounds):
        _take(context, one, sends, lambda stand: _send(stand, sends))
        listed = list(messages(size))
        _take(context, many, size, lambda stand, listed=listed: stand.producer.send_many(listed))
        _take(context, made, size, lambda stand: stand.producer.send_many(messages(size)))
        context.say(
            f"round {i + 1}: send {one.rate[-1]:,.0f}/s, list {many.rate[-1]:,.0f}/s, "
            f"iterator {made.rate[-1]:,.0f}/s"
        )
    ways = {"send": one, "send_many of a list": many, "send_many of an iterator that makes them": made}
    rows = [
        Row.of("send, one thread", one.rate, "msg/s").at_least(5_000),
        Row.of("send_many of a list, one process", many.rate, "msg/s").at_least(50_000),
        Row.of("send_many of an iterator, one process", made.rate, "msg/s").at_least(50_000),
    ]
    for who, figures in ways.items():
        rows.append(Row.of("messages per second", figures.rate, "msg/s", who=who))
        rows.append(Row.of("CPU of the client", figures.client_us, "µs", who=who))
        rows.append(Row.of("CPU of Redis", figures.redis_us, "µs", who=who))
    return rows


def _send(stand: Stand, count: int) -> None:
    for i in range(count):
        stand.producer.send(number(i), TEXT, sender="Bench", context={"booking": 42})


def _take(context: Context, figures: _Figures, count: int, work: Callable[[Stand], object]) -> None:
    """Measure one way on a Redis of its own, so that none pays for what another has left there."""
    people = map(number, range(count + _FIRST))
    with Stand(context, gateway_ms=None, marketing_to=people) as stand:
        # Connects, and loads the script.
        stand.producer.send_many(messages(_FIRST, prefix="first", first=count))
        before, began = stand.cpu(), time.monotonic()
        work(stand)
        seconds, used = time.monotonic() - began, stand.cpu() - before
        queued = stand.counts()["enqueued"] - _FIRST
    if queued != count:
        raise BenchmarkError(f"{queued} of {count} messages are in the queue")
    figures.rate.append(count / seconds)
    figures.client_us.append(1e6 * used.client / count)
    figures.redis_us.append(1e6 * used.redis / count)
