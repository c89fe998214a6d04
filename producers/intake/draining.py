"""Keeping callbacks while Redis is away, and moving them to Redis when it is back."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from redis.exceptions import OutOfMemoryError

from ..contract.outages import OutageLog
from ..contract.scripts import REDIS_ERRORS, Command
from ..contract.steps import Commands, Sleep, Steps, Together
from .raw_callback import RawCallback
from .spool import Fill, Spool, SpoolFull, TooMuch
from .spool_file import DamagedFile, Orphan, SpooledCallback, unpack

#: Seconds between two looks at Redis and at the spool.
LOOK_S: Final = 1.0
#: Callbacks that share a round trip: bounds how long callbacks that come now wait behind them.
AT_ONCE: Final = 50


class Draining:
    """Fills a spool while Redis is away, and empties it, also of what processes have left there that died.

    Each callback is stored under the id under which it came. So it counts once, however often this process,
    or another one, is killed on the way.

    Args:
        spool: where callbacks lie.
        prefix: what every key starts with.
        outages: told of an outage as long as it lasts.
        log: told how many callbacks were moved, and what cannot be.

    Attributes:
        is_away: Redis did not answer lately: callbacks go straight to the spool.
    """

    def __init__(self, spool: Spool, prefix: str, outages: OutageLog, log: logging.Logger) -> None:
        self._spool, self._prefix = spool, prefix
        self._outages, self._log = outages, log
        self.is_away = False
        self._stopping = False

    @property
    def fill(self) -> Fill:
        """What lies in the spool, of all processes."""
        return self._spool.fill()

    @property
    def has_room(self) -> bool:
        """Whether a callback of the gateway would be kept."""
        return self._spool.has_room

    def begins(self, callback: RawCallback, error: Exception) -> bool:
        """Say whether a callback is to be kept after Redis did not store it; if so, those after it are, too.

        A full Redis takes what can be the gateway's. What it refuses is not worth keeping.
        """
        if isinstance(error, OutOfMemoryError) and not callback.is_likely:
            return False
        self.is_away = True
        return True

    def keep(self, callback: RawCallback) -> HTTPStatus:
        """Keep a callback and say how to answer it: 200 once it is on the disk, 429, or 503 without room."""
        try:
            self._spool.keep(callback)
        except TooMuch:
            return HTTPStatus.TOO_MANY_REQUESTS
        except SpoolFull as error:
            self._log.error("spool: a callback was not kept (%s)", error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK

    def steps(self) -> Steps[None]:
        """Look once a second, until `stop`. Outages and damaged files do not end it."""
        while not self._stopping:
            try:
                if self.is_away:
                    yield Commands([("PING",)])
                yield from self._drain()
                self.is_away = False
            except (*REDIS_ERRORS, OSError) as error:
                self._outages.failed(error)
            except Exception as error:  # noqa: BLE001 - nobody else would empty the spool after this
                # A trace may hold a callback.
                self._log.error("spool: %s", type(error).__name__)
            yield Sleep(LOOK_S)

    def stop(self) -> None:
        """Let `steps` end at its next look, and leave what lies in the spool to the next process."""
        self._stopping = True
        self._spool.close()

    def _drain(self) -> Steps[None]:
        if self._spool.is_empty:
            return
        self._spool.close()
        moved = 0
        for orphan in self._spool.orphans():
            moved += yield from self._move(orphan)
        if moved:
            self._log.warning("spool: %d callbacks moved to redis", moved)

    def _move(self, orphan: Orphan) -> Steps[int]:
        """Store all that a file holds, then delete it. Safe to repeat."""
        found, is_damaged = [], False
        try:
            for spooled in unpack(orphan.read()):
                found.append(spooled)  # noqa: PERF402 - what was read before a damage is not lost
        except DamagedFile:
            is_damaged = True
        for start in range(0, len(found), AT_ONCE):
            yield Together(self._commands(found[start : start + AT_ONCE]))
        if is_damaged:
            self._log.error("spool: a file is damaged; it was put away as *.damaged")
            orphan.put_away()
        else:
            orphan.remove()
        return len(found)

    def _commands(self, some: Sequence[SpooledCallback]) -> list[Command[bool]]:
        return [each.callback.store_late(self._prefix, each.age_ms()) for each in some]
