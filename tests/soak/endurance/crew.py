"""The processes of the Procfile, each with the variables that it may see, killed and replaced one by one."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from worker.sandbox.environments import configured, of_process
from worker.sandbox.processes import Process, read_procfile, start

#: How many workers there are; of all other process types there is one.
WORKERS: Final = 2
#: Which variable names the port of a process type, and the path that answers once it is ready. Forwarders
#: say so in their log; workers are taken for ready, since another one has their messages meanwhile.
ANSWERS: Final = {
    "web": ("PORT", "/readyz"),
    "api": ("API_PORT", "/readyz"),
    "metrics": ("METRICS_PORT", "/healthz"),
    "console": ("CONSOLE_PORT", "/healthz"),
}
#: Seconds that a process may take to be ready, on a machine that does much else.
START_S: Final = 90.0


class Life(NamedTuple):
    """A process between its start and its end.

    Attributes:
        name: as the Procfile has it, with a number where there are several.
        number: 1 for its first life.
        pid: also the id of its group.
    """

    name: str
    number: int
    pid: int


class Crew:
    """All that an environment configures. To be used by one thread, which must outlive them all.

    Args:
        environ: all variables.
        foreign: variables that each process gets, although none of its settings names them.
        data_dir: receives a log per process.
        workers: how many.

    Attributes:
        names: of all processes.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        foreign: Mapping[str, str],
        data_dir: Path,
        *,
        workers: int = WORKERS,
    ) -> None:
        self._environ, self._foreign, self._data_dir = environ, foreign, data_dir
        self._types = {
            f"{each}-{number}" if count > 1 else each: each
            for each in configured(environ)
            for count in [workers if each == "worker" else 1]
            for number in range(1, count + 1)
        }
        self._processes: dict[str, Process] = {}
        self._lives = dict.fromkeys(self._types, 0)

    @property
    def names(self) -> list[str]:
        return list(self._types)

    def lives(self) -> list[Life]:
        """List those that were started last."""
        return [Life(name, self._lives[name], each.pid) for name, each in [*self._processes.items()]]

    def ended(self) -> list[str]:
        """Name those that ended although nobody ended them."""
        return [name for name, each in self._processes.items() if each.status is not None]

    def log(self, name: str) -> Path:
        """Say where a process writes."""
        return self._data_dir / f"{name}.log"

    def start(self, name: str) -> None:
        """Start one, and wait until it is ready.

        Raises:
            RuntimeError: it ended at once, or is not ready in time.
        """
        kind, log = self._types[name], self.log(name)
        log.touch()
        written = log.stat().st_size
        environ = {**of_process(kind, read_procfile()[kind], self._environ), **self._foreign}
        with log.open("ab") as output:
            self._processes[name] = process = start(kind, environ, output)
        self._lives[name] += 1
        deadline = time.monotonic() + START_S
        while not self._is_ready(kind, log, written):
            if process.status is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start: {log.read_text('utf-8', 'replace')[-500:]}")
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        """Kill one and all its children, as a crash does, and start it again."""
        self.lose(name)
        self.start(name)

    def lose(self, name: str) -> None:
        """Kill one and all its children, and leave it at that."""
        self._processes[name].kill()

    def redeploy(self, name: str) -> None:
        """Stop one as a platform does, and start it again.

        Raises:
            TimeoutError: it outlived the patience of platforms.
        """
        process = self._processes[name]
        begun = time.monotonic()
        process.terminate()
        granted_until = begun + process.grace_s
        process.wait(granted_until)
        patient = time.monotonic() > granted_until
        self.start(name)
        if patient:
            raise TimeoutError(f"{name} did not stop when asked to")

    def stop(self) -> None:
        """Kill all. Safe to repeat."""
        for process in self._processes.values():
            process.kill()

    def _is_ready(self, kind: str, log: Path, written: int) -> bool:
        if kind.startswith("forward-"):
            return b'"forward.started"' in log.read_bytes()[written:]
        if kind not in ANSWERS:
            return True
        variable, path = ANSWERS[kind]
        with suppress(httpx.HTTPError):
            url = f"http://127.0.0.1:{self._environ[variable]}{path}"
            return httpx.get(url, trust_env=False, timeout=2).is_success
        return False
