"""How a feed reads its stream: every decision, no I/O. `producers.feeds` carries the steps out.

The life of an entry: read, or reclaimed from a consumer that held it too long -> decoded -> handed to the
application -> acknowledged together with the next read. One entry at a time, so that Redis's count of
deliveries is the number of times an application saw the entry, and a crash is blamed on no other.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic

import redis
from redis import exceptions

from producers.events import E, from_fields
from producers.scripts import Command, Script
from producers.steps import Calls, Pause, Steps

_log = logging.getLogger("producers.feeds")

_RECLAIM: Final = Script("producers", "reclaim")
_SET_ASIDE: Final = Script("producers", "set_aside")
_LEAVE: Final = Script("producers", "leave")

#: First and longest pause in seconds while Redis is away; each is double the one before.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
#: Longest sleep in one piece, in seconds, so that `stop` is noticed.
_NAP_S: Final = 0.1
#: Longest time in seconds between two rounds over the entries that others hold.
_ROUND_S: Final = 10.0

#: Troubles that pass without anybody changing a setting. A wrong password, a forbidden command or a key of
#: another type does not pass: those are raised.
_PASSING: Final = (
    redis.ConnectionError,
    redis.TimeoutError,
    exceptions.ClusterDownError,
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.TryAgainError,
    OSError,
)
_LASTING: Final = (redis.AuthenticationError, exceptions.AuthorizationError)


@dataclass(frozen=True, slots=True)
class Membership:
    """Which consumer of which group reads which stream, and how.

    Attributes:
        stream: key of the stream.
        poison: key of the stream that receives what the group cannot handle.
        poison_maxlen: entries kept there, about.
        group: name of the consumer group.
        consumer: name of this consumer, unlike any other's of the group.
        start: where a new group starts: ``0`` (all the stream holds) or ``$`` (what comes from now on).
        block_s: seconds to wait for an entry before looking again.
        idle_s: seconds after which an entry that was neither acknowledged nor set aside is delivered again.
        max_deliveries: deliveries after which an entry is set aside.
    """

    stream: str
    poison: str
    poison_maxlen: int
    group: str
    consumer: str
    start: str
    block_s: float
    idle_s: float
    max_deliveries: int


@dataclass(frozen=True, slots=True)
class Entry(Generic[E]):
    """One delivery of one stream entry.

    Attributes:
        entry_id: the stream's own id, such as ``1795417829636-0``.
        deliveries: how often it was delivered to the group, this time included; 1 for a fresh one.
        event: the decoded entry.
    """

    entry_id: str
    deliveries: int
    event: E


@dataclass(slots=True)
class Counts:
    """What a feed did since it was made.

    Attributes:
        handled: entries done.
        failed: deliveries whose handler raised; the same entry may count several times.
        set_aside: entries given up.
    """

    handled: int = 0
    failed: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class _Raw:
    entry_id: bytes
    fields: Mapping[bytes, bytes]
    deliveries: int


class GroupReader(Generic[E]):
    """One consumer's view of its group. Not for two threads or tasks at once.

    Args:
        kind: type of the stream's entries.
        membership: who reads what.
        clock: seconds that only grow.
    """

    def __init__(
        self, kind: type[E], membership: Membership, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.counts = Counts()
        #: Set from anywhere to make `next_entry` return None.
        self.stopping = False
        self._kind, self._clock, self._start = kind, clock, membership.start
        self._m = membership
        self._joined = False
        self._done: list[str] = []
        self._cursor, self._round_due, self._new_is_next = "0-0", clock(), False
        self._pause_s = _FIRST_PAUSE_S

    def next_entry(self) -> Steps[Entry[E] | None]:
        """Wait for the next entry that can be handed out; None once `stopping` is set.

        Acknowledges on the way what was `done` before. Waits as long as Redis is away.

        Raises:
            redis.RedisError: trouble that does not pass: wrong password, no permission, wrong type of key.
        """
        while not self.stopping:
            try:
                yield from self._join()
                raw = yield from self._seek()
                entry = (yield from self._admit(raw)) if raw else None
            except (redis.RedisError, OSError) as error:
                yield from self._survive(error)
            else:
                self._pause_s = _FIRST_PAUSE_S
                if entry:
                    return entry
        yield from self.leave()
        return None

    def done(self, entry: Entry[E]) -> None:
        """Note that an entry was handled; the next step towards Redis acknowledges it."""
        self.counts.handled += 1
        self._done.append(entry.entry_id)

    def failed(self, entry: Entry[E], error: Exception) -> Steps[None]:
        """Note that a handler raised: the entry comes again after ``idle_s``, unless it came too often."""
        self.counts.failed += 1
        kind = type(error).__name__
        _log.warning("handler raised %s on entry %s, delivery %d", kind, entry.entry_id, entry.deliveries)
        if entry.deliveries >= self._m.max_deliveries:
            try:
                fields = yield Calls([("XRANGE", self._m.stream, entry.entry_id, entry.entry_id)])
                yield from self._set_aside(_Raw(entry.entry_id.encode(), fields[0][1], entry.deliveries))
            except (redis.RedisError, OSError, IndexError):
                # It stays pending, and the next delivery sets it aside.
                return

    def leave(self) -> Steps[None]:
        """Acknowledge what is done and leave the group, if Redis lets us; else both happen by themselves."""
        if self._joined:
            try:
                args = [self._m.group, self._m.consumer, *self._done]
                yield Command(_LEAVE, [self._m.stream], args, int)
            except (redis.RedisError, OSError):
                return
            self._done.clear()
            self._joined = False

    def _join(self) -> Steps[None]:
        if self._joined:
            return
        if self._start == "$":
            # A place that stays the same, should the group have to be made again.
            last = yield Calls([("XREVRANGE", self._m.stream, "+", "-", "COUNT", 1)])
            self._start = last[0][0].decode() if last else "0-0"
        try:
            yield Calls([("XGROUP CREATE", self._m.stream, self._m.group, self._start, "MKSTREAM")])
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._joined = True

    def _seek(self) -> Steps[_Raw | None]:
        """Look once for an entry; in a round over stalled ones, new ones get every other turn."""
        if self._clock() >= self._round_due and not self._new_is_next:
            self._new_is_next = True
            raw = yield from self._reclaim()
            if raw:
                return raw
        self._new_is_next = False
        return (yield from self._read())

    def _reclaim(self) -> Steps[_Raw | None]:
        # First: what is done must not look stalled, however long it took.
        if self._done:
            yield Calls([self._acknowledgement()])
            self._done.clear()
        args = [self._m.group, self._m.consumer, int(self._m.idle_s * 1000), self._cursor]
        cursor, *found = yield Command(_RECLAIM, [self._m.stream], args, list)
        self._cursor = cursor.decode()
        if self._cursor == "0-0":
            self._round_due = self._clock() + min(_ROUND_S, self._m.idle_s / 2)
        if not found:
            return None
        entry_id, flat, deliveries = found
        return _Raw(entry_id, dict(zip(flat[::2], flat[1::2], strict=True)), deliveries)

    def _read(self) -> Steps[_Raw | None]:
        wait_ms = int(min(self._m.block_s, self._round_due - self._clock()) * 1000)
        block = ("BLOCK", wait_ms) if wait_ms > 0 else ()
        group = ("GROUP", self._m.group, self._m.consumer)
        read = ("XREADGROUP", *group, "COUNT", 1, *block, "STREAMS", self._m.stream, ">")
        reply = yield Calls([self._acknowledgement(), read] if self._done else [read])
        self._done.clear()
        for entry_id, fields in _entries(reply):
            return _Raw(entry_id, fields, 1)
        return None

    def _acknowledgement(self) -> tuple[str, ...]:
        return ("XACK", self._m.stream, self._m.group, *self._done)

    def _admit(self, raw: _Raw) -> Steps[Entry[E] | None]:
        """Decode an entry, or set it aside when that fails or it came too often."""
        if raw.deliveries <= self._m.max_deliveries:
            try:
                event = from_fields(self._kind, raw.fields)
                return Entry(raw.entry_id.decode(), raw.deliveries, event)
            except (ValueError, RecursionError):
                _log.warning("entry %s cannot be read", raw.entry_id.decode())
        yield from self._set_aside(raw)
        return None

    def _set_aside(self, raw: _Raw) -> Steps[None]:
        fields = [part for pair in raw.fields.items() for part in pair]
        args = [self._m.group, raw.entry_id, raw.deliveries, self._m.poison_maxlen, *fields]
        moved = yield Command(_SET_ASIDE, [self._m.stream, self._m.poison], args, int)
        self.counts.set_aside += moved
        _log.warning("entry %s set aside after %d deliveries", raw.entry_id.decode(), raw.deliveries)

    def _survive(self, error: Exception) -> Steps[None]:
        """Wait until Redis may be back, or make a lost group again at once."""
        if "NOGROUP" in str(error):
            self._joined = False
            return
        if not _passes(error):
            raise error
        seconds = self._pause_s * random.uniform(0.5, 1)  # noqa: S311 - spreads retries, guards nothing
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        _log.warning("redis unavailable (%s), next try in %.1f s", type(error).__name__, seconds)
        resume = self._clock() + seconds
        while not self.stopping and self._clock() < resume:
            yield Pause(min(_NAP_S, seconds))


def _passes(error: Exception) -> bool:
    if isinstance(error, _LASTING):
        return False
    return isinstance(error, _PASSING) or any(
        word in str(error) for word in ("MISCONF", "NOREPLICAS", "BUSY ")
    )


def _entries(reply: Any) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
    """Take the entries out of an XREADGROUP reply: pairs in protocol 2, a mapping in protocol 3."""
    if isinstance(reply, dict):
        return [entry for batches in reply.values() for batch in batches for entry in batch]
    return [entry for _, batch in reply or () for entry in batch]
