"""The worker as operators run it: the Procfile's line in its own process group, with all its output kept."""

import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

#: Seconds between SIGTERM and SIGKILL on the common platforms: a worker must have ended by then.
PLATFORM_GRACE_S = 30.0

_PROCFILE = Path(__file__).parents[2] / "Procfile"


def procfile_line(name: str) -> str:
    """Read the command of one process type."""
    lines = dict(line.split(":", 1) for line in _PROCFILE.read_text("utf-8").splitlines() if ":" in line)
    return lines[name].strip()


class WorkerProcess:
    """The ``worker`` line of the Procfile in a subprocess; may be started again after its end.

    Args:
        log: file that receives stdout and stderr of all its lives.
        environ: the whole environment of the process.
        threads: worker threads.
        setup: what Dramatiq loads, where it is not the worker itself.
    """

    def __init__(
        self, log: Path, environ: Mapping[str, str], *, threads: int = 8, setup: str = "worker.main:setup"
    ) -> None:
        self._log = log
        self._line = procfile_line("worker")
        if setup != "worker.main:setup":
            call = f"from worker.process.launch import dramatiq; dramatiq(1, {threads}, {setup!r})"
            self._line = shlex.join([sys.executable, "-c", call])
        # The commands of the Procfile lie beside this interpreter, virtual environment active or not.
        path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
        self._environ = {
            **environ,
            "PATH": path,
            "WORKER_PROCESSES": "1",
            "WORKER_THREADS": str(threads),
        }
        self._process: subprocess.Popen[bytes] | None = None
        # Every process of the group holds the other end of this pipe until it dies.
        self._lifeline: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the parent, and of the process group."""
        return self._running().pid

    @property
    def output(self) -> str:
        """All it printed in all its lives."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def start(self) -> Self:
        """Start it; it takes up work as soon as it is ready."""
        assert not self.is_running
        self.kill()
        self._lifeline, held = os.pipe()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", "exec " + self._line],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[held],
            )
        os.close(held)
        return self

    def wait(self, seconds: float = PLATFORM_GRACE_S) -> int:
        """Wait for its end and return the exit status."""
        return self._running().wait(seconds)

    def terminate(self, *, whole_group: bool = False, every_s: float | None = None) -> int:
        """Send SIGTERM, wait until all its processes are gone, and return the exit status.

        Args:
            whole_group: signal every process of the group, as some platforms do; else only the parent.
            every_s: seconds after which the signal is sent again, and again, until the end.

        Raises:
            TimeoutError: it outlived the platform's patience.
        """
        deadline = time.monotonic() + PLATFORM_GRACE_S
        while not self._is_gone_within(0):
            if time.monotonic() > deadline:
                raise TimeoutError("the worker did not stop: " + self.output[-2000:])
            self._signal(signal.SIGTERM, whole_group=whole_group)
            self._is_gone_within(every_s or PLATFORM_GRACE_S)
        return self.wait()

    def kill(self) -> None:
        """Kill parent and children at once, as a crash or the platform does. Safe to call twice."""
        if self._process is None:
            return
        # Only while one of them lives is the group's number certainly theirs.
        if not self._is_gone_within(0):
            self._signal(signal.SIGKILL, whole_group=True)
            self._is_gone_within(PLATFORM_GRACE_S)
        self._process.wait(PLATFORM_GRACE_S)
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def _is_gone_within(self, seconds: float) -> bool:
        """Say whether the last process of the group has died; the pipe then reads as at its end."""
        return self._lifeline is None or bool(select.select([self._lifeline], [], [], seconds)[0])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def _signal(self, number: signal.Signals, *, whole_group: bool) -> None:
        with suppress(ProcessLookupError):
            if whole_group:
                os.killpg(self._running().pid, number)
            else:
                self._running().send_signal(number)
