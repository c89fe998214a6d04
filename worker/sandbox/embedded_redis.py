"""The Redis of `up`, sandbox and demo: a private server that ends with the process that started it."""

import os
import shutil
import signal
import subprocess
import tempfile
import weakref
from pathlib import Path
from typing import IO, Final, Self
from urllib.parse import quote

from worker.sandbox.data_directory import DataDirectory
from worker.sandbox.environments import of_the_machine
from worker.sandbox.processes import tied
from worker.sandbox.redis_server import RedisServer

#: Bytes that the path of a socket may have on every system.
_SOCKET_PATH_MAX: Final = 100


class EmbeddedRedis(RedisServer):
    """A server that listens on a socket in its own directory only, where the system keeps other users out.

    The server answers a write only when the disk has it, since no other server has a copy. The server holds
    the lock of the directory as long as it lives, and ends with the process that started it.

    Args:
        directory: must be taken before the start.
    """

    def __init__(self, directory: DataDirectory) -> None:
        super().__init__(directory.path / "redis", fsync="always")
        self._directory = directory
        self._socket = self.data_dir / "redis.sock"
        if len(os.fsencode(self._socket)) > _SOCKET_PATH_MAX:
            elsewhere = tempfile.mkdtemp(prefix="octopush-")
            # The address stays through restarts, so the directory goes with this object.
            weakref.finalize(self, shutil.rmtree, elsewhere, ignore_errors=True)
            self._socket = Path(elsewhere, "redis.sock")

    @property
    def url(self) -> str:
        """Where clients of this user connect; the same after a restart, and no secret."""
        return f"unix://{quote(str(self._socket))}"

    def start(self) -> Self:
        """Start the process and wait until it answers."""
        self.data_dir.mkdir(mode=0o700, exist_ok=True)
        (self.data_dir / "server.log").touch(mode=0o600)
        super().start()
        self._directory.note(os.getpid(), self.pid)
        return self

    def _listening(self) -> list[str]:
        return ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "600"]

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*tied(signal.SIGTERM), *command],
            env=of_the_machine(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
            pass_fds=[self._directory.lock],
        )
