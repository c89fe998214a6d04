"""``octopush-worker forward-http`` as an operator runs it, with all its output kept."""

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.installation import bare_environment
from tests.support.redis_users import as_user
from tests.support.up_process import OCTOPUSH
from tests.support.waiting import until

ROOTS = ("canary-root-0123456789abcdef0123456789abcdef", "canary-root-fedcba9876543210fedcba9876543210")


class ForwarderProcess:
    """One process of a forwarder; may be started again after its end.

    Args:
        log: file that receives the output of all its lives.
        environ: our variables.
        arguments: of the command.
    """

    def __init__(self, log: Path, environ: Mapping[str, str], *arguments: str) -> None:
        self._log, self._arguments = log, arguments
        url = as_user(environ["REDIS_URL"], "forwarder")
        self._environ = {**bare_environment(), "WEBHOOK_SECRETS": ROOTS[0], **environ, "REDIS_URL": url}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """All it printed in all its lives."""
        return self._log.read_text("utf-8", "replace")

    def start(self) -> Self:
        """Start it and wait until it runs."""
        self.launch()
        self.wait_until_started()
        return self

    def launch(self) -> None:
        """Start it."""
        self._begin = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            command = [OCTOPUSH, "forward-http", *self._arguments]
            self.process = subprocess.Popen(
                command, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def wait_until_started(self) -> None:
        """Wait until it runs."""
        until(lambda: b"forward.started" in self._log.read_bytes()[self._begin :] or self._has_ended(), 60)
        assert not self._has_ended(), self.output

    def _has_ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        """Kill it as a crash does. Safe to repeat."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and wait until only what it delivers already keeps it."""
        self.process.send_signal(signal.SIGTERM)
        until(lambda: b"forward.stopping" in self._log.read_bytes()[self._begin :])

    def terminate(self) -> int:
        """Send SIGTERM, wait for its end and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
