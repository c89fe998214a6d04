"""Queue entries on their way from the fetch to their end, and who ends them.

An entry that was fetched lies among the leases of its queue until one script takes it out. Each script looks
for the lease first and leaves an entry alone that somebody else holds by now: so none is ended twice, and
none is copied.

| what happens | who acts | script | where the entry goes |
|---|---|---|---|
| the claim finds nothing to do | `Outbound`, `Holder.ack` | ``ack.lua`` | away |
| its campaign is paused | `Ledger.claim` | ``claim.lua`` | away: the id waits in its campaign |
| the claim finds that it is too early | `Outbound`, `Holder.delay` | ``delay.lua`` | to the delayed |
| a gate keeps the message aside, or holds it | `Ledger.claim` | ``claim.lua`` | to the delayed |
| the claim finds a shared call that has ended | recorder, `Ledger.end_members` | ``end_members.lua`` | away |
| an attempt ends a message, or splits a call | recorder, `Ledger.finish` | ``finish.lua`` | away |
| another claim has overtaken an attempt | recorder, `Ledger.finish` | ``finish.lua`` | away |
| an attempt ends a shared call | recorder, `Ledger.end_members` | ``end_members.lua`` | away |
| an attempt is to be repeated | recorder, `Ledger.finish` | ``finish.lua`` | to the delayed |
| callbacks are published | Dramatiq, `LeaseConsumer.ack` | ``ack.lua`` | away |
| a callback waits for its message | `Inbound`, `Holder.delay` | ``delay.lua`` | to the delayed |
| the actor raises | Dramatiq, `LeaseBroker.enqueue` | ``delay.lua`` | to the delayed, with an envelope |
| its envelope cannot be decoded | `LeaseConsumer`, `nack` | ``nack.lua`` | to the dead letters |
| its envelope names no actor | Dramatiq, `LeaseConsumer.nack` | ``nack.lua`` | to the dead letters |
| the worker stops before it has begun | Dramatiq, `requeue` and `close` | ``requeue.lua`` | to the front |
| nobody ends it, and its lease runs out | any process | ``fetch.lua``, ``renew.lua`` | to the front |

The last row is what happens when a process is killed or suspended, or when Redis did not hear one of the
scripts: whoever has sent it stops renewing the leases, whatever Redis answers. Only Dramatiq's `ack` and
`nack` keep the leases until Redis confirms, for Dramatiq repeats these two until then.

What an entry goes away for and that it goes away are one step, or the step looks itself whether something is
left to do. What a process has learnt from a server that is the primary no more proves nothing to the new one:
``ack.lua``, ``finish.lua`` and ``end_members.lua`` put the entry back to the front then.

The actor of sends returns as soon as its entries are claimed, long before they end. Dramatiq acknowledges
them then, which must not end them: `Batch.claimed` says so.
"""

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
        lease: member of the queue's set of leases; another fetch of the same entry has another.
    """

    id: str
    lease: str

    def delayed(self, ms: int, envelope: str | None = None) -> "Delayed":
        """Say when this entry shall come again, and what it takes along if it has failed."""
        return Delayed(self.id, self.lease, ms, envelope)


@dataclass(frozen=True, slots=True)
class Delayed(Entry):
    """An entry that shall come again.

    Attributes:
        ms: milliseconds until then.
        envelope: Dramatiq's message, which counts the failures of this entry; None if there were none.
    """

    ms: int
    envelope: str | None


class Holder(Protocol):
    """What renews the leases on entries of one queue, and ends them. Thread-safe.

    Whatever comes of `ack` and `delay`, the entries are no longer held by this process afterwards. Both raise
    `dramatiq.errors.ConnectionClosed` when Redis did not confirm: the leases run out, the entries come back.
    """

    def ack(self, entries: Sequence[Entry]) -> None:
        """End entries whose leases are still ours."""

    def delay(self, entries: Sequence[Delayed]) -> None:
        """Let entries come again."""

    def forget(self, entries: Sequence[Entry]) -> None:
        """Stop renewing the leases of entries that were ended elsewhere, or shall come back by themselves."""


@dataclass(slots=True)
class Batch:
    """Entries fetched together: what an actor is called with.

    Attributes:
        queue: name of their queue.
        entries: at least one.
        holder: holds the entries until they end.
        claimed: the ledger has answered for every entry. What comes of each ends it now; that the actor
            returns ends none.
    """

    queue: str
    entries: Sequence[Entry]
    holder: Holder
    claimed: bool = False
