"""What the ``own_`` benchmarks stand on: Redis, gateway stand-in, worker, web, and clocks for them.

Everything is started the way an operator starts it (the lines of the Procfile, an append-only Redis), and
everything is killed when the stand is left, whatever the reason.
"""

import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.error import URLError
from urllib.request import urlopen

import redis

from producers import Message, Producer, Recipient
from producers.contract.keys import Keys
from producers.settings import ProducerSettings
from tests.benchmarks import rules
from tests.benchmarks.gateway import BenchGateway
from tests.benchmarks.report import Context
from tests.support.installation import API_KEY, API_LOGIN, TOKEN, bare_environment
from tests.support.worker_process import WorkerProcess
from worker.sandbox.free_port import free_port
from worker.sandbox.processes import Process, read_procfile, start
from worker.sandbox.redis_server import RedisServer

#: States of a send that has ended; all counted sends but these still wait or run.
ENDS = ("accepted", "rejected", "expired", "cancelled", "unknown", "failed")
#: Seconds for which anything that must happen is waited for.
PATIENCE_S = 120.0

#: 160 characters, so one segment: the longest single SMS. No placeholder: sends of it share no call.
TEXT = "Your table is ready. ".ljust(146, "x") + " STOP au 30101"
#: The same length of text for sends that may share calls.
TEMPLATE = "Hello {param1}, your table is ready. ".ljust(146, "x") + " STOP au 30101"

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of CPU used so far; subtract an earlier reading.

    Attributes:
        client: this process, all threads.
        worker: the worker's process group.
        web: the web process.
        redis: the server's own threads.
        rewrite: the server's children that rewrite the append-only file, as far as they have ended.
    """

    client: float
    worker: float
    web: float
    redis: float
    rewrite: float

    def __sub__(self, before: "Cpu") -> "Cpu":
        return Cpu(
            self.client - before.client,
            self.worker - before.worker,
            self.web - before.web,
            self.redis - before.redis,
            self.rewrite - before.rewrite,
        )


class Stand:
    """One installation for one measurement; a context manager.

    Args:
        context: where to put files.
        gateway_ms: milliseconds the gateway stand-in takes to answer; None starts no gateway.
        fsync: when the server writes to its disk.
        replica: whether it has a replica, which then confirms writes.
        marketing_to: the numbers that get marketing; with all rules on nobody else does.
        **variables: further environment of worker and web.
    """

    def __init__(
        self,
        context: Context,
        *,
        gateway_ms: float | None = 0,
        fsync: str = "always",
        replica: bool = False,
        marketing_to: Iterable[str] = (),
        **variables: str,
    ) -> None:
        self._exit = ExitStack()
        self._fsync, self._has_replica = fsync, replica
        self._gateway_ms = gateway_ms
        self._marketing_to = marketing_to
        self._variables = variables
        self._scratch = context.data_dir
        self.keys = Keys()
        self.web: Process | None = None
        self.web_port = 0

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            directory = starting.enter_context(TemporaryDirectory(prefix="stand-", dir=self._scratch))
            self.data_dir = Path(directory)
            self.server = starting.enter_context(RedisServer(self.data_dir / "redis", fsync=self._fsync))
            self.redis = redis.Redis.from_url(self.server.url)
            starting.callback(self.redis.close)
            if self._has_replica:
                of = ("--replicaof", "127.0.0.1", str(self.server.port))
                starting.enter_context(RedisServer(self.data_dir / "replica", options=of))
                self.wait_for(self._is_confirmed)
            # Nobody listens there: a measurement without a gateway starts no worker.
            base_url = "http://127.0.0.1:9/"
            if self._gateway_ms is not None:
                self.gateway = starting.enter_context(BenchGateway(delay_ms=self._gateway_ms))
                base_url = self.gateway.base_url
            self.environ = {
                **bare_environment(),
                "REDIS_URL": self.server.url,
                "OCTOPUSH_API_LOGIN": API_LOGIN,
                "OCTOPUSH_API_KEY": API_KEY,
                "OCTOPUSH_BASE_URL": base_url,
                "CALLBACK_TOKENS": TOKEN,
                **rules.environment(),
                **self._variables,
            }
            rules.prepare(self.server.url, self._marketing_to)
            self.producer = Producer(settings=ProducerSettings.from_env(self.environ))
            starting.callback(self.producer.close)
            log = self.data_dir / "worker.log"
            self.worker = WorkerProcess(log, self.environ, threads=_default_threads())
            starting.callback(self.worker.kill)
            self._exit = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def start_web(self) -> None:
        """Start the web process of the Procfile and wait until it answers."""
        self.web_port = free_port()
        address = {"HOST": "127.0.0.1", "PORT": str(self.web_port)}
        log = self._exit.enter_context((self.data_dir / "web.log").open("wb"))
        self.web = start("web", {**self.environ, **address}, log)
        self._exit.callback(self.web.kill)
        self.wait_for(self._web_answers)

    def warm_up(self, sends: int = 30) -> None:
        """Send a few alerts and wait for their ends, so that connections are open and code is compiled."""
        before = self.ended()
        for message in messages(sends, purpose="alert", prefix="warm"):
            self.producer.send_many([message])
        self.wait_for(lambda: self.ended() >= before + sends)

    def counts(self) -> dict[str, int]:
        """Read the ledger's counters."""
        return {name.decode(): int(n) for name, n in self.redis.hgetall(self.keys.counts).items()}

    def ended(self) -> int:
        """Count the sends that have ended."""
        counts = self.counts()
        return sum(counts.get(state, 0) for state in ENDS)

    def waiting(self) -> int:
        """Count the sends that have not ended."""
        counts = self.counts()
        return counts.get("enqueued", 0) - sum(counts.get(state, 0) for state in ENDS)

    def cpu(self) -> Cpu:
        """Read all CPU clocks."""
        info: Mapping[str, Any] = self.redis.info("cpu")
        return Cpu(
            client=time.process_time(),
            worker=group_cpu_s(self.worker.pid) if self.worker.is_running else 0.0,
            web=group_cpu_s(self.web.pid) if self.web is not None else 0.0,
            redis=info["used_cpu_sys"] + info["used_cpu_user"],
            rewrite=info["used_cpu_sys_children"] + info["used_cpu_user_children"],
        )

    def wait_for_rewrite(self) -> None:
        """Wait until Redis rewrites its append-only file no more; its copying of pages disturbs clocks."""
        self.wait_for(
            lambda: (
                not (info := self.redis.info("persistence"))["aof_rewrite_in_progress"]
                and not info["aof_rewrite_scheduled"]
            ),
            every_s=0.1,
        )

    def wait_for(
        self, condition: Callable[[], Any], seconds: float = PATIENCE_S, every_s: float = 0.01
    ) -> Any:
        """Ask until the answer is true, and return it.

        Raises:
            TimeoutError: it was not true in time; ends with what the worker printed last.
        """
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"waited {seconds:g} s in vain; {self.counts()}; {self.worker.output[-2000:]}"
                )
            time.sleep(every_s)
        return answer

    def _is_confirmed(self) -> bool:
        self.redis.set(self.keys.beat, "1", px=60_000)
        return bool(self.redis.wait(1, 1_000))

    def _web_answers(self) -> bool:
        if self.web is not None and self.web.status is not None:
            raise RuntimeError("the web process ended: " + (self.data_dir / "web.log").read_text("utf-8"))
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{self.web_port}/healthz", timeout=1):
            return True
        return False


def _default_threads() -> int:
    """Read how many threads the Procfile gives a worker; `WorkerProcess` has a default of its own."""
    found = re.search(r"WORKER_THREADS:-(\d+)", read_procfile()["worker"])
    assert found is not None
    return int(found[1])


def group_cpu_s(group: int) -> float:
    """Sum the CPU seconds of a process group: of all that live, and of their children that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


def resident_mb(pid: int | str = "self") -> float:
    """Resident megabytes (10**6 bytes) of one process."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("the system does not say how large processes are")


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that at least so many percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def number(i: int) -> str:
    """Give the i-th valid French mobile number, up to 80 million of them."""
    return rules.number(i)


def messages(
    count: int, *, purpose: Any = "wholesale", prefix: str = "bench", text: str = TEXT, first: int = 0
) -> Iterator[Message]:
    """Make single SMS of 160 characters, each to a number of its own, under ids of their own."""
    for i in range(first, first + count):
        # The variable only exists where the text has a place for it.
        to = Recipient(number(i), param1="Ada") if "{" in text else number(i)
        request_id = f"{prefix}-{i}"
        yield Message(
            to, text, sender="Bench", purpose=purpose, request_id=request_id, context={"booking": 42}
        )


def backlog_size(context: Context) -> int:
    """How many messages wait where a million should: a million, and fewer in a quick run."""
    return min(1_000_000, 100 * context.messages)
