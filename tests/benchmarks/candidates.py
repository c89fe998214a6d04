"""Who takes part: octopush-worker, four queues, and bare clients; how each is filled and started.

Each is set up as its own manual says is fast; `peers/*` say how and why.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import environments, rules
from tests.benchmarks.environments import PEERS
from tests.benchmarks.peers.job import HEADERS, bodies
from tests.benchmarks.report import Context
from tests.support.installation import API_KEY, API_LOGIN, bare_environment
from worker.sandbox.processes import read_procfile

ROOT = Path(__file__).parents[2]
OURS, DRAMATIQ, BULLMQ, BARE, TRANSPORT, THREADS = (
    "octopush-worker",
    "plain Dramatiq",
    "BullMQ, Node",
    "bare httpx, same transport",
    "that transport alone",
    "bare httpx, per thread",
)
#: Settings of ours that a developer's shell may hold and that would change the outcome.
_OURS = ("WORKER_", "SEND_", "SHARED_", "ALLOW_")
#: Calls at a time in every comparison; our worker's default.
IN_FLIGHT = 64
#: Jobs at a time among which BullMQ's fastest is searched.
BULLMQ_CONCURRENCIES = (64, 128, 256, 512, 1000)
#: Threads for answers that come at once: 2 to 16 are equally fast, more hand the interpreter lock around.
_FEW_THREADS = 8


@dataclass(frozen=True)
class Load:
    """What a candidate has to do.

    Attributes:
        messages: how many wait in the queue.
        delay_ms: milliseconds the gateway takes to answer.
        in_flight: calls at a time.
        warm_up: messages after which the measurement begins.
        template: single sends of one template, that may share calls.
    """

    messages: int
    delay_ms: float
    in_flight: int
    warm_up: int
    template: bool = False


@dataclass(frozen=True)
class Candidate:
    """One way of doing the job.

    Attributes:
        name: what tables call it.
        work: makes the worker's command.
        enqueue: makes the command that fills the queue; None for a client without a queue.
        cwd: directory of both.
        environ: further environment of both.
        shares_calls: whether several messages may leave in one call.
    """

    name: str
    work: Callable[[Load], list[str]]
    enqueue: Callable[[Load, Path], list[str]] | None = None
    cwd: Path = ROOT
    environ: Callable[[Load], Mapping[str, str]] = field(default=lambda _: {})
    shares_calls: bool = False

    def environment(self, load: Load, redis_url: str, gateway_url: str) -> dict[str, str]:
        """Give the whole environment of its processes."""
        shell = {name: value for name, value in bare_environment().items() if not name.startswith(_OURS)}
        return {
            **shell,
            "REDIS_URL": redis_url,
            "GATEWAY_URL": gateway_url,
            "GATEWAY_HEADERS": json.dumps(HEADERS),
            "OCTOPUSH_BASE_URL": gateway_url,
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            **self.environ(load),
        }


def ours(name: str = OURS, *, shares_calls: bool = False, send_in_flight: int = 0) -> Candidate:
    """octopush-worker as it runs in production: the Procfile's line, ledger, leases, JSON logs, statuses.

    Args:
        name: what tables call it.
        shares_calls: whether messages may leave in one call; without it each has a POST of its own.
        send_in_flight: calls at once over all workers, 0 for no limit beside the load's.
    """
    # The commands of the Procfile lie beside this interpreter, virtual environment active or not.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

    def environ(load: Load) -> dict[str, str]:
        calls = {"WORKER_PROCESSES": "1", "WORKER_CALLS": str(load.in_flight)}
        found = {"PATH": path, **calls, **rules.environment()}
        if send_in_flight:
            found["SEND_IN_FLIGHT"] = str(send_in_flight)
        return found if shares_calls else {**found, "SHARED_CALL_MAX": "1"}

    def enqueue(load: Load, _: Path) -> list[str]:
        options = ["--template"] if load.template else []
        return [sys.executable, "-m", "tests.benchmarks.application", str(load.messages), *options]

    def work(_: Load) -> list[str]:
        return ["/bin/sh", "-c", "exec " + read_procfile()["worker"]]

    return Candidate(name, work, enqueue, environ=environ, shares_calls=shares_calls)


def _threads(load: Load) -> str:
    return str(load.in_flight if load.delay_ms else _FEW_THREADS)


def dramatiq(context: Context) -> Candidate:
    """Plain Dramatiq."""
    python = str(environments.python(context, "dramatiq"))

    def work(load: Load) -> list[str]:
        options = ["--processes", "1", "--threads", _threads(load), "--skip-logging"]
        return [python, "-m", "dramatiq", "dramatiq_peer", *options]

    def enqueue(load: Load, _: Path) -> list[str]:
        return [python, "dramatiq_peer.py", str(load.messages)]

    return Candidate(DRAMATIQ, work, enqueue, PEERS, lambda _: {"dramatiq_queue_prefetch": "1000"})


def celery(context: Context) -> Candidate:
    """Celery with its pool of threads."""
    python = str(environments.python(context, "celery"))

    def work(load: Load) -> list[str]:
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "error"]
        pool = ["--pool", "threads", "--concurrency", _threads(load)]
        return [python, "-m", "celery", "-A", "celery_peer", "worker", *pool, *quiet]

    def enqueue(load: Load, _: Path) -> list[str]:
        return [python, "celery_peer.py", str(load.messages)]

    return Candidate("Celery, threads", work, enqueue, PEERS)


def arq(context: Context) -> Candidate:
    """arq, one event loop."""
    python = str(environments.python(context, "arq"))
    return Candidate(
        "arq",
        lambda load: [python, "arq_peer.py", "work", str(load.in_flight)],
        lambda load, _: [python, "arq_peer.py", "enqueue", str(load.messages)],
        PEERS,
    )


def bullmq(context: Context) -> Candidate | None:
    """BullMQ with as many jobs at a time as the load's calls in flight, or None without Node."""
    script = environments.node(context)
    if script is None:
        return None

    def enqueue(load: Load, data_dir: Path) -> list[str]:
        waiting = data_dir / "bodies"
        waiting.write_text("\n".join(bodies(load.messages)), "utf-8")
        return ["node", str(script), "enqueue", str(load.messages), str(waiting)]

    def work(load: Load) -> list[str]:
        return ["node", str(script), "work", str(load.in_flight)]

    return Candidate(BULLMQ, work, enqueue)


def client(name: str, kind: str, in_flight: Callable[[Load], str] | None = None) -> Candidate:
    """A bare client without a queue: a kind of `clients`."""

    def work(load: Load) -> list[str]:
        calls = in_flight(load) if in_flight else str(load.in_flight)
        module = [sys.executable, "-m", "tests.benchmarks.clients", kind]
        return [*module, "--messages", str(load.messages), "--in-flight", calls]

    return Candidate(name, work)


def everybody(context: Context) -> list[Candidate]:
    """List all candidates of the comparison but BullMQ, whose concurrency depends on the load."""
    builders = {
        OURS: ours,
        DRAMATIQ: lambda: dramatiq(context),
        "Celery, threads": lambda: celery(context),
        "arq": lambda: arq(context),
        BARE: lambda: client(BARE, "httpx-aiohttp"),
        TRANSPORT: lambda: client(TRANSPORT, "httpx-transport"),
        THREADS: lambda: client(THREADS, "threads", _threads),
    }
    return [build() for name, build in builders.items() if context.wants(name)]
