"""The processes of the Procfile, started as the platform starts them and stopped as it stops them."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import worker
from worker.sandbox import guardian

#: Seconds between SIGTERM and SIGKILL of each process type, as deploy/ grants them: its page has the reasons.
GRACE_S: Final[Mapping[str, float]] = {
    "worker": 45.0,
    **dict.fromkeys(("web", "api", "metrics", "console"), 20.0),
    "forward-http": 40.0,
    "forward-email": 130.0,
}
#: The same of what has nothing to finish.
_GRACE_S: Final = 20.0


def read_procfile() -> dict[str, str]:
    """Read process types and their commands, from the checkout or from the installed package."""
    package = Path(worker.__file__).parent
    beside, inside = package.parent / "Procfile", package / "Procfile"
    lines = (inside if inside.exists() else beside).read_text("utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): command.strip() for name, _, command in pairs}


def tied(number: signal.Signals) -> list[str]:
    """Return the words to put before a command that shall receive a signal when this process ends.

    The command receives the signal even if this process is killed.
    Linux only; call it, and start the command, from a thread that lives as long as the process.
    """
    return [sys.executable, "-I", "-S", guardian.__file__, str(os.getpid()), str(int(number))]


class Process:
    """One command in a process group of its own, killed when this process ends; see `tied`.

    Args:
        command: program and arguments.
        environ: the whole environment.
        output: file that receives stdout and stderr; None: those of this process receive them.
        errors_apart: whether the stderr of this process receives stderr all the same.
        grace_s: seconds that it has to stop, once it is asked to.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        output: IO[bytes] | None = None,
        *,
        errors_apart: bool = False,
        grace_s: float = _GRACE_S,
    ) -> None:
        self.grace_s = grace_s
        self._process = subprocess.Popen(
            [*tied(signal.SIGKILL), *command],
            # No module of the current directory may replace one of ours.
            env={**environ, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"},
            stdout=output,
            stderr=None if output is None or errors_apart else subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Process id; also the id of its group."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask the command to stop."""
        if self.status is None:
            self._process.terminate()

    def wait(self, deadline: float) -> None:
        """Wait for the end of the command; at a monotonic deadline, kill the whole group."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the whole group at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def start(process_type: str, environ: Mapping[str, str], output: IO[bytes] | None = None) -> Process:
    """Start a process of the Procfile with this interpreter; any directory and any PATH will do."""
    _, _, arguments = read_procfile()[process_type].partition(" ")
    command = ["/bin/sh", "-c", f"exec {shlex.quote(sys.executable)} -m octopush_worker {arguments}"]
    return Process(command, environ, output, grace_s=GRACE_S[process_type])


def stop_all(processes: list[Process]) -> None:
    """Stop all processes: SIGTERM together, SIGKILL to each that is left after its grace time."""
    for process in processes:
        process.terminate()
    asked_at = time.monotonic()
    for process in sorted(processes, key=lambda each: each.grace_s):
        process.wait(asked_at + process.grace_s)
