"""Callbacks at a steady 1,000 per second: until the empty 200, and until the entry on the stream.

The web process and one worker of the Procfile; receipts for messages that were really sent before, half of
them single SMS and half in calls of 500, in random order. `open_load` POSTs them over keep-alive
connections at scheduled instants, and both latencies count from the schedule. This process reads the stream
with a blocking XREAD and takes the time when it has an entry.
"""

import json
import random
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis

from producers import Message
from producers.contract.keys import STATUSES
from tests.benchmarks.own_stand import PATIENCE_S, TEXT, Cpu, Stand, messages, number, percentile
from tests.benchmarks.report import BenchmarkError, Context, Row
from tests.support.installation import TOKEN

RATE_PER_S = 1_000
CONNECTIONS = 24
SECONDS = 20
#: Callbacks before the clock, so that connections are open and code is compiled.
WARM_UP = 1_000
#: Recipients of a call, for the half of the messages that are not single.
CALL = 500

_LOAD = Path(__file__).with_name("open_load.py")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Round:
    """Latencies in ms from the scheduled departure, the generator's own lateness, and CPU seconds."""

    answer: list[float]
    entry: list[float]
    late: list[float]
    per_s: float
    used: Cpu
    load_s: float


class Reader:
    """Reads a stream of callbacks from its present end on, in a thread; notes when each entry was there.

    Attributes:
        seen: time in ns by ticket and number.
        repeated: entries that came once more.
    """

    def __init__(self, stand: Stand, expected: int, stream: str = "receipts") -> None:
        self.seen: dict[Pair, int] = {}
        self.repeated = 0
        self._stream = stand.keys.stream(stream)
        self._client = redis.Redis.from_url(stand.server.url)
        last = self._client.xrevrange(self._stream, count=1)
        self._last = last[0][0] if last else b"0-0"
        self._expected, self._stopped = expected, threading.Event()
        self._thread = threading.Thread(target=self._read, name="stream", daemon=True)
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Wait until all entries are there, or for so long."""
        self._thread.join(seconds)
        self._stopped.set()
        self._thread.join()
        self._client.close()

    def _read(self) -> None:
        while len(self.seen) < self._expected and not self._stopped.is_set():
            found = self._client.xread({self._stream: self._last}, count=500, block=200)
            now = time.monotonic_ns()
            for self._last, fields in _entries(found):
                pair = (fields[b"ticket"].decode(), fields[b"number"].decode())
                self.repeated += pair in self.seen
                self.seen.setdefault(pair, now)


def run(context: Context) -> list[Row]:
    """Measure as often as there are rounds."""
    rounds = [_measure(context, i) for i in range(context.rounds)]
    total = min(RATE_PER_S * SECONDS, 5 * context.messages)

    def us(seconds: list[float]) -> list[float]:
        return [1e6 * each / total for each in seconds]

    def each(name: str, percent: float) -> list[float]:
        return [percentile(getattr(r, name), percent) for r in rounds]

    return [
        Row.of("callbacks taken", [r.per_s for r in rounds], "per s").at_least(0.98 * RATE_PER_S),
        Row.of("POST to empty 200, p99", each("answer", 99), "ms").at_most(50),
        Row.of("POST to stream entry, p99", each("entry", 99), "ms").at_most(250),
        Row.of("POST to empty 200, p50", each("answer", 50), "ms"),
        Row.of("POST to stream entry, p50", each("entry", 50), "ms"),
        Row.of("POST to stream entry, longest", each("entry", 100), "ms"),
        Row.of("load generator behind its schedule, p99", each("late", 99), "ms"),
        # What the measuring itself takes of the two cores.
        Row.of("CPU of load generator and reader per callback", us([r.load_s for r in rounds]), "µs"),
        Row.of("CPU of web per callback", us([r.used.web for r in rounds]), "µs"),
        Row.of("CPU of worker per callback", us([r.used.worker for r in rounds]), "µs"),
        Row.of("CPU of Redis per callback", us([r.used.redis for r in rounds]), "µs"),
    ]


def _measure(context: Context, i: int) -> Round:
    total = min(RATE_PER_S * SECONDS, 5 * context.messages)
    warm_up = min(WARM_UP, total)
    with Stand(context) as stand:
        stand.worker.start()
        stand.start_web()
        pairs = send(stand, total + warm_up)
        random.Random(i).shuffle(pairs)
        context.say(f"round {i + 1}: {len(pairs):,} recipients have their messages; warming up")
        post(stand, pairs[:warm_up], RATE_PER_S / 4)
        context.say(f"round {i + 1}: {total:,} callbacks")
        measured = post(stand, pairs[warm_up:], RATE_PER_S)
    context.say(f"round {i + 1}: entries p99 {percentile(measured.entry, 99):.1f} ms")
    return measured


def send(stand: Stand, recipients: int) -> list[Pair]:
    """Send messages through the worker and return ticket and number of every recipient."""
    single, numbers = recipients // 2, {}
    for message in messages(single, purpose="alert", prefix="single"):
        numbers[message.request_id] = [message.recipients]
    stand.producer.send_many(messages(single, purpose="alert", prefix="single"))
    for first in range(single, recipients, CALL):
        called = [number(i) for i in range(first, min(first + CALL, recipients))]
        request_id = f"call-{first}"
        numbers[request_id] = called
        stand.producer.send_many(
            [Message(called, TEXT, sender="Bench", purpose="alert", request_id=request_id)]
        )
    stand.wait_for(lambda: stand.counts().get("accepted", 0) == len(numbers))
    pairs: list[Pair] = []
    for _, fields in stand.redis.xrange(stand.keys.stream(STATUSES)):
        if ticket := fields[b"ticket"].decode():
            pairs += [(ticket, to) for to in numbers.pop(fields[b"request_id"].decode(), ())]
    if numbers:
        raise BenchmarkError(f"{len(numbers)} messages have no ticket")
    return pairs


def post(stand: Stand, pairs: list[Pair], rate_per_s: float) -> Round:
    """POST one receipt for each pair, and wait for the entries.

    Raises:
        BenchmarkError: a callback was not answered 200, or its entry is missing or there twice.
    """
    plan = {
        "port": stand.web_port,
        "headers": {},
        "rate_per_s": rate_per_s,
        "connections": CONNECTIONS,
        "requests": [["POST", f"/callbacks/{TOKEN}", _receipt(ticket, to)] for ticket, to in pairs],
    }
    before, ours, reader = stand.cpu(), _children_s(), Reader(stand, len(pairs))
    try:
        results = run_load(plan)
        reader.finish(PATIENCE_S)
    finally:
        reader.finish(0)
    used = stand.cpu() - before
    refused = sum(row[3:] != [200, 0] for row in results)
    if refused or reader.repeated or len(reader.seen) != len(pairs):
        raise BenchmarkError(
            f"of {len(pairs)} callbacks {refused} were not answered 200, {len(pairs) - len(reader.seen)} are "
            f"not on the stream, {reader.repeated} are there again"
        )
    answered = max(row[2] for row in results) - results[0][0]
    return Round(
        answer=[(done - at) / 1e6 for at, _, done, *_ in results],
        entry=[(reader.seen[pair] - row[0]) / 1e6 for pair, row in zip(pairs, results, strict=True)],
        late=[(ready - at) / 1e6 for at, ready, *_ in results],
        per_s=len(pairs) / (answered / 1e9),
        used=used,
        load_s=used.client + _children_s() - ours,
    )


def _children_s() -> float:
    """CPU seconds of our children that have ended; between two readings only the load generator does."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_load(plan: dict[str, object]) -> list[list[int]]:
    """Run the load generator to its end and return what it measured; it dies with us."""
    command = [sys.executable, "-I", str(_LOAD)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        try:
            output, _ = load.communicate(json.dumps(plan), timeout=PATIENCE_S)
        finally:
            with suppress(ProcessLookupError):
                load.kill()
    if load.returncode:
        raise BenchmarkError(f"the load generator ended with status {load.returncode}")
    return json.loads(output)


def _receipt(ticket: str, to: str) -> str:
    return json.dumps(
        {"message_id": ticket, "number": to, "status": "DELIVERED", "delivery_date": "2026-11-23 10:00:00"}
    )


def _entries(found: object) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Read the reply of XREAD for one stream: a mapping or a list, by the protocol's version."""
    if not found:
        return []
    if isinstance(found, dict):
        batches = next(iter(found.values()))
        return batches[0] if len(batches) == 1 and isinstance(batches[0], list) else batches
    return found[0][1]
