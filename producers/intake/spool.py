"""The spool: where callbacks lie while Redis is away, so that none is lost.

A directory of append-only files, one written per process. A callback is answered 200 once it is on the disk.
`producers.intake.draining` moves it to Redis.
"""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .raw_callback import RawCallback
from .spool_file import Orphan, SpooledCallback, SpoolFile, pack

#: Bytes after which a process begins a new file: what is drained again at most, if a process is killed.
FILE_BYTES: Final = 1024 * 1024
#: Share of the room that callbacks may take that cannot be the gateway's.
UNLIKELY_SHARE: Final = 0.25

_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Fill:
    """What lies in a spool.

    Attributes:
        bytes: of all files.
        oldest_s: seconds since the oldest file was begun; 0 without any.
    """

    bytes: int
    oldest_s: float


class SpoolFull(Exception):
    """There is no room, or the disk failed; the callback was not kept."""


class TooMuch(Exception):
    """The token has brought too much of this sort within a minute; the callback was not kept."""


class Spool:
    """Keeps callbacks on the disk. Thread-safe; one per process, made after it was forked.

    Args:
        directory: made if it is not there, for this user alone. Processes of one namespace share it.
        most_bytes: of all files together.
        allowed: bytes that one token may bring in a minute, by sort.
    """

    def __init__(self, directory: Path, most_bytes: int, allowed: dict[str, int]) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._allowed = allowed
        self._writing = threading.Lock()
        self._file: SpoolFile | None = None
        self._taken: dict[tuple[str, str], int] = {}
        self._minute = 0

    def keep(self, callback: RawCallback) -> None:
        """Write a callback, and wait until it is on the disk.

        Safe to repeat: copies with the same id count as one.

        Raises:
            SpoolFull: it was not kept.
            TooMuch: it was not kept.
        """
        record = pack(SpooledCallback.now(callback))
        try:
            with self._writing:
                self._charge(callback, len(record))
                file = self._open_file()
                position = file.write(record)
            file.sync(position)
        except OSError as error:
            raise SpoolFull(type(error).__name__) from None

    def _charge(self, callback: RawCallback, size: int) -> None:
        """Count a callback against its token and against the room, as Redis would."""
        minute = int(time.monotonic() // _MINUTE_S)
        if minute != self._minute:
            self._taken.clear()
            self._minute = minute
        name, cost = (callback.token, callback.sort), len(callback.raw) + 256
        if self._taken.get(name, 0) + cost > self._allowed[callback.sort]:
            raise TooMuch
        room = self._most_bytes * (1 if callback.is_likely else UNLIKELY_SHARE)
        if self.fill().bytes + size > room:
            raise SpoolFull("no room")
        self._taken[name] = self._taken.get(name, 0) + cost

    def _open_file(self) -> SpoolFile:
        if self._file and (self._file.written >= FILE_BYTES or self._file.is_broken):
            self._close_file()
        while self._file is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}.spool"
            self._file = SpoolFile(self._directory / name)
            if self._file.is_gone:
                self._close_file()
        return self._file

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def close(self) -> None:
        """Give up the file that this process writes; the next callback begins another."""
        with self._writing:
            self._close_file()

    def orphans(self) -> Iterator[Orphan]:
        """Lock, one after the other, the files that no process writes, the oldest first."""
        for path in self._files():
            with suppress(OSError), Orphan(path) as orphan:
                yield orphan

    def fill(self) -> Fill:
        """Look at what lies there, of all processes."""
        size, oldest = 0, 0.0
        for path in self._files():
            with suppress(OSError):
                size += path.stat().st_size
                oldest = oldest or max(0.0, time.time() - int(path.name.partition("-")[0]) / 1e9)
        return Fill(size, oldest)

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies there."""
        return not self._files()

    @property
    def has_room(self) -> bool:
        """Whether a callback of the gateway would be kept."""
        return self.fill().bytes + FILE_BYTES // 16 <= self._most_bytes

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("*.spool"))
