"""Send many messages while everything is being broken, then draw the balance.

Workers are killed at random, Redis is killed and restarted, one call in twenty meets a fault of the gateway.
In the end every message must have reached its handset exactly once, the ledger's counters must balance, and
no process may have grown. Half of the messages are of one template and share calls.

    python -m tests.soak --messages 100000 --seed 1

With ``--misleading``, draw answers that mislead instead, for so many seconds: see `tests.support.misled`.

    python -m tests.soak --misleading 3600 --seed 7
"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import redis

from producers import Message, Producer, QueueUnavailable, Recipient
from producers.contract.keys import Keys
from tests.support.installation import API_KEY, API_LOGIN, bare_environment
from tests.support.misled import play
from tests.support.simulator import SimulatorProcess
from tests.support.worker_process import WorkerProcess
from worker.sandbox.redis_server import RedisServer

KEYS = Keys()
STATES = ("accepted", "rejected", "expired", "cancelled", "unknown", "failed")
#: Faults that one call in twenty meets, evenly; each is of a kind whose outcome the worker can find out.
FAULTS = (
    *("accept_then_silence", "accept_then_reset", "accept_then_503", "accept_then_truncated"),
    *("accept_without_ticket", "silence_before", "reset_before", "503_before", "502_before", "empty_before"),
)
FAULT_SHARE = 0.05
#: Messages in one `send_many` call of the soak's application.
BATCH = 500
WORKERS = 2
#: Megabytes by which a worker may grow after its first minute.
GROWTH_MAX_MB = 30


class Soak:
    """One run.

    Args:
        messages: how many to send.
        seed: of all chance.
        data_dir: for logs and the server's files.
    """

    def __init__(self, messages: int, seed: int, data_dir: Path) -> None:
        self.total = messages
        self.rng = random.Random(seed)
        self.exit = ExitStack()
        self.server = RedisServer(data_dir / "redis", fsync="always")
        self.simulator = SimulatorProcess("--seed", str(seed))
        environ = {
            **bare_environment(),
            "REDIS_URL": self.server.url,
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            "OCTOPUSH_BASE_URL": self.simulator.base_url,
            "OCTOPUSH_READ_TIMEOUT_S": "1",
            "OCTOPUSH_CONNECT_TIMEOUT_S": "1",
            "LOG_LEVEL": "warning",
        }
        self.workers = [
            WorkerProcess(data_dir / f"worker{i}.log", environ, threads=16) for i in range(WORKERS)
        ]
        self.client = redis.Redis(port=self.server.port)
        self.damage: Counter[str] = Counter()
        self.redis_mb: list[int] = []
        self.worker_mb: list[int] = []
        self.done = threading.Event()

    def run(self) -> bool:
        """Send everything under damage, wait for the end, judge."""
        started = time.monotonic()
        with self.exit:
            self._start()
            sender = threading.Thread(target=self._send_all, name="application")
            sender.start()
            breaker = threading.Thread(target=self._break_things, name="breaker")
            breaker.start()
            self._watch(sender)
            self.done.set()
            breaker.join()
            return self._judge(time.monotonic() - started)

    def _start(self) -> None:
        self.server.start()
        self.exit.callback(self.server.kill)
        self.exit.callback(self.simulator.kill)
        admin = self.simulator.admin
        admin.balance(1e9)
        left = FAULT_SHARE
        for preset in FAULTS:
            # Rules are asked in order, so each share is one of what the earlier ones left.
            share = FAULT_SHARE / len(FAULTS)
            admin.fault(preset, match={"probability": share / (1 - (FAULT_SHARE - left))})
            left -= share
        for worker in self.workers:
            self.exit.callback(worker.kill)
            worker.start()

    def _messages(self) -> Iterator[Message]:
        for i in range(self.total):
            number = f"+336{10_000_000 + i:08d}"
            # Half of them may share calls.
            to: str | Recipient = Recipient(number, param1=f"{i}") if i % 2 else number
            text = "Soak {param1} STOP au 30101" if i % 2 else "Soak STOP au 30101"
            yield Message(
                to,
                text,
                sender="Soak",
                purpose="alert" if i % 5 == 0 else "wholesale",
                request_id=f"soak-{i}",
            )

    def _send_all(self) -> None:
        """The application: repeats a batch with the same ids until the queue has it."""
        sms, batch = Producer(self.server.url), []
        for message in self._messages():
            batch.append(message)
            if len(batch) == BATCH:
                self._send(sms, batch)
                batch = []
        self._send(sms, batch)
        sms.close()

    def _send(self, sms: Producer, batch: list[Message]) -> None:
        while batch:
            with suppress(QueueUnavailable):
                sms.send_many(batch)
                return
            self.damage["sends repeated"] += 1
            self.done.wait(0.2)

    def _break_things(self) -> None:
        while not self.done.wait(self.rng.uniform(2, 6)):
            if self.rng.random() < 0.25:
                self.server.restart(crash=True)
                self.damage["Redis killed"] += 1
            else:
                victim = self.rng.choice(self.workers)
                victim.kill()
                self.damage["workers killed"] += 1
                victim.start()

    def _watch(self, sender: threading.Thread) -> None:
        """Print the balance every few seconds until nothing waits."""
        quiet = 0
        while quiet < 2:
            self.done.wait(5)
            with suppress(redis.RedisError):
                counts = self._counts()
                self.redis_mb.append(round(self.client.info("memory")["used_memory"] / 1e6))
                self.worker_mb.append(max(_resident_mb(worker) for worker in self.workers))
                print(_line(counts), flush=True)  # noqa: T201 - a tool for the terminal
                over = not sender.is_alive() and counts["enqueued"] == self.total and _waiting(counts) == 0
                quiet = quiet + 1 if over else 0

    def _counts(self) -> Counter[str]:
        return Counter({k.decode(): int(v) for k, v in self.client.hgetall(KEYS.counts).items()})

    def _judge(self, seconds: float) -> bool:
        counts, records = self._counts(), self._records()
        shown: Counter[str] = Counter()
        for (_, number), times in self.simulator.admin.delivered().items():
            shown[number] += times
        facts: dict[str, Any] = {
            "messages": self.total,
            "seconds": round(seconds),
            "POSTs": self.simulator.admin.stats()["posts"],
            **self.damage,
            "lost": self.total - sum(times >= 1 for times in shown.values()),
            "twice": sum(times > 1 for times in shown.values()),
            "counters against records": sum(abs(counts[state] - records[state]) for state in STATES),
            "balance": counts["enqueued"] - sum(counts[state] for state in STATES) - records["waiting"],
            "MB of Redis at most": max(self.redis_mb),
            "MB of a worker after a minute": self.worker_mb[min(12, len(self.worker_mb) - 1)],
            "MB of a worker at the end": self.worker_mb[-1],
        }
        for name, value in facts.items():
            print(f"{name:>30}  {value}")  # noqa: T201 - a tool for the terminal
        grown = facts["MB of a worker at the end"] - facts["MB of a worker after a minute"]
        books = ("lost", "twice", "counters against records", "balance")
        return (
            not any(facts[name] for name in books)
            and counts["accepted"] == self.total
            and grown < GROWTH_MAX_MB
        )

    def _records(self) -> Counter[str]:
        """Count the states of all messages' records, one by one: the counters' independent check."""
        states: Counter[str] = Counter()
        for key in self.client.scan_iter(f"{KEYS.prefix}record:soak-*", count=5_000):
            state = self.client.hget(key, "state").decode()
            states[state if state in STATES else "waiting"] += 1
        return states


def _resident_mb(worker: WorkerProcess) -> int:
    """Resident megabytes of the largest process of a worker's group; 0 where the system does not say."""
    sizes = [0]
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError, ProcessLookupError):
            if os.getpgid(int(status.parent.name)) == worker.pid:
                sizes += [int(line.split()[1]) // 1000 for line in status.open() if line.startswith("VmRSS")]
    return max(sizes)


def _waiting(counts: Counter[str]) -> int:
    return counts["enqueued"] - sum(counts[state] for state in STATES)


def _line(counts: Counter[str]) -> str:
    ends = " + ".join(f"{state} {counts[state]}" for state in STATES)
    return f"queued {counts['enqueued']} = {ends} + waiting {_waiting(counts)}"


def _mislead(seconds: float, seed: int, data_dir: Path) -> bool:
    found = play(data_dir, seconds=seconds, seed=seed)
    print(f"{found.played} scenarios, seed {seed}: {found.wrong or 'all well'}")  # noqa: T201 - a tool for the terminal
    return found.wrong is None


def main() -> None:
    """Run once; exit status 1 when a message was lost or sent twice, or the books do not balance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misleading", type=float, metavar="SECONDS", help="draw answers that mislead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="octopush-soak-") as data_dir:
        if options.misleading:
            sys.exit(0 if _mislead(options.misleading, options.seed, Path(data_dir)) else 1)
        sys.exit(0 if Soak(options.messages, options.seed, Path(data_dir)).run() else 1)


if __name__ == "__main__":
    main()
