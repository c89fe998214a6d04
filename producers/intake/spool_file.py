"""One file of the spool: records behind each other, each with its length and checksums."""

import fcntl
import os
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import msgspec

from ..contract.discreet import discreet
from .raw_callback import RawCallback

#: Bytes in front of each record: its length, its checksum, and the checksum of these two. Without the last, a
#: changed length would look like a record that was never finished.
_HEAD_BYTES: Final = 12


@discreet
class SpooledCallback(msgspec.Struct, frozen=True, array_like=True):
    """A callback in the spool.

    Attributes:
        came_ms: epoch milliseconds at which it came, by this machine's clock.
        up_ms: the same by the clock that nobody sets, which begins anew when the machine does.
        callback: what came.
    """

    came_ms: int
    up_ms: int
    callback: RawCallback

    @classmethod
    def now(cls, callback: RawCallback) -> Self:
        """Note that a callback has come."""
        return cls(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000, callback)

    def age_ms(self) -> int:
        """Say how long ago it came: what both clocks agree on, if somebody has set the one meanwhile."""
        now = self.now(self.callback)
        by_clock = max(0, now.came_ms - self.came_ms)
        return min(by_clock, now.up_ms - self.up_ms) if now.up_ms >= self.up_ms else by_clock


class DamagedFile(Exception):
    """A record cannot be read and is no unfinished end: the disk changed it, or a newer version wrote it."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(SpooledCallback).decode


def pack(spooled: SpooledCallback) -> bytes:
    """Write a record as it stands in a file."""
    body = _encode(spooled)
    head = len(body).to_bytes(4, "big") + _checksum(body)
    return head + _checksum(head) + body


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(4, "big")


def unpack(content: bytes) -> Iterator[SpooledCallback]:
    """Read the records of a file.

    What stands at its end unfinished was being written when the process was killed: nobody was told that it
    is safe, and it is left out.

    Raises:
        DamagedFile: a record cannot be read; those before it were read.
    """
    position = 0
    while position + _HEAD_BYTES <= len(content):
        begin = position + _HEAD_BYTES
        head = content[position:begin]
        if head[8:] != _checksum(head[:8]):
            # A machine that lost its power may have made room for a record and not have written it.
            if not content[position:].strip(b"\0"):
                return
            raise DamagedFile
        position = begin + int.from_bytes(head[:4], "big")
        body = content[begin:position]
        if position > len(content):
            return
        if head[4:8] != _checksum(body):
            if not body.strip(b"\0") and position == len(content):
                return
            raise DamagedFile
        try:
            yield _decode(body)
        except msgspec.MsgspecError:
            raise DamagedFile from None


class SpoolFile:
    """A file that this process writes. Thread-safe.

    The process holds a lock on the file as long as it writes, so that no other takes the file for that of a
    process that has died.

    Args:
        path: where to make it.

    Raises:
        OSError: the directory does not let us.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._syncing = threading.Lock()
        self._synced = 0
        self._is_broken = False
        self.written = 0
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            sync_directory(path.parent)
        except BaseException:
            os.close(self._file)
            raise

    @property
    def is_gone(self) -> bool:
        """Whether somebody took the file for an orphan, and deleted it, before it was locked."""
        return os.fstat(self._file).st_nlink == 0

    def write(self, record: bytes) -> int:
        """Append a record; one thread at a time. It is safe after `sync`.

        Returns:
            The position to sync up to.

        Raises:
            OSError: it does not fit on the disk; the file holds nothing of it.
        """
        try:
            rest = memoryview(record)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self.written)
            raise
        self.written += len(record)
        return self.written

    def sync(self, position: int) -> None:
        """Make sure that what was written up to a position is on the disk; many threads share one fsync.

        Raises:
            OSError: the disk failed, now or for another thread: nobody knows what is on it.
        """
        with self._syncing:
            if position > self._synced and not self._is_broken:
                upto = self.written
                try:
                    os.fsync(self._file)
                except OSError:
                    self._is_broken = True
                    raise
                self._synced = upto
            if position > self._synced:
                raise OSError("an earlier fsync failed")

    @property
    def is_broken(self) -> bool:
        """Whether the disk failed: nothing more may be written here."""
        return self._is_broken

    def close(self) -> None:
        """Sync, and give the file up to whoever drains the spool."""
        with self._syncing:
            if not self._is_broken:
                os.fsync(self._file)
                self._synced = self.written
            os.close(self._file)


class Orphan:
    """A file that no process writes any more, locked by this one; a context manager.

    Args:
        path: the file.

    Raises:
        OSError: another process has it (`BlockingIOError`), or it is gone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.stat()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def read(self) -> bytes:
        """Read all of it."""
        size = os.fstat(self._file).st_size
        return os.pread(self._file, size, 0)

    def remove(self) -> None:
        """Delete it: all that it held is stored elsewhere."""
        self.path.unlink()
        sync_directory(self.path.parent)

    def put_away(self) -> None:
        """Keep it for a person, under a name that nobody drains."""
        self.path.rename(self.path.with_suffix(".damaged"))


def sync_directory(directory: Path) -> None:
    """Make sure that the names in a directory are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
