"""Where a soak by time runs: Redis under Sentinels, the gateway, a webhook, a mail server, all processes."""

import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any, Final, Self

import httpx
import redis

from producers.contract.clients import connect
from producers.contract.redis_url import RedisUrl
from producers.settings import ProducerSettings
from tests.soak.days import HOLIDAY, RULES
from tests.soak.endurance.crew import Crew, Life
from tests.soak.endurance.readers import STREAMS
from tests.soak.endurance.redis_set import LeapingSet
from tests.soak.place import CAPS, KEYS, PRICE, meet_faults
from tests.support.api_client import TOKENS as API_TOKENS
from tests.support.console_client import TOKENS as CONSOLE_TOKENS
from tests.support.forwarder_process import ROOTS
from tests.support.installation import API_KEY, API_LOGIN, TOKEN, bare_environment
from tests.support.simulator import SimulatorProcess
from tests.support.smtp_server import SmtpServer
from tests.support.webhook_receiver import WebhookReceiver
from worker.sandbox.free_port import free_port

#: Days that records, and entries of streams, stay: a day of the soak takes a minute and a half.
_STAYS_DAYS: Final = "2"
_ADMIN_S: Final = 300.0
#: Seconds that a replica may lag behind.
_LAG_S: Final = 1.5
#: Seconds in which one primary and two replicas must be there again.
_SETTLES_S: Final = 90.0
#: Messages that may be about to leave when the clock leaps: the application goes on sending.
_UNSENT: Final = 20
#: Entries that a group may have still to read when the clock leaps.
_UNREAD: Final = 500


class Estate:
    """Everything that runs.

    Args:
        data_dir: for logs and the servers' files.
        seed: of the gateway's chance.
        budget: euros that marketing may cost in a day.

    Attributes:
        damage: what was done to it, and how often.
        forgetting: from and to when, in true time, a primary that was replaced may have lost what it took.
        events: when a primary was replaced, and how.
    """

    def __init__(self, data_dir: Path, seed: int, budget: float) -> None:
        self._data_dir = data_dir
        self.damage: Counter[str] = Counter()
        self.forgetting: list[tuple[float, float]] = []
        self.events: list[tuple[float, str]] = []
        self._exit = ExitStack()
        self.redis_set = LeapingSet(data_dir / "redis")
        self.simulator = SimulatorProcess("--seed", str(seed), price_per_segment=PRICE)
        self.simulator.admin.http.timeout = httpx.Timeout(_ADMIN_S)
        self.webhooks, self.mails = WebhookReceiver(), SmtpServer()
        self._ports = {
            name: str(free_port()) for name in ("PORT", "API_PORT", "METRICS_PORT", "CONSOLE_PORT")
        }
        self._rules = {
            **RULES,
            **CAPS,
            "EXTRA_HOLIDAYS": f"RE:{HOLIDAY[1]}",
            "BUDGET_DAY": f"{budget:.2f}",
            "RECORD_RETENTION_DAYS": _STAYS_DAYS,
            "STREAM_RETENTION_DAYS": _STAYS_DAYS,
        }

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.callback(self.simulator.kill)
            starting.enter_context(self.redis_set)
            starting.enter_context(self.webhooks)
            starting.enter_context(self.mails)
            self.environ = self._environment()
            self.crew = Crew(self.environ, self.redis_set.clock.environ, self._data_dir)
            self.client = connect(RedisUrl(self.redis_set.them.url))
            starting.callback(self.client.close)
            self._prepare_gateway()
            starting.callback(self.crew.stop)
            for name in self.crew.names:
                self.crew.start(name)
            self._exit = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _environment(self) -> dict[str, str]:
        return {
            **bare_environment(),
            **self._rules,
            **self._ports,
            "HOST": "127.0.0.1",
            "WORKER_THREADS": "8",
            "REDIS_URL": self.redis_set.them.url,
            "REDIS_REPLICAS": str(len(self.redis_set.them.servers) - 1),
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            "OCTOPUSH_BASE_URL": self.simulator.base_url,
            # Of a gateway that shares the machine with all of this; a second is too little for an hour.
            "OCTOPUSH_READ_TIMEOUT_S": "3",
            "OCTOPUSH_CONNECT_TIMEOUT_S": "3",
            "CALLBACK_TOKENS": TOKEN,
            "CALLBACK_SPOOL_DIR": str(self._data_dir / "spool"),
            "API_TOKENS": API_TOKENS,
            "CONSOLE_TOKENS": CONSOLE_TOKENS,
            "WEBHOOK_URL": self.webhooks.url,
            "WEBHOOK_SECRETS": ROOTS[0],
            "MAIL_URL": f"smtp://127.0.0.1:{self.mails.port}",
            "MAIL_FROM": "sms@example.com",
            "MAIL_TO": "shop@example.com",
            "LOG_LEVEL": "info",
        }

    def _prepare_gateway(self) -> None:
        admin = self.simulator.admin
        meet_faults(admin)
        admin.settings(callback_url=self.callback_url(), callback_retries=7)
        admin.auto_reply(
            "Yes, please", after_ms=500, match={"text_contains": "Soak api"}, only_with_replies=True
        )

    def settings(self, **changes: str) -> ProducerSettings:
        """What an application is told; its clock is the true one."""
        return ProducerSettings.from_env({**self.environ, **changes})

    def callback_url(self) -> str:
        """Where callbacks are taken."""
        return f"http://127.0.0.1:{self._ports['PORT']}/callbacks/{TOKEN}"

    def url(self, variable: str) -> str:
        """Where the process listens whose port is in a variable."""
        return f"http://127.0.0.1:{self._ports[variable]}"

    # What is measured.

    def lives(self) -> list[Life]:
        """List all processes that are measured: those of the Procfile, and the servers."""
        servers = [
            Life(f"redis-{number}", starts, server.pid)
            for number, server in enumerate(self.redis_set.them.servers)
            if server.is_started
            for starts in [1 + self.damage[f"redis-{number} killed"]]
        ]
        return [*self.crew.lives(), *servers]

    def figures(self) -> Mapping[str, float] | None:
        """Tell what the primary holds; None while there is none."""
        with suppress(redis.RedisError):
            told = self.client.info()
            return {
                "connections": float(told["connected_clients"] + told["connected_slaves"]),
                "used_memory_mb": told["used_memory"] / 1e6,
                "keys": float(self.client.dbsize()),
            }
        return None

    def catch_up(self, seconds: float) -> None:
        """Wait until what may leave has left, the calls have ended that are made now, and groups have read.

        Before the clock leaps by hours: none pass within a call, but on a machine that is late. Nor does a
        message wait for its second attempt until its 20 hours are over.

        Args:
            seconds: after which it is as it is.
        """
        running, ends = self._running(), time.monotonic() + seconds
        while time.monotonic() < ends and not (self._has_left() and self._is_read()):
            time.sleep(0.1)
        while time.monotonic() < ends and running & self._running():
            time.sleep(0.1)

    def _has_left(self) -> bool:
        """Whether no message may leave now that has not; what a gate keeps has a later time."""
        with suppress(redis.RedisError):
            seconds, microseconds = self.client.time()
            now_ms = 1000 * seconds + microseconds // 1000
            queues = [KEYS.queue(each) for each in ("alert", "marketing")]
            ready = sum(self.client.llen(each.ready) for each in queues)
            due = sum(self.client.zcount(each.delayed, "-inf", now_ms) for each in queues)
            return ready + due <= _UNSENT
        return False

    def _running(self) -> set[tuple[bytes, float]]:
        with suppress(redis.RedisError):
            return set(self.client.zrange(KEYS.attempt_starts, 0, -1, withscores=True))
        return set()

    def _is_read(self) -> bool:
        # Not by the lag that Redis tells: after a failover it counts what was trimmed.
        with suppress(redis.RedisError):
            return all(
                len(self.client.xrange(key, "(" + group["last-delivered-id"].decode(), count=_UNREAD))
                < _UNREAD
                for key in map(KEYS.stream, STREAMS)
                for group in self.client.xinfo_groups(key)
            )
        return False

    def is_idle(self) -> bool:
        """Whether no callback waits, in Redis or on the disk, nor anything that is forwarded.

        Raises:
            redis.RedisError: Redis is away.
        """
        names = KEYS.queue("callbacks")
        left = (
            self.client.llen(names.ready) + self.client.zcard(names.delayed) + self.client.zcard(names.leases)
        )
        left += sum(self.client.zcard(KEYS.forward_waiting(each.decode())) for each in self._forwarders())
        return left == 0 and not list((self._data_dir / "spool").rglob("*.spool"))

    def given_up(self) -> list[str]:
        """Name what forwarders or groups gave up."""
        found = [KEYS.forward_dead(each.decode()) for each in self._forwarders()]
        found += [each.decode() for each in self.client.scan_iter(f"{KEYS.prefix}*:poison:*", count=2_000)]
        return [f"{key}: {count}" for key in found if (count := self.client.xlen(key))]

    def _forwarders(self) -> list[bytes]:
        return list(self.client.zrange(KEYS.forwarders, 0, -1))

    # What is done to it.

    def break_something(
        self, rng: random.Random, *, only_the_first_worker: bool, still: AbstractContextManager[Any]
    ) -> None:
        """Kill or replace one thing.

        Args:
            rng: decides.
            only_the_first_worker: whether all other processes are left alone, so that they can be measured.
            still: keeps the clock where it is, meanwhile.
        """
        chance = rng.random()
        if chance < 0.3:
            with still:
                self._replace_primary(
                    rng.choice(("planned", "crashed", "killed", "unannounced", "restarted"))
                )
            return
        names = self.crew.names[:1] if only_the_first_worker else [*self.crew.names[:1], *self.crew.names[2:]]
        name = rng.choice(names)
        how = rng.choice(("killed", "redeployed"))
        (self.crew.kill if how == "killed" else self.crew.redeploy)(name)
        self.damage[f"{name} {how}"] += 1

    def _replace_primary(self, how: str) -> None:
        """Replace it, and wait until nobody else takes writes; in some ways writes are lost until then."""
        them = self.redis_set.them
        before, begun = them.settled(_SETTLES_S), time.time()
        number, after = them.servers.index(before), before
        try:
            if how == "planned":
                them.fail_over()
            elif how == "unannounced":
                them.fail_over(losing=True)
            elif how == "restarted":
                before.restart(crash=True)
            elif how == "crashed":
                them.crash()
            else:
                before.kill()
                them.wait_for_another_primary_than(before)
                before.start()
            took_s = time.time() - begun
            after = them.settled(_SETTLES_S)
        finally:
            # On a loaded machine Sentinels may have replaced what was only started again.
            if how in ("unannounced", "killed") or (how == "restarted" and after is not before):
                self.forgetting.append((begun - _LAG_S, time.time() + 1))
        if how in ("killed", "crashed", "restarted"):
            self.damage[f"redis-{number} killed"] += 1
        self.damage[f"primary {how}"] += 1
        self.events.append((begun, f"{how}, {took_s:.1f} s"))
