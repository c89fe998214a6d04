"""What a forwarder has still to deliver, in Redis: taken in, handed out under a lease, settled.

Several processes of one forwarder share its store, and no event is out with two of them. Everything is told
to Redis in one step: a process that is killed at any point loses nothing. An event that was delivered is
delivered once more only if nobody could record that it was, and then under the same id.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.forwarding.outcomes import (
    TEST,
    Delivered,
    Halted,
    Later,
    Outcome,
    OutgoingEvent,
    Refused,
    Unreachable,
)
from worker.forwarding.schedule import Schedule

T = TypeVar("T")

#: Taking in makes Redis fuller and may be refused: the entry stays where it is. The others make room.
_IN: Final = Script(__package__, "forward_in")
_TAKE: Final = Script(__package__, "forward_take", when_full=True)
_SETTLE: Final = Script(__package__, "forward_settle", when_full=True)

#: Entries of a stream that are taken in at once.
_AT_ONCE: Final = 100
#: Events that may wait in one forwarder. Beyond that, entries wait in their streams.
ROOM: Final = 100_000
#: Dead letters that are kept, about.
DEAD_MAXLEN: Final = 10_000
#: Failures of so many different events, without a delivery between them, hold a forwarder.
AWAY: Final = 5
#: Milliseconds between two probes of a held forwarder.
PROBE_MS: Final = 30_000
#: Longest time that an outcome may ask for instead.
PROBE_MAX_MS: Final = 600_000
#: Where a new forwarder begins: with what comes from now on.
_NOW: Final = "$"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_EVENT_ID: Final = re.compile(rb"[!-~]{1,200}")
_RESULTS: Final[Mapping[type[Outcome], str]] = {
    Delivered: "delivered",
    Later: "failed",
    Unreachable: "unreachable",
    Refused: "refused",
    Halted: "halted",
}


def check_name(name: str) -> str:
    """Return the name of a forwarder.

    Raises:
        ValueError: it will not do.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a forwarder's name has 1 to 40 small letters, digits, - and _")
    return name


def event_id_of(entry_id: bytes, fields: Mapping[bytes, bytes]) -> str:
    """Name the event of an entry as `forward_in.lua` does: by its own ``event_id``, or else by its place."""
    own = fields.get(b"event_id", b"")
    return (own if _EVENT_ID.fullmatch(own) else entry_id).decode()


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What was taken from the streams.

    Attributes:
        entries: how many.
        is_full: whether there was no room for more.
        last_ids: by stream, the id of its last entry.
    """

    entries: int
    is_full: bool
    last_ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be delivered now.

    Attributes:
        events: each under a lease.
        wait_ms: until something may be due; None if nothing waits.
    """

    events: Sequence[OutgoingEvent]
    wait_ms: int | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an event and of its forwarder.

    Attributes:
        event: ``delivered``, ``waits``, ``dead``, or ``late``: the lease was lost, and nothing was changed.
        forwarder: ``held``, ``paused`` or ``released`` if that has changed, else empty.
    """

    event: str
    forwarder: str


@dataclass(frozen=True, slots=True)
class Store:
    """The store of one forwarder. Everything it returns is a command, to be run on any client.

    Attributes:
        keys: key names.
        name: of the forwarder.
        streams: what it forwards, such as ``replies``.
        schedule: when a failed delivery is tried again.
        lease_ms: how long a delivery may take; after that the event comes back.
        room: events that may wait.
    """

    keys: Keys
    name: str
    streams: Sequence[str]
    schedule: Schedule
    lease_ms: int = 30_000
    room: int = ROOM

    def take_in(self, starts: Mapping[str, str]) -> Command[TakenIn]:
        """Take new entries of the streams into the store. Safe to repeat.

        Args:
            starts: by stream, the entry after which to begin if the group has been lost; a stream that is not
                there begins with what is added from now on.
        """
        streams = [{"name": name, "start": starts.get(name, _NOW)} for name in self.streams]
        return self._command(_IN, self._read_in, streams=streams, most=_AT_ONCE, room=self.room)

    def take(self, most: int) -> Command[Taken]:
        """Take events that are due, at most so many; those of dead processes come back by that.

        Not safe to repeat: what an answer that was lost has brought comes again after its lease.
        """
        holder = secrets.token_hex(8)

        def read(reply: list[Any]) -> Taken:
            wait, *events = reply
            return Taken([_event(each, holder) for each in events], None if wait < 0 else wait)

        waits = self.schedule.waits_ms()
        given = {"holder": holder, "most": most, "lease_ms": self.lease_ms, "waits": waits}
        bounds = {"probe_ms": PROBE_MS, "probe_max_ms": PROBE_MAX_MS, "dead_maxlen": DEAD_MAXLEN}
        return self._command(_TAKE, read, **bounds, **given)

    def settle(self, event: OutgoingEvent, outcome: Outcome) -> Command[Settled]:
        """Record what became of an attempt. Safe to repeat."""
        asked_s = outcome.retry_after_s if isinstance(outcome, Later | Unreachable) else None
        # Nobody waits for a test that comes later.
        wait_ms = None if event.stream == TEST else self.schedule.next_ms(event.attempts, asked_s)
        given = {
            "id": event.event_id,
            "holder": event.holder,
            "result": _RESULTS[type(outcome)],
            "why": "" if isinstance(outcome, Delivered) else outcome.why,
            "wait_ms": -1 if wait_ms is None else wait_ms,
            "lasting": isinstance(outcome, Halted) and outcome.lasting,
        }
        bounds = {"away": AWAY, "probe_ms": _probe_ms(outcome), "dead_maxlen": DEAD_MAXLEN}
        return self._command(_SETTLE, _settled, **bounds, **given)

    def _read_in(self, reply: list[Any]) -> TakenIn:
        entries, full, *last_ids = reply
        ids = {name: last.decode() for name, last in zip(self.streams, last_ids, strict=True)}
        return TakenIn(entries, bool(full), ids)

    def _command(self, script: Script, read: Callable[[Any], T], **given: Any) -> Command[T]:
        return Command(script, self.keys.prefix, {"forward": self.name, **given}, read)


def _probe_ms(outcome: Outcome) -> int:
    if isinstance(outcome, Halted) and outcome.probe_s is not None:
        return min(round(1000 * outcome.probe_s), PROBE_MAX_MS)
    return PROBE_MS


def _event(reply: list[Any], holder: str) -> OutgoingEvent:
    event_id, stream, entry_id, attempts, flat = reply
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return OutgoingEvent(event_id.decode(), stream.decode(), entry_id.decode(), attempts, fields, holder)


def _settled(reply: list[bytes]) -> Settled:
    event, forwarder = reply
    return Settled(event.decode(), forwarder.decode())
