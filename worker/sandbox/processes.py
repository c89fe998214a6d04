"""The processes of the Procfile, started as the platform starts them and stopped as it stops them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import worker

#: Seconds between SIGTERM and SIGKILL, as on the common platforms.
GRACE_S = 30.0


def read_procfile() -> dict[str, str]:
    """Read process types and their commands, from the checkout or from the installed package."""
    package = Path(worker.__file__).parent
    beside, inside = package.parent / "Procfile", package / "Procfile"
    lines = (beside if beside.exists() else inside).read_text("utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): command.strip() for name, _, command in pairs}


class Process:
    """One command in a process group of its own.

    Args:
        command: a shell line.
        environ: added to our own environment.
        output: file that receives stdout and stderr; None leaves them ours.
    """

    def __init__(self, command: str, environ: Mapping[str, str], output: IO[bytes] | None = None) -> None:
        # The commands of the Procfile live beside this interpreter, virtual environment active or not.
        environ = {**os.environ, "PYTHONUNBUFFERED": "1", **environ}
        path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", "exec " + command],
            env={**environ, "PATH": path},
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
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
        """Ask it to stop."""
        if self.status is None:
            self._process.terminate()

    def wait(self, deadline: float) -> None:
        """Wait until a monotonic deadline, then kill the whole group."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the whole group at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def stop_all(processes: list[Process]) -> None:
    """Stop all processes: SIGTERM together, SIGKILL to what is left after the grace time."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + GRACE_S
    for process in processes:
        process.wait(deadline)
