"""What the script that queues messages answers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from producers.contract.jobs import State
from producers.messages.message import FrozenMessage
from producers.queueing.restraint import over_budget, refuse_unpriced

#: What became of a slice: ``ended`` if it did so long ago that its record is gone, ``stopped`` if its
#: campaign was cancelled.
Queueing = Literal["created", "existing", "ended", "conflict", "stopped", "over_budget"]


class Sent(msgspec.Struct, frozen=True, gc=False):
    """Proof that a message is in the queue.

    Attributes:
        request_id: names the message from here on.
        state: where it stands; ``queued`` for a new one.
        created: False when the same content was already there under this id and nothing was queued.
        segments: segments over all recipients, as we count them; the gateway's count decides the bill.
        warnings: what is allowed, and probably a mistake, by field: the mention of marketing in an alert.
        code: why a new message is ``cancelled`` at once: ``number_cap`` or ``prefix_blocked``; else None.
        duplicate_of: the message that has the same text, sender and recipients, and was sent within
            ``DUPLICATE_WINDOW_S``. Then this one has no record, and its ``state`` is ``cancelled``.
    """

    request_id: str
    state: State
    created: bool
    segments: int
    warnings: tuple[str, ...] = ()
    code: str | None = None
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """This request_id already names other content."""

    request_id: str


def read_queueing(message: FrozenMessage, reply: Sequence[Any]) -> Queueing:
    """Read what became of a slice.

    Raises:
        InvalidMessage: a price is unknown, and such are refused.
        OverBudget: its campaign would cost more than its budget.
    """
    refuse_unpriced(reply)
    if not reply:
        return "created"
    _, verdict, facts = reply
    if verdict == b"over_budget":
        raise over_budget(f"campaign:{message.campaign}", facts)
    return verdict.decode()  # type: ignore[no-any-return]


def told(message: FrozenMessage, verdict: bytes, facts: bytes) -> Sent | Conflict:
    """Read what became of one message that the script has named.

    Args:
        message: which.
        verdict: the script's word.
        facts: a state, a code, or the request_id of the same text; as the word says.
    """
    if verdict == b"conflict":
        return Conflict(message.request_id)
    stopped = verdict in {b"cancelled", b"twin"}
    return Sent(
        request_id=message.request_id,
        state="cancelled" if stopped else facts.decode(),  # type: ignore[arg-type]
        created=verdict == b"cancelled",
        segments=message.segments,
        warnings=message.warnings,
        code=facts.decode() if verdict == b"cancelled" else None,
        duplicate_of=facts.decode() if verdict == b"twin" else None,
    )
