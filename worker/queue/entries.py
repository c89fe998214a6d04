"""Queue entries as they pass from the consumer that fetched them to whoever ends them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from producers.contract.jobs import CALL


def is_call(entry_id: str) -> bool:
    """Say whether an entry is a shared call: no request_id begins like the id of one."""
    return entry_id.startswith(CALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """A queue entry held by this process.

    Attributes:
        id: a request_id, the id of a shared call, or a callback id.
        lease: member of the queue's lease set; another fetch of the same entry has another.
    """

    id: str
    lease: str


class Holder(Protocol):
    """What fetched the entries and answers for their leases."""

    def settle(self, entries: Sequence[Entry], *, dead: bool = False) -> None:
        """End entries, or set them aside among the dead."""

    def put_off(self, delays_ms: Sequence[tuple[Entry, int]]) -> None:
        """Let entries come again after so many milliseconds."""

    def forget(self, entries: Sequence[Entry]) -> None:
        """Stop answering for entries: they were ended elsewhere, or shall run out."""


@dataclass(slots=True)
class Batch:
    """Entries fetched together: what an actor is called with.

    Attributes:
        queue: name of their queue.
        entries: at least one.
        holder: ends them when the actor returns, unless it has taken them.
        taken: the actor answers for every entry from now on; the end of its call means nothing.
    """

    queue: str
    entries: Sequence[Entry]
    holder: Holder
    taken: bool = False
