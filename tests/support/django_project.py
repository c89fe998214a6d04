"""A project of Django, each command in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from worker.sandbox.free_port import free_port

#: The project with what no example should have.
SHOP = Path(__file__).parents[1] / "django_project"
#: Seconds that a command may take.
_PATIENCE_S = 110.0


class DjangoProject:
    """A project with its database.

    Args:
        log: directory that receives what processes print.
        database: see its settings.
        environ: the whole environment of its processes.
        place: where its ``manage.py`` is.
    """

    def __init__(self, log: Path, database: str, environ: Mapping[str, str], place: Path = SHOP) -> None:
        self._log, self._place = log, place
        self.environ = {**environ, "DATABASE": database, "PYTHONPATH": os.fspath(place)}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.port = free_port()

    def manage(self, *arguments: str, code: int = 0, **variables: str) -> str:
        """Run a command, and return what it printed.

        Raises:
            AssertionError: it ended otherwise.
        """
        done = subprocess.run(
            self._command(*arguments),
            env={**self.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        assert done.returncode == code, f"ended with {done.returncode}: {done.stdout[-3000:]}"
        return done.stdout

    def start(self, name: str, *arguments: str) -> None:
        """Start a command that goes on."""
        with (self._log / name).open("wb") as output:
            self.running[name] = subprocess.Popen(
                self._command(*arguments), env=self.environ, stdout=output, stderr=subprocess.STDOUT
            )

    def output(self, name: str) -> str:
        """All that a command printed so far."""
        return (self._log / name).read_text("utf-8", "replace")

    def end(self, name: str) -> int:
        """Send SIGTERM to a command, and return its exit status."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(_PATIENCE_S)

    def kill(self) -> None:
        """End all that runs."""
        for process in self.running.values():
            process.kill()
            process.wait(_PATIENCE_S)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-W", "error", str(self._place / "manage.py"), *arguments]
