"""The simulation: calls go through Redis, a worker and the gateway, event by event. Pure and deterministic.

A call takes Redis and a worker before its POST (claim) and after it (record). Each namespace has a Redis of
its own, which serves one at a time, in the order in which they come; so does each worker with its CPU. The
gateway takes as long as it takes, as many at a time as are allowed, and not more recipients a second than the
account may send. All waits at the beginning, or comes at a steady rate.
"""

import heapq
from dataclasses import dataclass
from typing import Final

from tests.scale.figures import ENTRY_BYTES, RECEIPT_US, STREAM_MAXLEN, Figures

#: Calls of a backlog that are simulated one by one. The rest goes on as their second half did.
CALLS_MAX: Final = 100_000
#: Share of a resource from which on it holds the rest up.
BUSY: Final = 0.95


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, and with what.

    Attributes:
        messages: recipients.
        share: recipients of one call.
        arrivals_per_s: recipients a second that are queued; 0 if all of them wait at the beginning.
        namespaces: each with a Redis of its own; workers, calls and rate are divided among them.
        workers: processes, each on a core of its own.
        calls: calls at a time of one worker.
        in_flight: calls at a time of the account, 0 for no limit.
        gateway_ms: time from the POST to its answer.
        rate_per_s: recipients per second of the account, 0 for no limit.
        receipts: receipts per recipient, which come back while others are sent.
        redis_commands: commands of Redis per recipient, to queue and send it; 0 for as many as were measured.
        retention_days: for how long a record is kept.
    """

    messages: int
    share: int = 1
    arrivals_per_s: float = 0.0
    namespaces: int = 1
    workers: int = 1
    calls: int = 64
    in_flight: int = 0
    gateway_ms: float = 100.0
    rate_per_s: float = 0.0
    receipts: float = 1.0
    redis_commands: float = 0.0
    retention_days: int = 7


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it.

    Attributes:
        duration_s: from the beginning until the last recipient is recorded.
        rate_per_s: recipients per second.
        bottleneck: what was busy all the time: ``gateway latency``, ``gateway rate``, ``redis``, ``workers``,
            or ``arrivals`` if nothing was.
        busy: share of the time for which each was busy.
        calls: POSTs.
        callbacks_per_s: receipts that come back in a second, in the mean.
        waiting_max: recipients that waited at once, at most.
        queue_bytes: memory of all Redis servers for these.
        kept_bytes: the same for what is kept of all of them, with the streams.
        delay_ms: from the arrival of a call to its POST, the longest; None where all waited at the beginning.
    """

    duration_s: float
    rate_per_s: float
    bottleneck: str
    busy: dict[str, float]
    calls: int
    callbacks_per_s: float
    waiting_max: int
    queue_bytes: float
    kept_bytes: float
    delay_ms: float | None


def simulate(plan: Plan, figures: Figures) -> Result:
    """Send everything; each namespace is like every other one."""
    calls = max(1, -(-plan.messages // (plan.share * plan.namespaces)))
    lane = _Lane(plan, figures)
    # What arrives meanwhile and what only waits take different times, so all of what arrives is simulated.
    shown = lane.run(calls if plan.arrivals_per_s else min(calls, CALLS_MAX))
    duration = shown.ends[-1]
    if left := calls - len(shown.ends):
        middle = len(shown.ends) // 2
        # The time between two ends no longer changes, so a line continues what was simulated.
        duration += left * (shown.ends[-1] - shown.ends[middle]) / (len(shown.ends) - 1 - middle)
    busy = {
        name: min(1.0, seconds * calls / len(shown.ends) / duration) for name, seconds in lane.used.items()
    }
    top = max(busy, key=lambda name: busy[name])
    waiting = plan.messages
    if plan.arrivals_per_s:
        waiting = min(plan.messages, shown.waiting * plan.share * plan.namespaces)
    entries = min(plan.messages, STREAM_MAXLEN * plan.namespaces)
    return Result(
        duration_s=duration,
        rate_per_s=plan.messages / duration,
        bottleneck=top if busy[top] >= BUSY else "arrivals" if plan.arrivals_per_s else top,
        busy=busy,
        calls=calls * plan.namespaces,
        callbacks_per_s=plan.receipts * plan.messages / duration,
        waiting_max=waiting,
        queue_bytes=waiting * figures.waiting_bytes,
        kept_bytes=plan.messages * figures.kept_bytes + entries * ENTRY_BYTES,
        delay_ms=1000 * shown.delay_s if plan.arrivals_per_s else None,
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    ends: list[float]
    delay_s: float
    waiting: int


class _Lane:
    """One namespace: a Redis, its workers, its part of the gateway."""

    def __init__(self, plan: Plan, figures: Figures) -> None:
        self._plan = plan
        workers = max(1, plan.workers // plan.namespaces)
        self._slots = workers * plan.calls
        if plan.in_flight:
            self._slots = min(self._slots, max(1, plan.in_flight // plan.namespaces))
        self._worker_free = [0.0] * workers
        self._redis_free = 0.0
        self._rate_free = 0.0
        measured = figures.queue_commands + figures.send_commands
        scale = plan.redis_commands / measured if plan.redis_commands else 1.0
        self._queue_s = plan.share * figures.queue_us * scale / 1e6
        self._redis_s = plan.share * figures.send_us * scale / 2e6
        self._worker_s = plan.share * figures.worker_us / 2e6
        self._receipts_s = plan.share * plan.receipts * RECEIPT_US / 1e6
        self._gateway_s = plan.gateway_ms / 1000
        rate = plan.rate_per_s / plan.namespaces
        self._space_s = plan.share / rate if rate else 0.0
        every = plan.arrivals_per_s / plan.namespaces
        self._every_s = plan.share / every if every else 0.0
        #: Seconds for which each part was busy; of slots and workers the mean of all of them.
        self.used = {"redis": 0.0, "workers": 0.0, "gateway latency": 0.0, "gateway rate": 0.0}

    def run(self, calls: int) -> _Shown:
        """Send so many calls; what has happened first comes first, and of two the older one."""
        free, begun, delay, waiting = self._slots, 0, 0.0, 0
        ends: list[float] = []
        # What comes next: when, which in the order of making, what, and which worker.
        events: list[tuple[float, int, str, int]] = []
        arrived = calls if not self._every_s else 0
        if self._every_s:
            heapq.heappush(events, (0.0, 0, "arrive", 0))
        made, now = 1, 0.0
        while True:
            while free and begun < arrived:
                posted, worker = self._claim(now, begun)
                delay = max(delay, posted - begun * self._every_s)
                heapq.heappush(events, (posted + self._gateway_s, made, "answer", worker))
                begun, free, made = begun + 1, free - 1, made + 1
            waiting = max(waiting, arrived - begun)
            if not events:
                return _Shown(sorted(ends), delay, waiting)
            now, _, kind, worker = heapq.heappop(events)
            if kind == "arrive":
                arrived += 1
                # Queueing takes Redis, too, while workers ask it.
                self._redis(now, self._queue_s)
                if arrived < calls:
                    heapq.heappush(events, (arrived * self._every_s, made, "arrive", 0))
                    made += 1
            else:
                free += 1
                self._worker(self._redis(now, self._redis_s), worker)
                # Receipts of earlier calls are written meanwhile; all of them, in the long run.
                ends.append(max(self._worker_free[worker], self._redis(now, self._receipts_s)))

    def _claim(self, now: float, number: int) -> tuple[float, int]:
        """Claim and POST; returns when the POST leaves, and which worker makes it."""
        worker = number % len(self._worker_free)
        ready = self._worker(self._redis(now, self._redis_s), worker)
        posted = max(ready, self._rate_free)
        self._rate_free = posted + self._space_s
        self.used["gateway rate"] += self._space_s
        self.used["gateway latency"] += self._gateway_s / self._slots
        return posted, worker

    def _redis(self, now: float, seconds: float) -> float:
        self._redis_free = max(now, self._redis_free) + seconds
        self.used["redis"] += seconds
        return self._redis_free

    def _worker(self, now: float, worker: int) -> float:
        self._worker_free[worker] = max(now, self._worker_free[worker]) + self._worker_s
        self.used["workers"] += self._worker_s / len(self._worker_free)
        return self._worker_free[worker]
