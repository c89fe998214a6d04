"""What the script that queues messages is told of opt-outs, and what it answers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from producers.contract.jobs import State
from producers.contract.pseudonyms import Pseudonyms
from producers.messages.message import FrozenMessage

#: What became of a slice: ``ended`` if it did so long ago that its record is gone, ``stopped`` if its
#: campaign was cancelled.
Queueing = Literal["created", "existing", "ended", "conflict", "stopped"]


class Sent(msgspec.Struct, frozen=True, gc=False):
    """Proof that a message is in the queue.

    Attributes:
        request_id: names the message from here on.
        state: where it stands; ``queued`` for a new one.
        created: False when the same content was already there under this id and nothing was queued.
        segments: segments over all recipients, as we count them; the gateway's count decides the bill.
        warnings: what is allowed, and probably a mistake, by field: the mention of marketing in an alert.
        left_out: recipients who do not get it, since they want no more SMS. If that is all of them, the state
            is ``cancelled``.
    """

    request_id: str
    state: State
    created: bool
    segments: int
    warnings: tuple[str, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """This request_id already names other content."""

    request_id: str


def stop_of(message: FrozenMessage, known: Pseudonyms) -> tuple[bool, str, str, list[str]] | None:
    """Say what the script needs to know about opt-outs; None of an alert that no opt-out has to do with."""
    if not message.stoppable:
        return (False, message.scope, "", []) if message.scope else None
    return True, message.scope, message.weights, known.older_lists(message.numbers)


def read_queueing(reply: Sequence[Any]) -> tuple[Queueing, int]:
    """Read what became of a slice, and how many of its recipients are left out."""
    return (reply[1].decode(), reply[3]) if reply else ("created", 0)


def told(message: FrozenMessage, verdict: bytes, state: bytes, left_out: int) -> Sent | Conflict:
    """Read what became of one message that the script has named."""
    if verdict == b"conflict":
        return Conflict(message.request_id)
    return Sent(
        request_id=message.request_id,
        state=state.decode(),  # type: ignore[arg-type]
        created=verdict == b"created",
        segments=message.segments,
        warnings=message.warnings,
        left_out=left_out,
    )
