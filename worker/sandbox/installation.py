"""An installation on one machine: the Procfile's processes and, unless there is one already, a Redis."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeVar

import httpx

from worker.sandbox.data_directory import DataDirectory, DirectoryUnavailableError
from worker.sandbox.embedded_redis import EmbeddedRedis
from worker.sandbox.environments import configured, of_process
from worker.sandbox.processes import Process, read_procfile, start, stop_all

T = TypeVar("T")

#: Seconds that all processes together may take to start.
START_S: Final = 30.0
#: Seconds before a process that ended is started again.
RESTART_S: Final = 1.0


class ListensAt(NamedTuple):
    """Where a process listens.

    Attributes:
        variables: of its address and its port.
        address, port: without them, as the Procfile and the settings have it.
    """

    variables: tuple[str, str]
    address: str
    port: str


#: The processes that listen.
LISTENING: Final[Mapping[str, ListensAt]] = {
    "web": ListensAt(("HOST", "PORT"), "0.0.0.0", "8000"),  # noqa: S104 - as the Procfile has it
    "api": ListensAt(("API_HOST", "API_PORT"), "127.0.0.1", "8002"),
    "metrics": ListensAt(("METRICS_BIND", "METRICS_PORT"), "127.0.0.1", "8003"),
    "console": ListensAt(("CONSOLE_BIND", "CONSOLE_PORT"), "127.0.0.1", "8001"),
}


class InstallationError(Exception):
    """A process did not come up, or went down; the message names it and its log."""


class Installation:
    """Redis, worker, web and whatever else is configured; a context manager.

    Args:
        data_dir: holds the server's files, and a log per process.
        environ: all variables; each process gets only its own. Without ``REDIS_URL`` an embedded server is
            started, whose data stay in ``data_dir``.
        workers: how many worker processes.
        logs_to_files: False lets the processes write to the output of this process.
    """

    def __init__(
        self,
        data_dir: Path,
        environ: Mapping[str, str],
        *,
        workers: int = 1,
        logs_to_files: bool = False,
    ) -> None:
        self._directory = DataDirectory(data_dir)
        embedded = not environ.get("REDIS_URL", "").strip()
        self._server = EmbeddedRedis(self._directory) if embedded else None
        self._environ = {"CALLBACK_SPOOL_DIR": str(data_dir.absolute() / "spool"), **environ}
        if self._server is not None:
            self._environ["REDIS_URL"] = self._server.url
        self._logs_to_files = logs_to_files
        self._lines = {f"worker.{number}": "worker" for number in range(1, workers + 1)}
        self._lines |= {each: each for each in configured(self._environ) if each != "worker"}
        self._processes: dict[str, Process | EmbeddedRedis] = {}
        self._restart_at: dict[str, float] = {}
        self._exit = ExitStack()

    @property
    def embedded_url(self) -> str | None:
        """Address of the embedded server, which is no secret; None if there is none."""
        return self._server.url if self._server else None

    @property
    def web_url(self) -> str:
        """Where the web process listens on this machine."""
        return _url(*self._listens_at("web"))

    @property
    def console_url(self) -> str | None:
        """Where the console listens on this machine; None if there is none."""
        return _url(*self._listens_at("console")) if "console" in self._lines else None

    def __enter__(self) -> Self:
        try:
            if self._server is not None:
                self._exit.callback(self._directory.release)
                self._directory.take()
            for name in [each for each in LISTENING if each in self._lines]:
                _check_listening(name, *self._listens_at(name), " and ".join(LISTENING[name].variables))
            if self._server is not None:
                self._exit.callback(self._server.stop)
                self._processes["redis"] = self._start_server(self._server)
            self._exit.callback(self._stop)
            for name in self._lines:
                self._processes[name] = self._start(name)
            self._wait_for("web", f"{self.web_url}/readyz")
            if self.console_url:
                self._wait_for("console", f"{self.console_url}/healthz")
        except DirectoryUnavailableError as error:
            self._exit.close()
            raise InstallationError(str(error)) from None
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def check(self) -> None:
        """Make sure that every process still runs.

        Raises:
            InstallationError: a process ended; the message names it.
        """
        for name, process in self._processes.items():
            if process.status is not None:
                raise InstallationError(f"{name} ended with status {process.status}{self._see(name)}")

    def supervise(self, report: Callable[[str], None]) -> None:
        """Start again, after `RESTART_S`, every process that has ended; the others go on undisturbed.

        Call it about twice a second.

        Args:
            report: receives a sentence about each process that ended.
        """
        for name, process in self._processes.items():
            if process.status is None:
                continue
            if name not in self._restart_at:
                report(f"{name} ended with status {process.status}; starting it again")
                self._restart_at[name] = time.monotonic() + RESTART_S
            elif time.monotonic() >= self._restart_at[name]:
                del self._restart_at[name]
                self._processes[name] = self._start(name)

    def _start(self, name: str) -> Process | EmbeddedRedis:
        if self._server is not None and name not in self._lines:
            return self._start_server(self._server)
        process_type = self._lines[name]
        environ = of_process(process_type, read_procfile()[process_type], self._environ)
        if not self._logs_to_files:
            return start(process_type, environ)
        log = self._directory.path / f"{name}.log"
        log.touch(mode=0o600)
        with log.open("ab") as output:
            return start(process_type, environ, output)

    def _start_server(self, server: EmbeddedRedis) -> EmbeddedRedis:
        try:
            return server.start()
        except (RuntimeError, TimeoutError) as error:
            raise InstallationError(f"redis: {error}") from error

    def _wait_for(self, name: str, url: str) -> None:
        where = self._see(name) or f"; what {name} had to say stands above"
        wait_for(lambda: _answers(url), self.check, f"an answer of {name} at {url}{where}", START_S)

    def _see(self, name: str) -> str:
        return f"; see {self._directory.path / name}.log" if self._logs_to_files else ""

    def _listens_at(self, name: str) -> tuple[str, str]:
        """Say where a process listens: address and port."""
        it = LISTENING[name]
        address, port = (self._environ.get(variable, "").strip() for variable in it.variables)
        return address or it.address, port or it.port

    def _stop(self) -> None:
        stop_all([process for process in self._processes.values() if isinstance(process, Process)])


def _url(host: str, port: str) -> str:
    """Say where this machine reaches what listens there."""
    host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - only compared
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _check_listening(name: str, host: str, port: str, variables: str) -> None:
    """Check, before anything is started, that a process can listen; else it would fail again and again."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, int(port)), family=family).close()
    except (OSError, ValueError, OverflowError) as error:
        number = getattr(error, "errno", None) or 0
        # Errors of a name lookup have negative numbers.
        reason = os.strerror(number) if number > 0 else "no such address"
        raise InstallationError(
            f"{name} cannot listen on {host}:{port} ({reason}): set {variables}"
        ) from None


def _answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url, trust_env=False).is_success
    return False


def wait_for(condition: Callable[[], T], check: Callable[[], None], awaited: str, seconds: float) -> T:
    """Wait until a condition returns something true, and return that.

    Args:
        condition: asked about 50 times a second.
        check: raises when waiting has become pointless.
        awaited: what is waited for, and which log says why it does not come.
        seconds: how long to wait at most.

    Raises:
        InstallationError: time is up; the message says what did not come.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        check()
        if time.monotonic() > deadline:
            late = "On a busy machine it may merely be late: try again"
            raise InstallationError(f"waited {seconds:g} s in vain for {awaited}. {late}")
        time.sleep(0.02)
    return value
