"""The directory of an embedded Redis: closed to other users, and used by one Redis at a time."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Seconds to wait for a Redis that outlives for a moment the process that started it.
_PATIENCE_S: Final = 10.0


class DirectoryUnavailableError(Exception):
    """Another process or another user has this directory; the message says who."""


class DataDirectory:
    """A directory with an exclusive lock, from `take` to `release`.

    The lock belongs to an open file. A process that inherits the file holds the lock, too, and the system
    drops the lock when the last holder ends, however the holder ends: a dead owner blocks nobody.

    Args:
        path: the directory; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._file: int | None = None

    @property
    def lock(self) -> int:
        """The open file, for children to inherit."""
        if self._file is None:
            raise RuntimeError("the directory is not taken")
        return self._file

    def take(self) -> None:
        """Lock the directory, and close it to other users.

        Raises:
            DirectoryUnavailableError: another process has it, it belongs to another user, or it cannot be
                made.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_uid != os.geteuid():
                raise DirectoryUnavailableError(f"{self.path} belongs to another user")
            self._file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._lock(self._file)
            _make_private(self.path)
        except OSError as error:
            raise DirectoryUnavailableError(f"{self.path} cannot be used: {error.strerror}") from error
        self.note(os.getpid())

    def note(self, *pids: int) -> None:
        """Write down who has the directory: the process that took it, and its Redis."""
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, " ".join(str(pid) for pid in pids).encode(), 0)

    def release(self) -> None:
        """Release the lock; children that inherited it still hold it. Safe to call twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, file: int) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            owner, *server = [int(pid) for pid in os.pread(file, 100, 0).split()] or [0]
            if _lives(owner) or time.monotonic() > deadline:
                told = f", whose Redis is process {server[0]}" if server else ""
                raise DirectoryUnavailableError(f"{self.path} is in use by process {owner}{told}")
            time.sleep(0.05)


def _make_private(path: Path) -> None:
    path.chmod(0o700)
    for directory, names, files in os.walk(path):
        for name in (*names, *files):
            entry = Path(directory, name)
            # Do not change the rights of a link's target: the target may belong to others.
            if not entry.is_symlink():
                entry.chmod(0o700 if entry.is_dir() else 0o600)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0
