"""What was wrong with the answers to callbacks, in lines for whoever runs the simulator."""

import asyncio
import logging
import time
from typing import Final
from urllib.parse import urlsplit

from worker.sandbox.simulator.callback_record import CallbackRecord

#: Without a handler of its own the standard library writes its lines to stderr.
LOGGER: Final = logging.getLogger("octopush.simulator")
#: Seconds between two counts of one URL, and after which the same reason is told again.
QUIET_S: Final = 5.0


class Complaints:
    """Tells of each URL what its answers do wrong, and how many callbacks are lost.

    A reason is told at once, and again if answers were right meanwhile, though not within `QUIET_S` of the
    last time. Callbacks that are lost after that are counted; `QUIET_S` later a line has the count.
    """

    def __init__(self) -> None:
        self._urls: dict[str, _Told] = {}

    def look(self, record: CallbackRecord, limit_ms: int, *, is_last: bool) -> None:
        """Look at an answer; called in the simulator's event loop.

        Args:
            record: the callback and its answer.
            limit_ms: how long the receiver may take.
            is_last: whether the callback is posted no more, whatever was answered.
        """
        told = self._urls.setdefault(record.url, _Told())
        is_lost = is_last and record.outcome == "failed"
        told.posted += is_last
        told.lost += is_lost
        if told.is_news(record):
            LOGGER.warning(complaint(record, limit_ms))
            told.counted += is_lost
        if told.lost > told.counted and told.timer is None:
            told.timer = asyncio.get_running_loop().call_later(QUIET_S, _count, record.url, told)

    def forget(self) -> None:
        """Forget what was told and counted."""
        for told in self._urls.values():
            if told.timer is not None:
                told.timer.cancel()
        self._urls.clear()


class _Told:
    """What was told of one URL.

    Attributes:
        posted: callbacks that are over.
        lost: those of them that nobody took.
        counted: those that a line has told.
        timer: tells the next count; None if there is nothing to tell.
    """

    def __init__(self) -> None:
        self.posted = self.lost = self.counted = 0
        self.timer: asyncio.TimerHandle | None = None
        self._last: tuple[object, ...] = ()
        self._told_at: dict[tuple[object, ...], float] = {}

    def is_news(self, record: CallbackRecord) -> bool:
        """Say whether what is wrong with an answer is to be told now."""
        reason = (*record.violations, record.connected, record.http_status) if record.violations else ()
        is_news, self._last = reason != self._last, reason
        now = time.monotonic()
        if not reason or not is_news or now - self._told_at.get(reason, -QUIET_S) < QUIET_S:
            return False
        self._told_at[reason] = now
        return True


def _count(url: str, told: _Told) -> None:
    told.timer, told.counted = None, told.lost
    words = "%d of %d callbacks to %s are lost so far: not delivered, and not posted again"
    LOGGER.warning(words, told.lost, told.posted, _host(url))


def complaint(record: CallbackRecord, limit_ms: int) -> str:
    """Say what was wrong with an answer; the token of the URL is not in it.

    Args:
        record: the callback and its answer, which broke a rule.
        limit_ms: how long the receiver may take.
    """
    return f"callback ({record.kind}) to {_host(record.url)}: {_reason(record, limit_ms)}"


def _reason(record: CallbackRecord, limit_ms: int) -> str:
    if "slow" in record.violations and not record.connected:
        return (
            f"no connection within {limit_ms} ms, so it counts as not delivered. The server's queue is full:"
            " the simulator posts as many at once as the setting callback_parallel says"
        )
    if "slow" in record.violations:
        return (
            f"no answer within {limit_ms} ms, so it counts as not delivered. Octopush waits about a second;"
            " the setting callback_timeout_ms lets the simulator wait longer"
        )
    if "unreachable" in record.violations:
        return "nothing answers there"
    if "status" in record.violations:
        return f"answered {record.http_status}, so it counts as not delivered"
    return f"answered with {record.answer_bytes} bytes; Octopush wants an answer without content"


def _host(url: str) -> str:
    """Name the server: the path holds the token."""
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"
