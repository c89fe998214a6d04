"""How a feed reads its stream: every decision, no I/O. `producers.feeds` carries the steps out.

The life of an entry: read, or reclaimed from a consumer that held it too long -> decoded -> handed to the
application -> acknowledged together with the next read. One entry at a time, so that Redis's count of
deliveries is the number of times an application saw the entry, and a crash is blamed on no other.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from ..contract.discreet import discreet
from ..contract.events import E, from_fields
from ..contract.scripts import REDIS_ERRORS, Command, Script, as_string
from ..contract.steps import Commands, Steps
from .membership import Membership
from .outage import Outage

T = TypeVar("T")

_log = logging.getLogger("producers.feeds")

#: All of them run in a full Redis, too: reading lets people act on opt-outs, and no stream grows by it.
_JOIN: Final = Script(__package__, "join", when_full=True)
_RECLAIM: Final = Script(__package__, "reclaim", when_full=True)
_POISON: Final = Script(__package__, "poison", when_full=True)
_LEAVE: Final = Script(__package__, "leave", when_full=True)

#: Longest time in seconds between two rounds over the entries that consumers hold.
_ROUND_S: Final = 10.0
#: Where a round begins: at the oldest entry.
_BEGIN: Final = "-"


@discreet
@dataclass(frozen=True, slots=True)
class _Raw:
    entry_id: bytes
    fields: Mapping[bytes, bytes]
    deliveries: int


@dataclass(frozen=True, slots=True)
class StreamEntry(Generic[E]):
    """One delivery of one stream entry.

    Attributes:
        entry_id: the stream's own id, such as ``1795417829636-0``.
        deliveries: how often it was delivered to the group, this time included; 1 for a fresh one.
        event: the decoded entry.
    """

    entry_id: str
    deliveries: int
    event: E
    raw: _Raw = field(repr=False)


@dataclass(slots=True)
class Counts:
    """What a feed did since it was made.

    Attributes:
        handled: entries done.
        failed: deliveries whose handler raised; the same entry may count several times.
        given_up: entries given up: moved to the poison stream.
    """

    handled: int = 0
    failed: int = 0
    given_up: int = 0


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
        self._kind: type[E] = kind
        self._m = membership
        self._start = membership.start
        self._clock = clock
        self._outage = Outage(clock, membership.server)
        self._joined = False
        self._done: list[str] = []
        self._cursor, self._round_due, self._new_is_next = _BEGIN, clock(), False

    def next_entry(self) -> Steps[StreamEntry[E] | None]:
        """Wait for the next entry that can be handed out; None once `stopping` is set.

        Acknowledges on the way what was `done` before. Waits as long as Redis is away.

        Raises:
            QueueRefused: Redis refuses user or password, or allows this user too little.
            redis.RedisError: other trouble that does not pass, such as a wrong type of key.
        """
        while not self.stopping:
            try:
                yield from self._join()
                raw = yield from self._seek()
                entry = (yield from self._admit(raw)) if raw else None
            except (*REDIS_ERRORS, OSError) as error:
                if _is_group_lost(error):
                    self._joined = False
                else:
                    yield from self._outage.wait(error, lambda: self.stopping)
            else:
                self._outage.over()
                if entry:
                    return entry
        yield from self.leave()
        return None

    def done(self, entry: StreamEntry[E]) -> None:
        """Note that an entry was handled; the next command acknowledges it."""
        self.counts.handled += 1
        self._done.append(entry.entry_id)

    def failed(self, entry: StreamEntry[E], error: Exception) -> Steps[None]:
        """Note that a handler raised: the entry comes again after ``idle_s``, unless it came too often."""
        self.counts.failed += 1
        reason = type(error).__name__
        _log.warning("handler raised %s on entry %s, delivery %d", reason, entry.entry_id, entry.deliveries)
        if entry.deliveries >= self._m.max_deliveries:
            try:
                yield from self._give_up(entry.raw)
            except (*REDIS_ERRORS, OSError):
                # It stays pending, and is given up with its next delivery.
                return

    def leave(self) -> Steps[None]:
        """Acknowledge what is done and leave the group, if Redis lets us; else both happen in time."""
        if not self._joined:
            return
        try:
            yield self._command(_LEAVE, int, consumer=self._m.consumer, done=self._done)
        except (*REDIS_ERRORS, OSError):
            return
        self._done.clear()
        self._joined = False

    def _join(self) -> Steps[None]:
        if self._joined:
            return
        # A group that has to be made again starts where this one started.
        self._start = yield self._command(_JOIN, bytes.decode, start=self._start)
        self._joined = True

    def _seek(self) -> Steps[_Raw | None]:
        """Look once for an entry. During a round over stalled entries, every other look is for a new one."""
        if self._clock() >= self._round_due and not self._new_is_next:
            self._new_is_next = True
            raw = yield from self._reclaim()
            if raw:
                return raw
        self._new_is_next = False
        return (yield from self._read())

    def _reclaim(self) -> Steps[_Raw | None]:
        # A handled entry must not look stalled, however long its handler took.
        if self._done:
            yield Commands([self._acknowledgement()])
            self._done.clear()
        idle_ms = int(self._m.idle_s * 1000)
        held = {"consumer": self._m.consumer, "idle_ms": idle_ms, "from": self._cursor}
        cursor, *found = yield self._command(_RECLAIM, list, **held)
        self._cursor = cursor.decode() or _BEGIN
        if not cursor:
            self._round_due = self._clock() + min(_ROUND_S, self._m.idle_s / 2)
        if not found:
            return None
        entry_id, flat, deliveries = found
        return _Raw(entry_id, dict(zip(flat[::2], flat[1::2], strict=True)), deliveries)

    def _read(self) -> Steps[_Raw | None]:
        wait_ms = int(min(self._m.block_s, self._round_due - self._clock()) * 1000)
        read: list[str | int] = ["XREADGROUP", "GROUP", self._m.group, self._m.consumer, "COUNT", 1]
        read += ["BLOCK", wait_ms] if wait_ms > 0 else []
        read += ["STREAMS", self._m.key, ">"]
        *_, reply = yield Commands([self._acknowledgement(), read] if self._done else [read])
        self._done.clear()
        for entry_id, fields in _entries(reply):
            return _Raw(entry_id, fields, 1)
        return None

    def _acknowledgement(self) -> list[str | int]:
        return ["XACK", self._m.key, self._m.group, *self._done]

    def _admit(self, raw: _Raw) -> Steps[StreamEntry[E] | None]:
        """Decode an entry; give it up when that fails or it came too often."""
        if raw.deliveries <= self._m.max_deliveries:
            try:
                event = from_fields(self._kind, raw.fields)
                return StreamEntry(raw.entry_id.decode(), raw.deliveries, event, raw)
            except (ValueError, RecursionError):
                _log.warning("entry %s cannot be read", raw.entry_id.decode())
        yield from self._give_up(raw)
        return None

    def _give_up(self, raw: _Raw) -> Steps[None]:
        entry_id = raw.entry_id.decode()
        fields = [as_string(part) for pair in raw.fields.items() for part in pair]
        entry = {"id": entry_id, "deliveries": raw.deliveries, "fields": fields}
        if (yield self._command(_POISON, int, maxlen=self._m.poison_maxlen, **entry)):
            self.counts.given_up += 1
            _log.warning("entry %s given up, delivery %d", entry_id, raw.deliveries)

    def _command(self, script: Script, read: Callable[[Any], T], **given: Any) -> Command[T]:
        return Command(
            script, self._m.prefix, {"stream": self._m.stream, "group": self._m.group, **given}, read
        )


def _is_group_lost(error: Exception) -> bool:
    """Say whether the group is gone, or its stream; a waiting read may be told so in other words."""
    return "NOGROUP" in str(error) or ("UNBLOCKED" in str(error) and "no longer exists" in str(error))


def _entries(reply: Any) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
    """Take the entries out of an XREADGROUP reply: pairs in protocol 2, a mapping in protocol 3."""
    if isinstance(reply, dict):
        return [entry for batches in reply.values() for batch in batches for entry in batch]
    return [entry for _, batch in reply or () for entry in batch]
