"""Where a soak runs: Redis whose clock leaps, the gateway, two workers and the web process."""

import os
import random
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

import httpx
import redis

from producers.settings import ProducerSettings
from tests.soak.days import RULES
from tests.support.clock import LeapingServer, NoLeapError
from tests.support.installation import API_KEY, API_LOGIN, TOKEN, bare_environment
from tests.support.keys import AllKeys
from tests.support.simulator import SimulatorProcess
from tests.support.web_server import WebServer
from tests.support.worker_process import WorkerProcess
from worker.sandbox.redis_server import RedisServer
from worker.sandbox.simulator.client import SimulatorAdmin

KEYS: Final = AllKeys()
#: Faults that one call in twenty meets, evenly; each is of a kind whose outcome the worker can find out.
FAULTS: Final = (
    *("accept_then_silence", "accept_then_reset", "accept_then_503", "accept_then_truncated"),
    *("accept_without_ticket", "silence_before", "reset_before", "503_before", "502_before", "empty_before"),
    # Surely not taken: what comes again is looked at anew, and written anew without who refused meanwhile.
    "429",
)
FAULT_SHARE: Final = 0.05
WORKERS: Final = 2
#: Euros of a segment at the gateway.
PRICE: Final = 0.05
CAPS: Final = {"NUMBER_ALERTS_PER_HOUR": "10", "NUMBER_ALERTS_PER_DAY": "30", "PREFIX_PER_HOUR": "20"}
#: Seconds that a process takes to start, on a machine that does nothing else.
_START_S: Final = 2.0
#: Times that the web process is started until it has to be there.
_TRIES: Final = 5
#: Seconds for an answer of the gateway about all that it ever got.
_ADMIN_S: Final = 120.0


def meet_faults(admin: SimulatorAdmin) -> None:
    """Let one call in twenty meet a fault, and the account pay for all."""
    admin.balance(1e9)
    left = FAULT_SHARE
    for preset in FAULTS:
        # Rules are asked in order, so each share is one of what the earlier ones left.
        share = FAULT_SHARE / len(FAULTS)
        admin.fault(preset, match={"probability": share / (1 - (FAULT_SHARE - left))})
        left -= share


class Place:
    """Everything that runs.

    Args:
        data_dir: for logs and the server's files.
        seed: of the gateway's chance.
        budget: euros that may be spent in a day.

    Attributes:
        leaping: whether the clock can be moved here; if not, marketing leaves at any hour.
        damage: what was done to it, and how often.
    """

    def __init__(self, data_dir: Path, seed: int, budget: float) -> None:
        self._data_dir = data_dir
        self._exit = ExitStack()
        self.damage: Counter[str] = Counter()
        self._webs = 0
        self._begin_server()
        self.simulator = SimulatorProcess("--seed", str(seed), price_per_segment=PRICE)
        self.simulator.admin.http.timeout = httpx.Timeout(_ADMIN_S)
        self.environ = {
            **bare_environment(),
            **CAPS,
            **(RULES if self.leaping else {}),
            **(self.server.environ if isinstance(self.server, LeapingServer) else {}),
            "REDIS_URL": self.server.url,
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            "OCTOPUSH_BASE_URL": self.simulator.base_url,
            "OCTOPUSH_READ_TIMEOUT_S": "1",
            "OCTOPUSH_CONNECT_TIMEOUT_S": "1",
            "CALLBACK_TOKENS": TOKEN,
            "CALLBACK_SPOOL_DIR": str(data_dir / "spool"),
            "BUDGET_DAY": f"{budget:.2f}",
            "RECORD_RETENTION_DAYS": "366",
            "LOG_LEVEL": "warning",
        }
        self.workers = [
            WorkerProcess(data_dir / f"worker{i}.log", self.environ, threads=16) for i in range(WORKERS)
        ]
        self.client = redis.Redis(port=self.server.port)

    def _begin_server(self) -> None:
        self.server: RedisServer = LeapingServer(self._data_dir / "redis", fsync="always")
        self.leaping = True
        try:
            self.server.start()
        except NoLeapError:
            self.server, self.leaping = RedisServer(self._data_dir / "redis", fsync="always"), False
            self.server.start()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.callback(self.server.kill)
            starting.callback(self.simulator.kill)
            meet_faults(self.simulator.admin)
            for worker in self.workers:
                starting.callback(worker.kill)
                worker.start()
            begun = time.monotonic()
            self._start_web()
            self._pace = max(1.0, (time.monotonic() - begun) / _START_S)
            starting.callback(lambda: self.web.__exit__())
            self._exit = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def settings(self, **changes: str) -> ProducerSettings:
        """What an application is told; its clock is the true one."""
        return ProducerSettings.from_env({**self.environ, **changes})

    def callback_url(self) -> str:
        """Where the web process that runs now takes callbacks."""
        return f"{self.web.url}/callbacks/{TOKEN}"

    def _start_web(self) -> None:
        # On a machine that is loaded one try may take too long.
        for attempt in range(_TRIES):
            self._webs += 1
            self.web = WebServer(self._data_dir / f"web{self._webs}.log", self.environ)
            try:
                self.web.__enter__()
            except RuntimeError:
                if attempt + 1 == _TRIES:
                    raise
            else:
                return

    def break_things(self, rng: random.Random, done: threading.Event) -> None:
        """Kill something every few seconds; on a slow machine what was killed must come back, too."""
        while not done.wait(self._pace * rng.uniform(2, 6)):
            chance = rng.random()
            if chance < 0.2:
                self.server.restart(crash=True)
                self.damage["Redis killed"] += 1
            elif chance < 0.4:
                self.web.__exit__()
                self._start_web()
                self.damage["web killed"] += 1
            else:
                victim = rng.choice(self.workers)
                victim.kill()
                self.damage["workers killed"] += 1
                victim.start()

    def is_idle(self) -> bool:
        """Whether no callback waits, in Redis or on the disk."""
        names = KEYS.queue("callbacks")
        left = self.client.llen(names.ready) + self.client.zcard(names.delayed)
        left += self.client.zcard(names.leases)
        return left == 0 and not list((self._data_dir / "spool").rglob("*.spool"))

    def resident_mb(self) -> int:
        """Resident megabytes of the largest process of a worker; 0 where the system does not say."""
        sizes = [0]
        for status in Path("/proc").glob("[0-9]*/status"):
            # A worker may be killed while it is looked at.
            with suppress(OSError, ProcessLookupError, AssertionError):
                if os.getpgid(int(status.parent.name)) in {worker.pid for worker in self.workers}:
                    lines = status.read_text().splitlines()
                    sizes += [int(line.split()[1]) // 1000 for line in lines if line.startswith("VmRSS")]
        return max(sizes)
