"""What becomes of a message after it left: does it reach the handset, and which receipts tell so."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from worker.sandbox.simulator.matching import Match

#: Statuses that mean the text never showed on the handset (our reading of their names).
UNDELIVERED = frozenset(
    {
        "NOT_DELIVERED",
        "NOT_ALLOWED",
        "BAD_DESTINATION",
        "BLACKLISTED_NUMBER",
        "EXPIRED",
        "ANTI_FLOODING",
        "NOT_DELIVERABLE",
        "REFUSED",
    }
)


class Fate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The receipts of one message: usually ``ACK``, then a final status.

    Attributes:
        ack: Whether an ``ACK`` comes first (documented as taken by the first carrier).
        ack_delay_ms: Real milliseconds from leaving to the ``ACK``.
        final_status: Any word, known or not; empty for no final receipt.
        final_delay_ms: Real milliseconds from leaving to the final receipt.
        late_s: Seconds on the simulator's clock added before the final receipt; advance the clock to see it.
        reversed: The final receipt comes at the time of the ``ACK``, and the ``ACK`` at the final time.
        lost: Which receipts are never posted.
        copies: Times each receipt is posted.
        before_answer: Receipts are posted, and answered, before the send call gets its own answer.
        reaches: Whether the handset shows the text; None derives it from the final status.
    """

    ack: bool = True
    ack_delay_ms: int = 200
    final_status: str = "DELIVERED"
    final_delay_ms: int = 600
    late_s: float = 0.0
    reversed: bool = False
    lost: Literal["none", "ack", "final", "all"] = "none"
    copies: int = 1
    before_answer: bool = False
    reaches: bool | None = None


#: What a person may choose for all messages to one handset; without a choice the usual receipts come.
Receipts = Literal["not_delivered", "never", "before_answer"]

RECEIPTS: Mapping[Receipts, Fate] = {
    "not_delivered": Fate(final_status="NOT_DELIVERED"),
    "never": Fate(lost="all"),
    "before_answer": Fate(before_answer=True),
}


class FateRule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A fate for the messages that match, `times` of them (0: all)."""

    fate: Fate
    match: Match = Match()
    times: int = 0


class ReceiptStep(NamedTuple):
    """One receipt to come: its status, real delay in ms, and delay in s on the simulator's clock."""

    status: str
    delay_ms: int
    late_s: float


def reaches_handset(fate: Fate) -> bool:
    """Tell whether a message with this fate shows on the handset."""
    if fate.reaches is not None:
        return fate.reaches
    return fate.final_status not in UNDELIVERED


def receipt_steps(fate: Fate) -> Sequence[ReceiptStep]:
    """List the receipts of a fate in the order of their delays, lost ones left out, copies included."""
    ack, final = ("ACK", "ack"), (fate.final_status, "final")
    first, last = (final, ack) if fate.reversed else (ack, final)
    planned = [(*first, fate.ack_delay_ms, 0.0), (*last, fate.final_delay_ms, fate.late_s)]
    return [
        ReceiptStep(status, delay_ms, late_s)
        for status, role, delay_ms, late_s in planned
        if status and fate.lost not in (role, "all") and (role == "final" or fate.ack)
        for _ in range(fate.copies)
    ]
