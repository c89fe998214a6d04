"""What a spool on this machine holds of one person: callbacks that came while Redis was away."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import json, structs

from producers.intake.spool_file import DamagedFile, Orphan, SpooledCallback, pack, sync_directory, unpack
from worker.person.named import Person

#: What stands for the digits of a number in a file that nobody can read.
_BLANK: Final = "x"


@dataclass(frozen=True, slots=True)
class Spooled:
    """What was found in a spool.

    Attributes:
        callbacks: those about the person.
        busy: files that a process writes: it moves them to Redis within a second or two, if Redis is there.
    """

    callbacks: int
    busy: int


def erase_spooled(directory: Path, person: Person) -> Spooled:
    """Take a person out of the files of a spool. Safe to repeat.

    Files are written anew beside the old ones and put in their place in one step: a kill loses nothing.

    Args:
        directory: the spool of one namespace; may be missing.
        person: who.

    Raises:
        OSError: the disk, or the rights on it, do not let us.
    """
    callbacks = busy = 0
    for path in sorted(directory.glob("*.spool")):
        try:
            with Orphan(path) as orphan:
                callbacks += _without(orphan, person)
        except (BlockingIOError, FileNotFoundError):
            busy += path.exists()
    # What an erasure that was killed has written beside a file: whoever drains that file leaves it there.
    for path in directory.glob("*.new"):
        path.unlink(missing_ok=True)
    for path in sorted(directory.glob("*.damaged")):
        callbacks += _blanked(path, person)
    return Spooled(callbacks, busy)


def _without(orphan: Orphan, person: Person) -> int:
    kept, gone = [], 0
    try:
        for each in unpack(orphan.read()):
            left = person.left_of(each.callback.raw)
            gone += left is not None
            kept += [each] if left is None else [_rest(each, left)] if left else []
    except DamagedFile:
        # Whoever drains the spool puts it away: then it is a file that nobody can read.
        return 0
    if gone:
        _replace(orphan.path, map(pack, kept))
    return gone


def _rest(spooled: SpooledCallback, events: object) -> SpooledCallback:
    return structs.replace(spooled, callback=structs.replace(spooled.callback, raw=json.encode(events)))


def _blanked(path: Path, person: Person) -> int:
    """Blank the number in a damaged file, so that a person may still look at the rest."""
    content = path.read_bytes()
    number, national = person.number[1:].encode(), person.national.encode()
    if number in content:
        content = content.replace(national, _BLANK.encode() * len(national))
    blanked = person.blank(content.decode(errors="surrogateescape"), _BLANK).encode(errors="surrogateescape")
    if blanked == path.read_bytes():
        return 0
    _replace(path, [blanked])
    return 1


def _replace(path: Path, parts: Iterator[bytes] | list[bytes]) -> None:
    beside, before = path.with_suffix(".new"), path.stat()
    with beside.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        if before.st_uid != os.geteuid():
            # An operator is root, and the web process must be able to read its file.
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_directory(path.parent)
