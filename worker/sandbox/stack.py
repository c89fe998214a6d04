"""The sandbox: an installation wired to a simulated gateway."""

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

import msgspec

from worker.sandbox.environments import ANY_HOUR, of_the_machine
from worker.sandbox.free_port import free_port
from worker.sandbox.installation import START_S, Installation, InstallationError, wait_for
from worker.sandbox.processes import Process, stop_all
from worker.sandbox.simulator.client import SimulatorAdmin

#: Starts the simulator; first of all it makes sure that `worker` is ours, whatever else has this name.
_SIMULATOR: Final = "import octopush_worker; from worker.sandbox.simulator.__main__ import main; main()"
#: Who acts in the sandbox's console, as its audit says.
CONSOLE_NAME: Final = "you"


class Stack:
    """Redis, simulated gateway, worker and web, wired to each other; a context manager.

    Args:
        data_dir: holds the server's files and the logs.
        simulator_settings: settings of the gateway, by name.
        logs_to_files: False lets the processes write to the output of this process.
        console: whether the console runs, too.

    Attributes:
        console_secret: what lets an operator into the console.
    """

    def __init__(
        self,
        data_dir: Path,
        simulator_settings: Mapping[str, object] | None = None,
        *,
        logs_to_files: bool = True,
        console: bool = False,
    ) -> None:
        self._data_dir = data_dir
        self._console_port = free_port() if console else None
        self.console_secret = secrets.token_urlsafe(24)
        self._simulator_settings = dict(simulator_settings or {})
        self._logs_to_files = logs_to_files
        self._port, self._gateway_port, self._token = free_port(), free_port(), secrets.token_urlsafe(24)
        self._exit = ExitStack()

    @property
    def callback_url(self) -> str:
        """Where the gateway posts its callbacks."""
        return f"http://127.0.0.1:{self._port}/callbacks/{self._token}"

    @property
    def gateway_url(self) -> str:
        """Root of the simulated gateway's API, for a worker's `OCTOPUSH_BASE_URL`."""
        return f"http://127.0.0.1:{self._gateway_port}/v1/public"

    def __enter__(self) -> Self:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        environ = {
            **of_the_machine(os.environ),
            "OCTOPUSH_API_LOGIN": "sandbox@example.com",
            "OCTOPUSH_API_KEY": "sandbox-key",
            "OCTOPUSH_BASE_URL": self.gateway_url,
            "CALLBACK_TOKENS": self._token,
            **ANY_HOUR,
            "HOST": "127.0.0.1",
            "PORT": str(self._port),
        }
        if self._console_port:
            environ["CONSOLE_TOKENS"] = f"operator:{CONSOLE_NAME}:{self.console_secret}"
            environ |= {"CONSOLE_PORT": str(self._console_port), "CONSOLE_SENDER": "Sandbox"}
        # The simulator's page names the address of the Redis, so that address must be known first.
        self._installation = Installation(self._data_dir, environ, logs_to_files=self._logs_to_files)
        with ExitStack() as starting:
            self._simulator = self._start_simulator()
            starting.callback(stop_all, [self._simulator])
            awaited = f"the first line of the simulator; see {self._log}"
            self.admin_url = wait_for(self._announced, self._check_simulator, awaited, START_S)["admin_url"]
            self.gateway = SimulatorAdmin(self.admin_url)
            starting.callback(self.gateway.close)
            starting.enter_context(self._installation)
            self._exit = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    @property
    def console_url(self) -> str | None:
        """Where the console is; None if there is none."""
        return self._installation.console_url

    @property
    def redis_url(self) -> str:
        """Where applications connect."""
        return self._installation.embedded_url or ""

    def check(self) -> None:
        """Make sure that every process still runs.

        Raises:
            InstallationError: a process ended; the message names it.
        """
        self._check_simulator()
        self._installation.check()

    def supervise(self, report: Callable[[str], None]) -> None:
        """Start worker and web again when they end; see `Installation.supervise`.

        Raises:
            InstallationError: the simulator ended.
        """
        self._check_simulator()
        self._installation.supervise(report)

    def _start_simulator(self) -> Process:
        config = self._data_dir / "simulator.json"
        settings = {"callback_url": self.callback_url, "redis_url": self.redis_url}
        config.write_bytes(msgspec.json.encode({**settings, **self._simulator_settings}))
        with self._log.open("wb") as output:
            command = [sys.executable, "-c", _SIMULATOR]
            command += ["--config", str(config), "--port", str(self._gateway_port)]
            # What it has to say about callbacks is for whoever looks at the terminal.
            return Process(command, of_the_machine(os.environ), output, errors_apart=not self._logs_to_files)

    @property
    def _log(self) -> Path:
        return self._data_dir / "simulator.log"

    def _check_simulator(self) -> None:
        if self._simulator.status is not None:
            raise InstallationError(
                f"the simulator ended with status {self._simulator.status}; see {self._log}"
            )

    def _announced(self) -> dict[str, str]:
        """Return the addresses that the simulator prints as its first line; empty before it does so."""
        line, newline, _ = self._log.read_text("utf-8").partition("\n")
        # A simulator that cannot start writes a traceback.
        is_announced = newline and line.startswith("{")
        return msgspec.json.decode(line, type=dict[str, str]) if is_announced else {}
