"""Processes under measurement: each in a session of its own, killed with it, its CPU read from /proc."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.benchmarks.report import BenchmarkError

_TICKS = os.sysconf("SC_CLK_TCK")
#: A process that works no more uses less than this in a tenth of a second; idle polls of queues stay below.
_QUIET_S = 0.02


def session_cpu_s(session: int) -> float:
    """Sum user and system seconds of all living processes of a session and of their children that ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # After the name, which may hold anything: state, ppid, pgrp, session, … and four times.
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[3]) == session:
                ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS


class Measured:
    """One command with all its children; a context manager that kills what is left of them.

    Args:
        command: program and arguments.
        environ: the whole environment.
        log: receives stdout and stderr.
        cwd: directory to start it in.
    """

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], log: Path, cwd: Path | None = None
    ) -> None:
        self._command, self._environ, self._log, self._cwd = command, environ, log, cwd
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                cwd=self._cwd,
                # Bare clients stay until this closes, so that their CPU can still be read at the end.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        process = self._running()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()

    def cpu_s(self) -> float:
        """Read the CPU seconds used so far."""
        return session_cpu_s(self._running().pid)

    def check(self) -> None:
        """Raise BenchmarkError if it has ended."""
        status = self._running().poll()
        if status is not None:
            raise BenchmarkError(f"{self._command[0]} ended with {status}: {self.printed()}")

    def finish(self, patience_s: float) -> None:
        """Wait for its end; raise BenchmarkError if that is bad or late."""
        try:
            status = self._running().wait(patience_s)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{self._command} took more than {patience_s} s") from None
        if status:
            raise BenchmarkError(f"{self._command} ended with {status}: {self.printed()}")

    def printed(self) -> str:
        """Return the last of what it printed."""
        return self._log.read_text("utf-8", "replace")[-2000:]

    def settle(self, patience_s: float = 30.0) -> None:
        """Wait until it uses next to no CPU: the last acknowledgements are written then."""
        quiet, before = 0, self.cpu_s()
        deadline = time.monotonic() + patience_s
        while quiet < 3:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{self._command[0]} does not come to rest: {self.printed()}")
            time.sleep(0.1)
            now = self.cpu_s()
            quiet = quiet + 1 if now - before < _QUIET_S else 0
            before = now

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process


def wait_until(progress: Callable[[], float], goal: float, *, stall_s: float = 60.0) -> None:
    """Wait until a measure of progress reaches its goal, asking rarely: asking costs time, too.

    Raises:
        BenchmarkError: it did not change for ``stall_s`` seconds.
    """
    reached, since = -1.0, time.monotonic()
    while (now := progress()) < goal:
        if now != reached:
            reached, since = now, time.monotonic()
        if time.monotonic() - since > stall_s:
            raise BenchmarkError(f"no progress for {stall_s:g} s after {reached:g} of {goal:g}")
        time.sleep(0.05)
