"""A ``dramatiq`` process group that consumes one queue."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.faults.queues import Queue

_ROOT = Path(__file__).parents[2]


class QueueWorker:
    """One ``dramatiq`` command: a parent and one worker process.

    Args:
        queue: what to consume.
        log: file that receives all output.
        environ: added to the environment of the processes.
        threads: worker threads.
    """

    def __init__(self, queue: Queue, log: Path, environ: Mapping[str, str], *, threads: int) -> None:
        command = [sys.executable, "-m", "dramatiq", queue.app]
        command += ["--processes", "1", "--threads", str(threads), "--worker-shutdown-timeout", "26000"]
        settings = {
            "REDIS_URL": f"redis://127.0.0.1:{queue.port}/0",
            "SMS_NAMESPACE": queue.namespace,
            "OCTOPUSH_API_LOGIN": "nobody@example.com",
            "OCTOPUSH_API_KEY": "never-used",
        }
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=_ROOT,
                env={**os.environ, **settings, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """All it printed."""
        return self._log.read_text("utf-8", "replace")

    @property
    def has_ended(self) -> bool:
        """Whether its parent process has ended."""
        return self._process.poll() is not None

    def terminate(self) -> None:
        """Ask it to stop, as a deployment does."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end, within the 30 s that platforms allow, and return its exit status."""
        return self._process.wait(30)

    def kill(self) -> None:
        """Kill all its processes at once. Safe to call twice."""
        # Once the parent was waited for, its children have ended too and the group's number may be anybody's.
        if not self.has_ended:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
