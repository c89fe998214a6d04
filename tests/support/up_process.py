"""``octopush-worker up`` as a developer runs it: in a directory, with all its output kept."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.processes import command, descendants, running
from tests.support.waiting import until
from worker.sandbox.free_port import free_port

#: The command, beside this interpreter.
OCTOPUSH = str(Path(sys.executable).parent / "octopush-worker")


class UpProcess:
    """One ``octopush-worker up``; a context manager that leaves nothing running.

    Args:
        directory: where it is started; made if it is not there.
        environ: the whole environment; a free port for web is added.
        log: name of the file in that directory that receives all its output.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str], *, log: str = "up.log") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.log = directory / log
        self._environ = {"HOST": "127.0.0.1", "PORT": str(free_port()), **environ}
        self._family: set[int] = set()

    @property
    def port(self) -> str:
        """Where web listens."""
        return self._environ["PORT"]

    def start(self) -> Self:
        """Start it, without waiting for anything."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [OCTOPUSH, "up"],
                cwd=self.directory,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __enter__(self) -> Self:
        self.start()
        try:
            until(lambda: "are up" in self.output or self.process.poll() is not None, 40)
            assert self.process.poll() is None, self.output
            # The worker's own child, too.
            until(
                lambda: sum("octopush_worker worker" in command(pid) for pid in running(self.family())) == 2
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.family()
        self.process.kill()
        for pid in running(self._family):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(10)

    def refused(self) -> str:
        """Start it, wait for its end with status 1, and return what it printed."""
        try:
            assert self.start().wait() == 1, self.output
            self.leaves_nothing_within(1)
        finally:
            self.__exit__()
        return self.output

    @property
    def output(self) -> str:
        """All that it and its children printed."""
        return self.log.read_text("utf-8", "replace")

    @property
    def redis_url(self) -> str:
        """Where applications are told to connect."""
        return re.search(r"export REDIS_URL=(\S+)", self.output)[1]

    def family(self) -> set[int]:
        """List all processes that ever descended from it, as far as seen."""
        self._family |= descendants(self.process.pid)
        return self._family

    def wait(self, seconds: float = 30.0) -> int:
        """Wait for its end and return its exit status."""
        return self.process.wait(seconds)

    def leaves_nothing_within(self, seconds: float) -> bool:
        """Wait until no descendant runs any more."""
        return until(lambda: not running(self._family), seconds)
