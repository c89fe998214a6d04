"""Everything of a small production, real processes all: Redis, simulated Octopush, worker and web.

    with Installation(tmp_path, redis_server.url) as installation:
        sent = installation.send("Hello")
        assert installation.settled(sent).state == "accepted"

Tests share an installation: each send gets a number and a request_id that nobody else uses, faults are
matched by that number, and what is asked is asked about that id.
"""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

import httpx
import msgspec

from producers import MessageStatus, Producer, Sent
from producers.contract.clients import connect
from producers.events import TYPES, Event, from_fields
from producers.settings import ProducerSettings
from tests.support.keys import AllKeys
from tests.support.redis_users import as_user
from tests.support.simulator import SimulatorThread
from tests.support.web_server import WebServer
from tests.support.worker_process import WorkerProcess
from worker.sandbox.simulator.client import SimulatorAdmin
from worker.sandbox.simulator.fates import Fate
from worker.sandbox.simulator.handsets import HandsetMessage
from worker.sandbox.simulator.journal import RequestRecord
from worker.sandbox.simulator.settings import SimulatorSettings

API_LOGIN, API_KEY = "sandbox@example.com", "sandbox-key"
TOKEN = "callback-token-0123456789"

#: States that no attempt will change any more.
ENDS = frozenset({"accepted", "rejected", "expired", "cancelled", "unknown", "failed"})
#: Seconds in which anything that is not held on purpose must have happened, on a loaded machine.
PATIENCE_S = 45.0

#: How the simulated gateway starts: receipts come fast. It repeats a callback, or a machine that stands still
#: for a second would lose it: what became of it then is no question of most tests.
_DEFAULTS = msgspec.to_builtins(
    SimulatorSettings(receipts=Fate(ack_delay_ms=10, final_delay_ms=40), callback_retries=5)
)
#: A worker that gives up on an answer soon, for tests of gateways that keep it waiting.
IMPATIENT = {"OCTOPUSH_READ_TIMEOUT_S": "0.5", "OCTOPUSH_CONNECT_TIMEOUT_S": "0.5"}

_numbers = itertools.count(12_000_001)


def new_number() -> str:
    """Give a French mobile number that no other send of this run has."""
    return f"+336{next(_numbers):08d}"


def new_id(prefix: str = "e2e") -> str:
    """Give a request_id that no other send has."""
    return f"{prefix}-{uuid4().hex[:16]}"


#: No test or benchmark depends on the hour or the weekday at which it runs: those of the hours set a clock.
ANY_HOUR: Final = {"MARKETING_HOURS_FR": "off", "MARKETING_HOURS_OTHER": "off"}


def bare_environment() -> dict[str, str]:
    """Our environment without any variable of ours, whatever a developer's shell holds; at any hour."""
    ours = ("REDIS_URL", "OCTOPUSH_", "CALLBACK_TOKENS", "SMS_", "SENDER_", "RECORD_", "STREAM_", "LOG_LEVEL")
    ours += ("OTEL_", "SENTRY_")
    shell = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**shell, **ANY_HOUR}


class Installation:
    """Redis (given), gateway, worker and, if asked for, web, all wired to each other.

    Args:
        data_dir: receives the output of the processes.
        redis_url: where Redis listens.
        web: whether callbacks are taken; without it the gateway posts none.
        worker: whether the worker is started, too; `worker.start` does so later.
        threads: worker threads.
        namespace: hash tag of the keys; one of its own if empty.
        urls: where each user of Redis connects; where the server has users of its own if None.
        **variables: further environment of worker and web.
    """

    def __init__(
        self,
        data_dir: Path,
        redis_url: str,
        *,
        web: bool = False,
        worker: bool = True,
        threads: int = 8,
        namespace: str = "",
        urls: Callable[[str], str] | None = None,
        **variables: str,
    ) -> None:
        self._exit = ExitStack()
        self._starts_worker = worker
        self._urls = urls
        self.namespace = namespace or f"e2e{uuid4().hex[:8]}"
        self.keys = AllKeys(self.namespace)
        self.simulator = SimulatorThread(SimulatorSettings())
        self.environ = {
            **bare_environment(),
            "REDIS_URL": redis_url,
            "SMS_NAMESPACE": self.namespace,
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            "OCTOPUSH_BASE_URL": self.simulator.base_url,
            "CALLBACK_TOKENS": TOKEN,
            "CALLBACK_SPOOL_DIR": str(data_dir / "spool"),
            **variables,
        }
        self.token = self.environ["CALLBACK_TOKENS"].split(",")[0]
        self.settings = ProducerSettings.from_env(self.environ)
        self.redis = connect(self.settings.redis_url)
        self.producer = Producer(settings=ProducerSettings.from_env(self.environ_of("app")))
        self.worker = WorkerProcess(data_dir / "worker.log", self.environ_of("worker"), threads=threads)
        self.web = WebServer(data_dir / "web.log", self.environ_of("web")) if web else None

    def environ_of(self, user: str) -> dict[str, str]:
        """Give the environment of a process that works as its own user of Redis, where there are users."""
        url = self._urls(user) if self._urls else as_user(self.environ["REDIS_URL"], user)
        return {**self.environ, "REDIS_URL": url}

    @property
    def gateway(self) -> SimulatorAdmin:
        """The hidden side of the gateway: faults to set, facts to see."""
        return self.simulator.admin

    @property
    def callback_url(self) -> str:
        """Where callbacks of any kind are taken."""
        assert self.web is not None
        return f"{self.web.url}/callbacks/{self.token}"

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.callback(self.simulator.stop)
            starting.callback(self.redis.close)
            starting.callback(self.producer.close)
            starting.callback(self.worker.kill)
            if self._starts_worker:
                self.worker.start()
            if self.web is not None:
                starting.enter_context(self.web)
            self._exit = starting.pop_all()
        self.calm()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def calm(self) -> None:
        """Take back every fault and setting of the gateway; what it remembers and counted stays."""
        self.gateway.clear_faults()
        self.gateway.call("DELETE", "/fates")
        self.gateway.call("DELETE", "/auto-replies")
        self.gateway.listen()
        account = {
            "api_login": self.environ["OCTOPUSH_API_LOGIN"],
            "api_key": self.environ["OCTOPUSH_API_KEY"],
        }
        url = self.callback_url if self.web is not None else ""
        self.gateway.settings(**{**_DEFAULTS, **account, "callback_url": url})

    # What an application does.

    def send(self, text: str = "Your table is ready", *, to: Any = None, **options: Any) -> Sent:
        """Queue an alert to a number of its own, under an id of its own."""
        options = {"sender": "Bistro", "purpose": "alert", "request_id": new_id(), **options}
        return self.producer.send(new_number() if to is None else to, text, **options)

    def status(self, sent: Sent | str) -> MessageStatus:
        """Read what is known of a send that must exist."""
        status = self.producer.status(_id(sent))
        assert status is not None
        return status

    def settled(self, sent: Sent | str, seconds: float = PATIENCE_S) -> MessageStatus:
        """Wait until a send has ended, and return what is known of it."""
        self.wait_for(lambda: self.status(sent).state in ENDS, seconds)
        return self.status(sent)

    def all_settled(self, sends: Iterable[Sent | str], seconds: float = PATIENCE_S) -> set[str]:
        """Wait until all these sends have ended, and return the states they ended in."""
        ids = [_id(sent) for sent in sends]

        def states() -> set[str] | None:
            with self.redis.pipeline(transaction=False) as pipeline:
                for request_id in ids:
                    pipeline.hget(self.keys.record(request_id), "state")
                found = {state.decode() for state in pipeline.execute()}
            return found if found <= ENDS else None

        return self.wait_for(states, seconds)

    def entries(self, stream: str, sent: Sent | str | None = None) -> list[Any]:
        """Read a public stream as typed objects: all of it, or what belongs to one send."""
        events = [self._event(stream, fields) for _, fields in self.redis.xrange(self.keys.stream(stream))]
        return [e for e in events if sent is None or e.request_id == _id(sent)]

    def command(self, *arguments: str) -> str:
        """Run ``octopush-worker`` and return what it printed."""
        line = [sys.executable, "-m", "worker.cli", *arguments]
        environ = self.environ_of("operator")
        done = subprocess.run(line, env=environ, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    # What happened at the gateway and behind it.

    def handset(self, sent: Sent | str) -> list[HandsetMessage]:
        """List what handsets show of one send."""
        return [m for m in self.gateway.messages(request_id=_id(sent)) if m.reached]

    def posts(self, sent: Sent | str) -> list[RequestRecord]:
        """List the POSTs of one send in their order; those whose body was not read are not among them."""
        return [r for r in self.gateway.requests() if r.request_id == _id(sent)]

    def bodies(self, sent: Sent | str) -> set[str]:
        """Give the hashes of all bodies that were POSTed for one send."""
        return {record.sha256 for record in self.posts(sent)}

    def use_up(self, request_id: str, number: str = "") -> None:
        """Let somebody else on our account send another message under this id."""
        account = {
            "api-login": self.environ["OCTOPUSH_API_LOGIN"],
            "api-key": self.environ["OCTOPUSH_API_KEY"],
        }
        body = {
            "recipients": [{"phone_number": number or new_number()}],
            "text": "not ours",
            "sender": "Other",
            "purpose": "alert",
            "request_id": request_id,
        }
        url = self.simulator.base_url + "/sms-campaign/send"
        httpx.post(url, json=body, headers=account, trust_env=False).raise_for_status()

    def post_callback(self, body: bytes, kind: str = "", *, times: int = 1, **headers: str) -> list[int]:
        """POST a callback as the gateway does, several at once if asked, and return the HTTP statuses."""
        url = self.callback_url + (f"/{kind}" if kind else "")

        def post(_: int) -> int:
            return httpx.post(url, content=body, headers=headers, trust_env=False, timeout=10).status_code

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(post, range(times)))

    def wait_for(self, condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
        """Ask until the answer is true, and return it.

        Raises:
            AssertionError: it was not true in time; tells how the processes are and what they printed last.
        """
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"waited {seconds:g} s in vain; the worker: {self.worker.output[-3000:]}"
                )
            time.sleep(0.02)
        return answer

    def _state(self) -> str:
        lines = [f"worker runs: {self.worker.is_running}; printed last:", self.worker.output[-3000:]]
        if self.web is not None:
            lines += [f"web ended with: {self.web.process.poll()}; printed last:", self.web.output[-1000:]]
        return "\n".join([*lines, f"gateway: {self.gateway.stats()}"])

    @staticmethod
    def _event(stream: str, fields: dict[bytes, bytes]) -> Event:
        return from_fields(TYPES[stream], fields)


def _id(sent: Sent | str) -> str:
    return sent if isinstance(sent, str) else sent.request_id
