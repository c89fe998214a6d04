"""One send at a time through the ledger, whose own calls take many."""

from collections.abc import Sequence

from producers.contract.jobs import QUEUE_ALERT
from worker.gateway.outcomes import Outcome
from worker.ledger.claims import Claim, Over, Result, Wait
from worker.ledger.correlation import Correlation, Question
from worker.ledger.ledger import Ledger
from worker.queue.entries import Batch, Delayed, Entry


class NoHolder:
    """Answers for entries that lie in no queue."""

    def ack(self, entries: Sequence[Entry]) -> None:
        """Do nothing."""

    def delay(self, entries: Sequence[Delayed]) -> None:
        """Do nothing."""

    def forget(self, entries: Sequence[Entry]) -> None:
        """Do nothing."""


def batch_of(*ids: str, queue: str = QUEUE_ALERT) -> Batch:
    """Make a batch of entries under leases that nobody holds."""
    return Batch(queue, [Entry(each, f"test.1:{each}") for each in ids], NoHolder())


def claim_one(ledger: Ledger, request_id: str) -> Claim | Wait | Over:
    """Claim the next attempt of one send."""
    [found] = ledger.claim(batch_of(request_id), ())
    return found


def finish_one(
    ledger: Ledger,
    claim: Claim,
    outcome: Outcome,
    *,
    posts: int = 1,
    in_doubt: bool = False,
    id_used_up: bool = False,
) -> str | None:
    """Record what one attempt brought; its next attempt is due at once."""
    [state] = ledger.finish([Result(claim, outcome, posts, in_doubt, id_used_up, delay_ms=0)])
    return state


def correlate_one(
    ledger: Ledger, ticket: str, number: str, received_ms: int, *, only_when_idle: bool = True
) -> Correlation:
    """Find the send behind one callback."""
    [found] = ledger.correlate([Question(ticket, number, received_ms, received_ms, only_when_idle)])
    return found
