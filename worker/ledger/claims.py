"""What a claim is answered, and what an attempt brings. No I/O; `worker.ledger.ledger` decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.gateway.call_figures import CallFigures
from worker.gateway.outcomes import Outcome
from worker.queue.entries import Entry


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to attempt a send, until the lease runs out.

    Attributes:
        entry: the queue entry it came with; its id is the request_id, or the id of a shared call.
        queue: name of the entry's queue.
        token: fencing token; higher than those of all earlier claims.
        body: the frozen bytes to POST.
        in_doubt: an earlier attempt may have been accepted.
        ttl_s: seconds at the time of the claim in which a POST may begin, for its time to live and for the
            hours of marketing; None for no limit.
        confirmed: Redis confirmed an earlier claim of this shared call under its present name, for the
            attempt was recorded.
        earlier_posts: POSTs made under earlier claims; not those that only found the account in trouble.
        trace: the ``traceparent`` of the span that queued the message alone, or ``""``.
        links: those of the spans that queued it, or the members of the call, among others, with blanks
            between them.
    """

    entry: Entry
    queue: str
    token: int
    body: bytes
    in_doubt: bool
    ttl_s: float | None
    confirmed: bool = False
    earlier_posts: int = 0
    trace: str = ""
    links: str = ""

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self.token

    @property
    def lease(self) -> str:
        """Its lease, as a member of ``attempt_leases``."""
        return f"{self.entry.id}:{self.token}"


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt brought.

    Attributes:
        claim: the right under which it was made.
        outcome: of its last POST.
        posts: POSTs made under this claim.
        in_doubt: an earlier POST may have been accepted.
        id_used_up: an earlier POST under this claim may have used up the request_id without being accepted.
        delay_ms: milliseconds until the next attempt, if the send is not over.
        calls: the POSTs, for the metrics: see `worker.gateway.call_figures`.
        countries: recipients by country, for the metrics.
    """

    claim: Claim
    outcome: Outcome
    posts: int
    in_doubt: bool
    id_used_up: bool
    delay_ms: int
    calls: Sequence[CallFigures] = ()
    countries: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do yet.

    Attributes:
        ms: milliseconds until it is worth asking again.
        newer: the record was written by a newer version: some worker should be upgraded.
        foreign: the namespace belongs to another account: this worker should be stopped.
    """

    ms: int
    newer: bool = False
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing to do with this entry any more; the send itself may come again with another.

    Attributes:
        state: the end state; ``gone`` without a record; ``shared`` when it leaves with its call; ``paused``
            when it waits in the list of its campaign; ``aside`` when a gate keeps it, ``held`` when it may
            not leave at this hour.
        just_now: this claim ended it: its time or its body is gone, or its campaign was cancelled;
            ``accepted`` then if a callback has proven that it was taken.
        code: the last code, if it ended just now and has one.
    """

    state: str
    just_now: bool = False
    code: str = ""
