"""The question which send a callback belongs to, and its answer."""

from dataclasses import dataclass
from typing import Final

from producers.contract.events import Match

#: Seconds after the first attempt of a send in which a reply without ticket is taken for its answer. The
#: gateway documents no limit; people answer within days, and a number is texted again sooner or later.
ANSWER_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Question:
    """What a callback says of its origin.

    Attributes:
        ticket: as the gateway named it; ``""`` for a reply that names none.
        number: the other party, E.164.
        received_ms: epoch milliseconds at which the callback came.
        only_when_idle: a send without ticket is taken for the origin only while no attempt runs.
        written_ms: epoch milliseconds at which the callback was written, at the latest: no send that began
            after that is taken for its origin, unless it has that ticket.
        short_number: digits of the number that a reply was written to, or ``""``.
    """

    ticket: str
    number: str
    received_ms: int
    written_ms: int
    only_when_idle: bool = True
    short_number: str = ""


@dataclass(frozen=True, slots=True)
class Correlation:
    """What a callback's ticket or number led to.

    Attributes:
        request_id: the send, or None.
        match: why it is that one.
        context: the JSON text of its context, ``""`` without one.
        trace: the ``traceparent`` of the span that queued it, or ``""``.
        pending: True while running attempts may still turn out to be the origin.
    """

    request_id: str | None
    match: Match = "none"
    context: str = ""
    trace: str = ""
    pending: bool = False
