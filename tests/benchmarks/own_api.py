"""The HTTP API: batches, single messages, parts of campaigns, and events to those who wait.

One process of the API, one load generator and, where it says so, one process with 500 polls that wait. No
worker runs: what is measured is the way into the queue, and from a stream to a client. Messages of the load
leave at scheduled instants, and latencies count from the schedule; batches alone go as fast as four
connections take them. `own_api_server` says how late the event loop of the server was.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from tests.benchmarks.own_callbacks import run_load
from tests.benchmarks.own_stand import PATIENCE_S, TEXT, Stand, number, percentile
from tests.benchmarks.report import BenchmarkError, Context, Row
from tests.support.api_client import ALL, TOKENS
from tests.support.reply_events import publish_replies
from worker.sandbox.free_port import free_port
from worker.sandbox.processes import Process

#: Messages of a batch, and connections that hand batches over.
BATCH, BATCHING = 100, 4
BATCHED_PER_S: Final = 3_000
#: Single messages per second, over so many connections, and their p99.
SINGLE_PER_S, SINGLE_CONNECTIONS, SINGLE_P99_MS = 200, 16, 20
#: Parts per second, and their p99: one program uploads them in order.
PARTS_PER_S, PART, PART_P99_MS = 4, 500, 50
#: Events per second to a client that waits beside hundreds of others, and their p99.
EVENTS_PER_S, EVENT_P99_MS = 20, 100
#: Polls that wait at a time, in so many groups.
POLLS, GROUPS = 500, 20
#: Ms for which the event loop may be busy with one thing.
LOOP_MS: Final = 20
SECONDS: Final = 20

_HEADERS: Final = {"Authorization": f"Bearer {ALL}"}
#: Those who only wait do so on a stream on which nothing comes.
_WAITING: Final = "/v1/events?stream=alarms&wait_s=25&start=$"
_WATCHED: Final = "/v1/events?stream=replies&wait_s=25&start=$&group=watched&consumer=a"
_POLLING: Final = Path(__file__).with_name("own_api_polls.py")


@dataclass(slots=True)
class Round:
    """What one round has measured, in ms but for the first.

    Attributes:
        batched_per_s: messages per second in batches.
        took: latencies by what was called.
        loop: how late the server's loop was at most, by what was called; and how much of that was its CPU.
    """

    batched_per_s: float = 0.0
    took: dict[str, list[float]] = field(default_factory=dict)
    loop: dict[str, tuple[float, float]] = field(default_factory=dict)


def run(context: Context) -> list[Row]:
    """Measure as often as there are rounds."""
    rounds = [_measure(context, i) for i in range(context.rounds)]

    def took(name: str, percent: float) -> list[float]:
        return [percentile(each.took[name], percent) for each in rounds]

    def bounded(name: str, what: str, bound: float) -> list[Row]:
        return [
            Row.of(f"{name}, p99", took(what, 99), "ms").at_most(bound),
            Row.of(f"{name}, p50", took(what, 50), "ms"),
        ]

    polls = f"beside {POLLS} polls"
    rows = [
        Row.of("messages in batches of 100", [each.batched_per_s for each in rounds], "msg/s").at_least(
            BATCHED_PER_S
        ),
        *bounded(f"single message, {SINGLE_PER_S}/s", "single", SINGLE_P99_MS),
        *bounded(f"single message, {SINGLE_PER_S}/s, {polls}", "single beside polls", SINGLE_P99_MS),
        *bounded("part of 500", "part", PART_P99_MS),
        *bounded(f"event to poller, {polls}", "event", EVENT_P99_MS),
    ]
    for what in rounds[0].loop:
        late, cpu = zip(*(each.loop[what] for each in rounds), strict=True)
        rows.append(Row.of(f"event loop late, longest: {what}", late, "ms").at_most(LOOP_MS))
        rows.append(Row.of(f"of that its own CPU: {what}", cpu, "ms"))
    return rows


def _measure(context: Context, i: int) -> Round:
    found = Round()
    seconds = min(SECONDS, max(2, context.messages // 500))
    with Stand(context, gateway_ms=None) as stand, _api(stand) as server:
        _singles(server, "warm", 1)
        with server.probed(found, "batches"):
            found.batched_per_s = _batches(server, min(30_000, 2 * context.messages) // BATCH)
        with server.probed(found, "single"):
            found.took["single"] = _singles(server, "single", seconds)
        with server.probed(found, "part"):
            found.took["part"] = _parts(server, PARTS_PER_S * seconds)
        with _polls(server) as polls:
            with server.probed(found, "single beside polls"):
                found.took["single beside polls"] = _singles(server, "beside", seconds)
            with server.probed(found, "event"):
                sent = _events(stand, polls, EVENTS_PER_S * seconds)
            with server.probed(found, f"{POLLS} polls end at once"):
                found.took["event"] = _arrived(polls, sent)
    context.say(f"round {i + 1}: {found.batched_per_s:,.0f} messages/s, loop late {found.loop}")
    return found


class _Server:
    """The process of the API."""

    def __init__(self, stand: Stand) -> None:
        self.port = free_port()
        self._probe, self._log = stand.data_dir / "probe", stand.data_dir / "api.log"
        environ = {"API_TOKENS": TOKENS, "API_PORT": str(self.port), "API_RATE_PER_S": "1000000"}
        command = [sys.executable, "-m", "tests.benchmarks.own_api_server", str(self._probe)]
        with self._log.open("wb") as log:
            self.process = Process(command, {**stand.environ, **environ}, log)

    def answers(self) -> bool:
        """Say whether it has started.

        Raises:
            BenchmarkError: it has ended.
        """
        if self.process.status is not None:
            raise BenchmarkError("the API ended: " + self._log.read_text("utf-8")[-2000:])
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=1):
            return True
        return False

    @contextmanager
    def probed(self, found: Round, what: str) -> Iterator[None]:
        """Note how late the loop was at most meanwhile."""
        began = time.monotonic_ns()
        yield
        lines = (tuple(map(int, line.split())) for line in self._probe.read_text("utf-8").splitlines())
        late = [(late / 1e6, cpu / 1e6) for at, late, cpu in lines if at > began]
        found.loop[what] = max(late, default=(0.0, 0.0))


@contextmanager
def _api(stand: Stand) -> Iterator[_Server]:
    server = _Server(stand)
    try:
        stand.wait_for(server.answers)
        yield server
    finally:
        server.process.kill()


def _load(
    server: _Server, requests: Sequence[Sequence[str]], *, per_s: float, connections: int
) -> list[list[int]]:
    """Make calls.

    Raises:
        BenchmarkError: one was not answered as it should.
    """
    plan = {"port": server.port, "headers": _HEADERS, "rate_per_s": per_s, "connections": connections}
    results = run_load({**plan, "requests": requests})
    refused = [status for *_, status, _ in results if status not in {HTTPStatus.OK, HTTPStatus.CREATED}]
    if refused:
        raise BenchmarkError(
            f"{len(refused)} of {len(results)} calls were refused, the first with {refused[0]}"
        )
    return results


def _from_schedule_ms(results: list[list[int]]) -> list[float]:
    return [(answered - at) / 1e6 for at, _, answered, *_ in results]


def _message(prefix: str, i: int) -> dict[str, Any]:
    said = {"text": TEXT, "sender": "Bench", "purpose": "alert", "context": {"booking": 42}}
    return {"request_id": f"{prefix}-{i}", "recipients": [number(i)], **said}


def _batches(server: _Server, many: int) -> float:
    batches = [[_message("batch", n * BATCH + i) for i in range(BATCH)] for n in range(many)]
    requests = [["POST", "/v1/batch", json.dumps({"messages": each})] for each in batches]
    results = _load(server, requests, per_s=0, connections=BATCHING)
    took_ns = max(row[2] for row in results) - results[0][0]
    return many * BATCH / (took_ns / 1e9)


def _singles(server: _Server, prefix: str, seconds: int) -> list[float]:
    bodies = (json.dumps(_message(prefix, i)) for i in range(SINGLE_PER_S * seconds))
    requests = [["POST", "/v1/messages", body] for body in bodies]
    return _from_schedule_ms(_load(server, requests, per_s=SINGLE_PER_S, connections=SINGLE_CONNECTIONS))


def _parts(server: _Server, many: int) -> list[float]:
    path, said = "/v1/campaigns/bench", {"text": TEXT, "sender": "Bench", "purpose": "alert"}
    _load(server, [["PUT", path, json.dumps(said)]], per_s=1, connections=1)
    parts = [[number(n * PART + i) for i in range(PART)] for n in range(many)]
    requests = [
        ["PUT", f"{path}/parts/{n}", json.dumps({"recipients": part})] for n, part in enumerate(parts)
    ]
    return _from_schedule_ms(_load(server, requests, per_s=PARTS_PER_S, connections=1))


@contextmanager
def _polls(server: _Server) -> Iterator[subprocess.Popen[str]]:
    """Let hundreds wait; the last of them notes what comes."""
    waiting = [f"{_WAITING}&group=g{n % GROUPS}&consumer=c{n}" for n in range(POLLS - 1)]
    plan = {"port": server.port, "headers": _HEADERS, "waiting": waiting, "watched": _WATCHED}
    with subprocess.Popen(
        [sys.executable, "-I", str(_POLLING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as polls:
        try:
            _pipe(polls.stdin).write(json.dumps(plan) + "\n")
            _pipe(polls.stdin).flush()
            if _pipe(polls.stdout).readline() != "waiting\n":
                raise BenchmarkError("the polls could not begin")
            yield polls
        finally:
            polls.kill()


def _events(stand: Stand, polls: subprocess.Popen[str], many: int) -> dict[str, int]:
    """Publish events, wait until they are read, and say when each was published, by its id."""
    stream, sent, began = stand.keys.stream("replies"), list[int](), time.monotonic_ns()
    for n in range(many):
        time.sleep(max(0.0, (began - time.monotonic_ns()) / 1e9 + n / EVENTS_PER_S))
        sent.append(time.monotonic_ns())
        publish_replies(stand.redis, f"event {n}")
    ids = [entry_id.decode() for entry_id, _ in stand.redis.xrevrange(stream, count=many)][::-1]
    stand.wait_for(lambda: _is_read(stand, stream, polls))
    return dict(zip(ids, sent, strict=True))


def _arrived(polls: subprocess.Popen[str], sent: dict[str, int]) -> list[float]:
    """End the polls, and say how long each event took to the client that waited for it, in ms.

    Raises:
        BenchmarkError: one did not arrive.
    """
    output, _ = polls.communicate(timeout=PATIENCE_S)
    seen = json.loads(output)
    if missing := [each for each in sent if each not in seen]:
        raise BenchmarkError(f"{len(missing)} of {len(sent)} events did not arrive")
    return [(seen[each] - at) / 1e6 for each, at in sent.items()]


def _is_read(stand: Stand, stream: str, polls: subprocess.Popen[str]) -> bool:
    if polls.poll() is not None:
        raise BenchmarkError("the polls ended")
    groups = {each["name"].decode(): each for each in stand.redis.xinfo_groups(stream)}
    watched = groups["api.shop.watched"]
    return not watched["lag"] and not watched["pending"]


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
