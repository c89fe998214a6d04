"""An event to deliver, and what became of one attempt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from producers.contract.events import Event, from_fields
from producers.contract.kinds import TYPES


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """An event that a forwarder has to deliver.

    Attributes:
        event_id: the same in all attempts and replays; that of the entry, of a status the id of its entry.
        stream: where it came from, such as ``replies``; `TEST` for a test.
        entry_id: its id in that stream, such as ``1795417829636-0``.
        attempts: how many there are with this one.
        fields: the fields of the entry.
        holder: names the lease.
    """

    event_id: str
    stream: str
    entry_id: str
    attempts: int
    fields: Mapping[bytes, bytes] = field(repr=False)
    holder: str = field(repr=False)

    def decoded(self) -> Event:
        """Read the fields as a reply, receipt, opt-out or status.

        Raises:
            ValueError: they cannot be read as what the stream holds.
        """
        return from_fields(TYPES[self.stream], self.fields)


#: What stands for the stream of an event that somebody made to try a forwarder.
TEST = "test"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver took the event."""


@dataclass(frozen=True, slots=True)
class Later:
    """The receiver answered, and did not take the event: it is tried again, until the schedule ends.

    Attributes:
        why: in a word or a code; never a text or number.
        retry_after_s: seconds that the receiver asked for.
    """

    why: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The receiver did not answer: as `Later`, but the attempt does not count if others get no answer either.

    Attributes:
        why, retry_after_s: as in `Later`; a proxy may have answered for the receiver.
    """

    why: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver will never take this event: it is a dead letter at once.

    Attributes:
        why: in a word or a code.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Halted:
    """The receiver takes no event at all; this one keeps its attempts.

    Attributes:
        why: in a word or a code.
        lasting: only a person lets the forwarder go on. Otherwise it tries one event now and then, and goes
            on by itself.
        probe_s: seconds until it tries one; None for the usual time.
    """

    why: str
    lasting: bool
    probe_s: float | None = None


Outcome = Delivered | Later | Unreachable | Refused | Halted
#: Delivers one event, in a thread of its own, in less time than the lease lasts. May raise: then the attempt
#: counts as one that failed.
Deliver = Callable[[OutgoingEvent], Outcome]
