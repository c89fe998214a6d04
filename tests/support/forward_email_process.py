"""``octopush-worker forward-email`` as a process of its own, to be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.redis_users import as_user
from tests.support.waiting import until

COMMAND = str(Path(sys.executable).with_name("octopush-worker"))


class ForwardEmailProcess:
    """The command in a subprocess; may be started again after its end.

    Args:
        log: file that receives all that it prints.
        environ: its settings.

    Attributes:
        environ: its settings.
    """

    def __init__(self, log: Path, environ: Mapping[str, str]) -> None:
        self._log, self.environ = log, environ
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """All it printed in all its lives."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def start(self) -> Self:
        """Start it."""
        url = as_user(self.environ["REDIS_URL"], "forward-email")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [COMMAND, "forward-email"],
                env={**os.environ, **self.environ, "REDIS_URL": url},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def kill(self) -> None:
        """End it as a crash does. Safe to repeat."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """End it as a platform does, and return its exit status."""
        return self._end(signal.SIGTERM)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and wait until only the mails under way keep it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        until(lambda: "forward.stopping" in self.output)

    def wait(self) -> int:
        """Wait for its end by itself, and return its exit status."""
        assert self._process is not None
        return self._process.wait(20)

    def _end(self, number: int) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(20)
