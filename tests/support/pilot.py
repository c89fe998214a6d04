"""A trial against the shared simulator, as a person runs it; its callbacks come by a real web process."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import redis
from click.testing import CliRunner

from producers.contract.settings import RedisSettings
from tests.support.keys import AllKeys
from tests.support.sends import batch_of
from tests.support.simulator import SimulatorThread
from worker.callbacks.inbound import Inbound
from worker.callbacks.publisher import Publisher
from worker.cli import main
from worker.gateway.profile import is_account
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import Ledger
from worker.queue.leases import Leases

NUMBER = "+33612345678"
KEYS = AllKeys()


class CallbackThread:
    """Processes callbacks as a worker does, until the end of the `with`.

    Args:
        url: of Redis.
    """

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)
        ledger = Ledger(
            self._client, RedisSettings(), Leases(self._client, KEYS), Confirmation(self._client, KEYS)
        )
        publisher = Publisher(self._client, RedisSettings(), scoped=False)
        self._inbound = Inbound(self._client, KEYS, ledger, publisher)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._over.is_set():
            if found := self._client.brpop([KEYS.queue("callbacks").ready], timeout=0.05):
                self._inbound.process_callbacks(batch_of(found[1].decode(), queue="callbacks"))


class Pilot:
    """Runs the command in a directory of its own.

    Args:
        simulator: the gateway.
        redis_url: of this installation.
        directory: for report, journal and profile.
    """

    def __init__(self, simulator: SimulatorThread, redis_url: str, directory: Path) -> None:
        self.report, self.profile = directory / "report.md", directory / "profile.json"
        self.journal = directory / "report.md.journal"
        self.environ = {
            "REDIS_URL": redis_url,
            "OCTOPUSH_BASE_URL": simulator.base_url,
            "OCTOPUSH_API_LOGIN": "sandbox@example.com",
            "OCTOPUSH_API_KEY": "sandbox-key",
            "OCTOPUSH_READ_TIMEOUT_S": "0.3",
        }

    def arguments(self, *more: str) -> list[str]:
        """Write the command line, for any hour."""
        files = ["--report", str(self.report), "--profile", str(self.profile)]
        return ["pilot", "--to", NUMBER, "--at-night", *files, *more]

    def run(self, *more: str, code: int | None = 0, typed: str = "", **environ: str) -> Mapping[str, Any]:
        """Run it and return what it tells programs.

        Args:
            more: arguments.
            code: with which it must end; None for any.
            typed: what a person answers.
            environ: further variables.
        """
        arguments = [*self.arguments(*more), "--json"]
        result = CliRunner().invoke(main, arguments, input=typed, env={**self.environ, **environ})
        assert code is None or result.exit_code == code, result.output
        # The lines of the thread that processes callbacks stand among those of the command.
        [told] = [line for line in result.stdout.splitlines() if line.startswith("{")]
        return dict(json.loads(told))

    def answers(self, *more: str, code: int | None = None) -> dict[str, str | None]:
        """Run it without asking anybody, and return the answer of each question."""
        told = self.run("--yes", "--wait", "3s", "--budget", "9", *more, code=code)
        return {each["name"]: each["answer"] for each in told["questions"]}

    def read_profile(self) -> dict[str, Any] | None:
        """Read what it wrote for workers, but for the version and the account."""
        if not self.profile.exists():
            return None
        profile = json.loads(self.profile.read_text())
        assert profile.pop("v") == 1
        assert is_account(profile.pop("account"), self.environ["OCTOPUSH_API_LOGIN"])
        return dict(profile)
