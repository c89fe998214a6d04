"""The question which send a callback belongs to, and its answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """What a callback says of its origin.

    Attributes:
        ticket: as the gateway named it.
        number: the other party, E.164.
        received_ms: epoch milliseconds at which the callback came.
        only_when_idle: a send without ticket is taken for the origin only while no attempt runs.
    """

    ticket: str
    number: str
    received_ms: int
    only_when_idle: bool = True


@dataclass(frozen=True, slots=True)
class Correlation:
    """What a callback's ticket led to.

    Attributes:
        request_id: the send, or None.
        context: the JSON text of its context, ``""`` without one.
        pending: True while running attempts may still turn out to be the origin.
    """

    request_id: str | None
    context: str = ""
    pending: bool = False
