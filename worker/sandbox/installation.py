"""One machine's worth of production: the Procfile's processes and, unless there is one already, a Redis."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self, TypeVar

import httpx

from worker.sandbox.processes import Process, read_procfile, stop_all
from worker.sandbox.redis_server import RedisServer

T = TypeVar("T")

#: Seconds everything may take to come up.
START_S: Final = 30.0
#: Seconds before a process that ended is started again.
RESTART_S: Final = 1.0


class InstallationError(Exception):
    """A process did not come up, or went down; the message names it and its log."""


class Installation:
    """Redis, worker and web; a context manager.

    Args:
        data_dir: holds the server's files, and a log per process.
        environ: variables of the processes, added to ours; ``REDIS_URL`` is added without one.
        redis_url: a server that runs already; None starts an embedded one, whose data stay in ``data_dir``.
        workers: how many worker processes.
        logs_to_files: False leaves the processes' output on ours.
    """

    def __init__(
        self,
        data_dir: Path,
        environ: Mapping[str, str],
        redis_url: str | None = None,
        *,
        workers: int = 1,
        logs_to_files: bool = False,
    ) -> None:
        self._data_dir = data_dir
        self._server = RedisServer(data_dir / "redis") if redis_url is None else None
        self.redis_url = redis_url or (self._server.url if self._server else "")
        self._environ = {**environ, "REDIS_URL": self.redis_url}
        self._logs_to_files = logs_to_files
        self._lines = {f"worker.{number}": "worker" for number in range(1, workers + 1)} | {"web": "web"}
        self._processes: dict[str, Process] = {}
        self._restart_at: dict[str, float] = {}
        self._exit = ExitStack()

    @property
    def web_url(self) -> str:
        """Where the web process listens on this machine."""
        return f"http://127.0.0.1:{self._environ.get('PORT', '8000')}"

    def __enter__(self) -> Self:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        try:
            if self._server is not None:
                self._exit.callback(self._server.stop)
                self._server.start()
            self._exit.callback(self._stop)
            for name in self._lines:
                self._processes[name] = self._start(name)
            wait_for(self._web_is_ready, self.check)
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def check(self) -> None:
        """Make sure that every process still runs.

        Raises:
            InstallationError: names the one that ended.
        """
        for name, process in self._processes.items():
            if process.status is not None:
                raise InstallationError(f"{name} ended with status {process.status}{self._see(name)}")

    def supervise(self, report: Callable[[str], None]) -> None:
        """Start every process that has ended again, `RESTART_S` later; the others go on undisturbed.

        Call it about twice a second.

        Args:
            report: told in words what ended.
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

    def _start(self, name: str) -> Process:
        line = read_procfile()[self._lines[name]]
        if not self._logs_to_files:
            return Process(line, self._environ)
        with (self._data_dir / f"{name}.log").open("ab") as output:
            return Process(line, self._environ, output)

    def _web_is_ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.web_url}/readyz", trust_env=False).is_success
        return False

    def _see(self, name: str) -> str:
        return f"; see {self._data_dir / name}.log" if self._logs_to_files else ""

    def _stop(self) -> None:
        stop_all(list(self._processes.values()))


def wait_for(condition: Callable[[], T], check: Callable[[], None], seconds: float = START_S) -> T:
    """Wait until a condition returns something true, and return that.

    Args:
        condition: asked about 50 times a second.
        check: raises when waiting has become pointless.
        seconds: how long to wait at most.

    Raises:
        InstallationError: time is up.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        check()
        if time.monotonic() > deadline:
            raise InstallationError(f"nothing after {seconds:g} s")
        time.sleep(0.02)
    return value
