"""The checked message, in the form in which it is stored and sent."""

import msgspec

from ..contract.discreet import discreet

#: Micro-euros, then tariffs and segments by turns.
Dues = tuple[int | str, ...]


class Talk(msgspec.Struct, frozen=True, gc=False):
    """What makes a message part of conversations: it can be answered, or is an answer itself.

    Attributes:
        two_way: whether it can be answered.
        reply_to: the event_id of the reply that it answers, or ``""``.
    """

    two_way: bool
    reply_to: str


@discreet
class FrozenMessage(msgspec.Struct, frozen=True, gc=False):
    """A checked message in the form in which it is stored and sent.

    Attributes:
        request_id: names the message from here on.
        queue: where its entry goes.
        body: the JSON bytes of every POST, request_id included.
        digest: fingerprint of the meaning of all that the caller gave, however it was written. It tells a
            repeat from a conflict. It never leaves the process as it is: `Pseudonyms.seal` needs a key.
        numbers: those of its recipients.
        due_ms: epoch milliseconds before which it is held, or None.
        ttl_ms: milliseconds it may still be POSTed after it is due, or None.
        context: the JSON text of the caller's context, ``""`` without one.
        segments: segments over all recipients, as we count them.
        share: what messages have in common that may leave in one call, or ``""`` for one that goes alone.
        campaign: the campaign it is a slice of, or ``""``.
        talk: its part in conversations; None for a message that is in none.
        receipts: 0 when the gateway sends no receipts, as for low cost and simulation; else 1, or the epoch
            milliseconds at which the gateway itself is to send it.
        zones: those of its recipients, each once, sorted, with spaces between, such as ``FR GP+``: marketing
            leaves while all of them are open. Empty for an alert, which leaves at any hour.
        dues: what it may cost: micro-euros beside its segments, then tariffs and segments by turns, at their
            dearest. Empty where nobody asks.
        warnings: what is allowed, and probably a mistake, by field.
        stoppable: whether an opt-out ends it.
        scope: the scope of its opt-outs, ``""`` for the account.
        weights: the segments of each recipient, a digit each; ``""`` if all have the same.
        trace: the ``traceparent`` of the span in which it was made, alone; ``""`` without one.
        links: the same of the span in which it was made among others.
    """

    request_id: str
    queue: str
    body: bytes
    digest: str
    numbers: list[str]
    due_ms: int | None
    ttl_ms: int | None
    context: str
    segments: int
    share: str = ""
    campaign: str = ""
    talk: Talk | None = None
    receipts: int = 0
    zones: str = ""
    dues: Dues = ()
    warnings: tuple[str, ...] = ()
    stoppable: bool = False
    scope: str = ""
    weights: str = ""
    trace: str = ""
    links: str = ""

    @property
    def recipients(self) -> int:
        """How many there are."""
        return len(self.numbers)
