"""What the script that queues messages is told of opt-outs, and what it answers. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ..contract.jobs import State
from ..errors import RequestIdConflict
from ..messages.frozen import FrozenMessage
from .restraint import over_budget, refuse_unpriced

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
        warnings: what is allowed, and probably a mistake, by field: the mention of marketing in an alert;
            ``with_replies`` to whom replies may not come from.
        left_out: recipients who do not get it, since they want no more SMS.
        code: why a new message is ``cancelled`` at once: ``suppressed`` or ``no_consent`` if all of its
            recipients are left out, ``number_cap`` or ``prefix_blocked``; else None.
        duplicate_of: the message that has the same text, sender and recipients, and was sent within
            ``DUPLICATE_WINDOW_S``. Then this one has no record, and its ``state`` is ``cancelled``.
    """

    request_id: str
    state: State
    created: bool
    segments: int
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    code: str | None = None
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """This request_id already names other content."""

    request_id: str


def read_answers(
    messages: Sequence[FrozenMessage], reply: Sequence[Any], *, strict: bool = False
) -> list[Sent | Conflict]:
    """Read what became of messages that are no slices, in their order.

    Args:
        messages: what the script was given.
        reply: what it answered.
        strict: whether one conflict has kept all of them; then the conflicts alone are returned.

    Raises:
        InvalidMessage: a price is unknown, and such are refused.
    """
    refuse_unpriced(reply)
    answers: list[Sent | Conflict] = [
        Sent(request_id=m.request_id, state="queued", created=True, segments=m.segments, warnings=m.warnings)
        for m in messages
    ]
    if not reply:
        return answers  # the script names those only of which there is more to say
    conflicts: list[Sent | Conflict] = []
    for position, verdict, facts, left_out in zip(*[iter(reply)] * 4, strict=True):
        answers[position] = told(messages[position], verdict, facts, left_out)
        if verdict == b"conflict":
            conflicts.append(answers[position])
    return conflicts if strict and conflicts else answers


def without_conflict(answers: Sequence[Sent | Conflict]) -> list[Sent]:
    """Return the answers if every message is in the queue.

    Raises:
        RequestIdConflict: names the messages that are not.
    """
    sent, conflicts = [], []
    for answer in answers:
        if isinstance(answer, Conflict):
            conflicts.append(answer.request_id)
        else:
            sent.append(answer)
    if conflicts:
        raise RequestIdConflict(conflicts)
    return sent


def read_queueing(messages: Sequence[FrozenMessage], reply: Sequence[Any]) -> list[tuple[Queueing, int]]:
    """Read what became of the messages of a slice, and how many recipients are left out of each.

    Raises:
        InvalidMessage: a price is unknown, and such are refused.
        OverBudget: its campaign would cost more than its budget.
    """
    refuse_unpriced(reply)
    found: list[tuple[Queueing, int]] = [("created", 0)] * len(messages)
    for position, verdict, facts, left_out in zip(*[iter(reply)] * 4, strict=True):
        if verdict == b"over_budget":
            raise over_budget(f"campaign:{messages[position].campaign}", facts)
        found[position] = verdict.decode(), left_out
    return found


def told(message: FrozenMessage, verdict: bytes, facts: bytes, left_out: int) -> Sent | Conflict:
    """Read what became of one message that the script has named.

    Args:
        message: which.
        verdict: the script's word.
        facts: of one that was created, the code with which it has ended at once, or nothing; of one whose
            text was sent before, the request_id of that; else a state.
        left_out: recipients who do not get it.
    """
    word = facts.decode()
    if verdict == b"conflict":
        return Conflict(message.request_id)
    if verdict == b"created":
        return _sent(message, "cancelled" if word else "queued", created=True, left_out=left_out, code=word)
    if verdict == b"twin":
        return _sent(message, "cancelled", duplicate_of=word)
    return _sent(message, word, left_out=left_out)


def _sent(
    message: FrozenMessage,
    state: str,
    *,
    created: bool = False,
    left_out: int = 0,
    code: str = "",
    duplicate_of: str | None = None,
) -> Sent:
    return Sent(
        request_id=message.request_id,
        state=state,  # type: ignore[arg-type]
        created=created,
        segments=message.segments,
        warnings=message.warnings,
        left_out=left_out,
        code=code or None,
        duplicate_of=duplicate_of,
    )
