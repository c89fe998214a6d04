"""A primary and two replicas under three Sentinels, whose clock leaps; the Sentinels keep the true time."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import redis

from tests.support.clock import NoLeapError, SharedClock
from tests.support.doors import GuardedServer, Open
from tests.support.sentinel_set import SentinelSet
from worker.sandbox.free_port import free_port
from worker.sandbox.redis_server import find_binary

#: Seconds of silence after which a replica leaves its primary: a leap of hours is none.
_REPLICATION_TIMEOUT_S = 1_000_000_000
#: Times the usual patience until a server must answer.
_PATIENT = 5


class _Node(GuardedServer):
    def __init__(self, data_dir: Path, door: Open, options: Sequence[str], clock: SharedClock) -> None:
        super().__init__(data_dir, door, [*options, "--repl-timeout", str(_REPLICATION_TIMEOUT_S)])
        self.port = free_port()
        self._clock = clock
        self._follows = True

    def restart(self, *, crash: bool = False) -> None:
        """Come back as what it was; its command line still names the primary of the beginning."""
        self._follows = False
        super().restart(crash=crash)
        self._follows = True

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait longer than usual: all processes of the soak share the machine."""
        for _ in range(_PATIENT):
            with suppress(TimeoutError):
                super()._wait_until_ready(process)
                return
        raise TimeoutError("the server does not answer")

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        if not self._follows and "--replicaof" in command:
            place = command.index("--replicaof")
            command = [*command[:place], *command[place + 2 :]]
        environ = {**os.environ, **self._clock.environ}
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=environ)


class LeapingSet:
    """See the module.

    Args:
        data_dir: where the files of all of them live.

    Attributes:
        them: servers and Sentinels.
        clock: of the servers, and of whatever is started with its variables.
    """

    def __init__(self, data_dir: Path) -> None:
        self.clock = clock = SharedClock(data_dir / "clock")

        def make(directory: Path, door: Open, options: Sequence[str]) -> GuardedServer:
            return _Node(directory, door, options, clock)

        self.them = SentinelSet(data_dir, make=make)

    def __enter__(self) -> Self:
        """Start all.

        Raises:
            NoLeapError: the clock of a server cannot be moved on this machine.
        """
        self.clock.build()
        self.them.__enter__()
        try:
            with redis.Redis(port=self.them.servers[0].port) as client:
                self.clock.check(client)
        except NoLeapError as problem:
            self.them.__exit__()
            raise NoLeapError(f"{problem}: {find_binary()}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self.them.__exit__()
