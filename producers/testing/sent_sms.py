"""What an application has queued, one object per person, and how tests look for it. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ..contract.jobs import State

#: Near misses that a failure lists.
_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class SentSms:
    """One SMS to one person.

    Attributes:
        to: number in E.164.
        text: as this person reads it, placeholders filled in.
        sender: as the application gave it.
        purpose: ``alert`` or ``wholesale``.
        request_id: the message that it belongs to.
        context: the application's own value, given with the message.
        with_replies: whether the person can answer.
        type: ``sms_premium`` (receipts) or ``sms_low_cost`` (none).
        send_at: when it is to leave; None for at once.
        campaign_id: the campaign that it belongs to, or None.
        state: of the message, now: ``queued`` until it has left.
    """

    to: str
    text: str
    sender: str
    purpose: str
    request_id: str
    context: Any
    with_replies: bool
    type: str
    send_at: datetime | None
    campaign_id: str | None
    state: State


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a test looks for; what is `ANYTHING` does not matter.

    Attributes:
        fields: the wanted values, by attribute of `SentSms`; of ``text`` also a pattern, of which a part is
            enough.
    """

    fields: dict[str, Any]

    def misses(self, sms: SentSms) -> list[str]:
        """Name the fields in which an SMS differs."""
        return [name for name, value in self.fields.items() if not _fits(value, getattr(sms, name))]

    def matching(self, sent: Iterable[SentSms]) -> list[SentSms]:
        """Return those that differ in nothing."""
        return [sms for sms in sent if not self.misses(sms)]

    def failure(self, sent: Sequence[SentSms], times: int) -> str:
        """Say what was wanted, how often it was found, and what comes nearest to it."""
        found = self.matching(sent)
        wanted = ", ".join(f"{name}={_written(value)}" for name, value in self.fields.items()) or "any"
        lines = [f"wanted {_count(times)} with {wanted}; {_count(len(found))} of {len(sent)} matched"]
        near = sorted((sms for sms in sent if sms not in found), key=lambda sms: len(self.misses(sms)))
        lines += [f"  matched: {described(sms)}" for sms in found[:_LISTED]]
        lines += [f"  near miss: {self._difference(sms)}" for sms in near[:_LISTED]]
        if len(near) > _LISTED:
            lines.append(f"  and {len(near) - _LISTED} more that differ as much or more")
        return "\n".join(lines)

    def _difference(self, sms: SentSms) -> str:
        differing = ", ".join(f"{name} is {getattr(sms, name)!r}" for name in self.misses(sms))
        return f"{described(sms)}: {differing}"


def described(sms: SentSms) -> str:
    """Say in a line what an SMS is."""
    return f"{sms.request_id} to {sms.to}, {sms.purpose}, {sms.state}: {sms.text!r}"


def _fits(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, re.Pattern):
        return wanted.search(found) is not None
    return bool(wanted == found)


def _written(value: Any) -> str:
    return f"/{value.pattern}/" if isinstance(value, re.Pattern) else repr(value)


def _count(times: int) -> str:
    return f"{times} SMS"
