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
        left_out: recipients who do not get it, since they want no more SMS.
        code: why a new message is ``cancelled`` at once, such as ``suppressed`` if all of its recipients are
            left out; else None.
    """

    request_id: str
    state: State
    created: bool
    segments: int
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """This request_id already names other content."""

    request_id: str


def stop_of(message: FrozenMessage, known: Pseudonyms) -> tuple[bool, str, str, list[str]] | None:
    """Say what the script needs to know about opt-outs; None of an alert that no opt-out has to do with."""
    if not message.stoppable:
        return (False, message.scope, "", []) if message.scope else None
    return True, message.scope, message.weights, known.older_lists(message.numbers)


def read_queueing(count: int, reply: Sequence[Any]) -> list[tuple[Queueing, int]]:
    """Read what became of the messages of a slice, and how many recipients are left out of each."""
    found: list[tuple[Queueing, int]] = [("created", 0)] * count
    for position, verdict, _, left_out in zip(*[iter(reply)] * 4, strict=True):
        found[position] = verdict.decode(), left_out
    return found


def told(message: FrozenMessage, verdict: bytes, facts: bytes, left_out: int) -> Sent | Conflict:
    """Read what became of one message that the script has named.

    Args:
        message: which.
        verdict: the script's word.
        facts: of one that was created, the code with which it has ended at once, or nothing; else a state.
        left_out: recipients who do not get it.
    """
    if verdict == b"conflict":
        return Conflict(message.request_id)
    is_new, word = verdict == b"created", facts.decode()
    state = ("cancelled" if word else "queued") if is_new else word
    return Sent(
        request_id=message.request_id,
        state=state,  # type: ignore[arg-type]
        created=is_new,
        segments=message.segments,
        warnings=message.warnings,
        left_out=left_out,
        code=word or None if is_new else None,
    )
