"""Where the night takes place: two hosts as in deploy/README.md, and beside them gateway and Prometheus.

Each host has a Redis, a worker, a web process, a metrics process and a forwarder; three Sentinels watch. All
of it is on this machine.
"""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

import msgspec
import redis
import yaml

from producers.contract.clients import connect
from producers.contract.redis_url import RedisUrl
from producers.settings import ProducerSettings
from tests.soak.endurance.crew import Crew
from tests.soak.night.scale import shorter_rules
from tests.support.doors import GuardedServer, Open
from tests.support.forwarder_process import ROOTS
from tests.support.installation import API_KEY, API_LOGIN, TOKEN, bare_environment
from tests.support.prometheus import Prometheus
from tests.support.sentinel_set import SentinelSet
from tests.support.simulator import SimulatorProcess
from tests.support.webhook_receiver import WebhookReceiver
from worker.sandbox.environments import ANY_HOUR
from worker.sandbox.free_port import free_port
from worker.sandbox.simulator.fates import Fate

RULES: Final = Path(__file__).parents[3] / "deploy/prometheus/rules.yml"
HOSTS: Final = ("a", "b")
#: The ports that a host has in deploy/README.md, by the variable that names them.
_PORTS: Final = {"METRICS_PORT": 8003, "PORT": 8000}
#: Silence after which a server is taken for dead: 3 s as shipped, but the rules have less patience here.
_DOWN_AFTER_MS: Final = 1_000
#: Euros of a segment, on the account, and that may be spent in a day.
_PRICE, _BALANCE, _BUDGET = 0.05, 5_000.0, "900"
_LATENCY_MS: Final = 60


class _Server(GuardedServer):
    """One whose port nobody else gets while it is away."""

    def __init__(self, data_dir: Path, door: Open, options: Sequence[str]) -> None:
        super().__init__(data_dir, door, options)
        self.port = free_port()


class Place:
    """Everything that runs; a context manager.

    Args:
        data_dir: for logs and files.

    Attributes:
        them: Redis and its Sentinels.
        crews: the processes of each host.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._exit = ExitStack()
        self.them = SentinelSet(data_dir / "redis", replicas=1, down_after_ms=_DOWN_AFTER_MS, make=_Server)
        self.simulator = SimulatorProcess(price_per_segment=_PRICE)
        self._webhooks = WebhookReceiver()
        self._ports = {host: {name: free_port() for name in _PORTS} for host in HOSTS}
        self.crews: dict[str, Crew] = {}

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.callback(self.simulator.kill)
            starting.enter_context(self.them)
            starting.enter_context(self._webhooks)
            self.redis = connect(RedisUrl(self.them.url))
            starting.callback(self.redis.close)
            self._prepare_gateway()
            for host in HOSTS:
                directory = self._data_dir / host
                directory.mkdir()
                crew = self.crews[host] = Crew(self._environment(host), {}, directory, workers=1)
                starting.callback(crew.stop)
                for name in crew.names:
                    crew.start(name)
            self.prometheus = starting.enter_context(self._make_prometheus())
            self._exit = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _environment(self, host: str) -> dict[str, str]:
        return {
            **bare_environment(),
            **ANY_HOUR,
            **{name: str(port) for name, port in self._ports[host].items()},
            "HOST": "127.0.0.1",
            "REDIS_URL": self.them.url,
            "REDIS_REPLICAS": "1",
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            "OCTOPUSH_BASE_URL": self.simulator.base_url,
            "CALLBACK_TOKENS": TOKEN,
            "CALLBACK_SPOOL_DIR": str(self._data_dir / f"spool-{host}"),
            "WEBHOOK_URL": self._webhooks.url,
            "WEBHOOK_SECRETS": ROOTS[0],
            "BUDGET_DAY": _BUDGET,
        }

    def _make_prometheus(self) -> Prometheus:
        called = {
            port: f"{host}:{_PORTS[name]}" for host in HOSTS for name, port in self._ports[host].items()
        }
        rules = shorter_rules(yaml.safe_load(RULES.read_text("utf-8")))
        return Prometheus(self._data_dir, *called, instances=called, rules=rules)

    def _prepare_gateway(self) -> None:
        admin = self.simulator.admin
        admin.balance(_BALANCE)
        receipts = msgspec.to_builtins(Fate(ack_delay_ms=100, final_delay_ms=800))
        # The last attempts come after a minute and after two: a host is away for most of one.
        admin.settings(callback_retries=8, latency_ms=_LATENCY_MS, receipts=receipts)
        admin.auto_reply("Yes, please", after_ms=500, match={"probability": 0.3}, only_with_replies=True)
        stops = {"text_contains": "STOP au", "probability": 0.1}
        admin.auto_reply("STOP", after_ms=500, kind="stop", match=stops, only_with_replies=False)
        self.lead_callbacks_to(HOSTS[-1])

    def lead_callbacks_to(self, host: str) -> None:
        """Move the address that the gateway calls to a host, as keepalived does."""
        url = f"http://127.0.0.1:{self._ports[host]['PORT']}/callbacks/{TOKEN}"
        self.simulator.admin.settings(callback_url=url)

    def settings(self) -> ProducerSettings:
        """What an application is told."""
        return ProducerSettings.from_env(self._environment(HOSTS[0]))

    def lose(self, host: str) -> None:
        """Kill all processes of a host but its Redis."""
        for name in self.crews[host].names:
            self.crews[host].lose(name)

    def bring_back(self, host: str) -> None:
        """Start them."""
        for name in self.crews[host].names:
            self.crews[host].start(name)

    def is_followed(self) -> bool:
        """Whether the replica follows the primary."""
        with suppress(redis.RedisError):
            return bool(self.redis.info("replication")["connected_slaves"])
        return False
