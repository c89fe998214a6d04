"""Campaigns that come in parts, from whoever cannot keep a loop running. No I/O.

A part is a slice. One step queues it, notes it and takes its numbers. So whatever is killed, `next_part` says
where to go on, and nobody is met twice, whichever process takes which part.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from ..contract.discreet import discreet
from ..contract.scripts import Command, Script
from ..contract.steps import Commands, Steps
from ..messages.frozen import FrozenMessage
from .campaign_steps import Campaigns
from .records import Part, Records

_BEGIN: Final = Script(__package__, "begin_upload")
_COMPLETE: Final = Script(__package__, "complete_upload")
_FORGET: Final = Script(__package__, "forget_numbers")
_MET: Final = Script(__package__, "numbers_met")

#: Ms for which an upload is kept after it was begun, at least: 30 days.
_KEEP_MS: Final = 30 * 86_400_000
#: Blocks of numbers, and how many are removed in one command.
_BLOCKS: Final = 10_000
_REMOVED: Final = 1_000
#: Characters of the digest that stands in front of what was answered.
_DIGEST: Final = 32

Begun = Literal["created", "existing", "conflict", "stopped"]
Completion = Literal["complete", "missing", "stopped", "unknown_id"]

_write = msgspec.json.Encoder(order="sorted").encode


@discreet
@dataclass(frozen=True, slots=True)
class Upload:
    """How far an upload is.

    Attributes:
        definition: its JSON, as it was begun.
        next_part: the part that is to come.
        last: the short part that has ended it, or None.
        complete: whether somebody said that all is there.
        stopped: whether the campaign was cancelled.
        priced: whether the campaign has a budget.
        written: of the part that was asked about, its digest and what was answered; None if it is not there.
    """

    definition: bytes
    next_part: int
    last: int | None
    complete: bool
    stopped: bool
    priced: bool
    written: bytes | None = None

    @property
    def answer(self) -> bytes:
        """What was answered to the part that was asked about."""
        return (self.written or b"")[_DIGEST:]


class Uploads:
    """Builds the steps of uploads.

    Args:
        records: commands of messages.
        campaigns: steps of campaigns.
        retention_ms: how long records are kept.
    """

    def __init__(self, records: Records, campaigns: Campaigns, retention_ms: int) -> None:
        self._records, self._campaigns, self._keys = records, campaigns, records.keys
        self._retention_ms = retention_ms
        self._keep_ms = max(retention_ms, _KEEP_MS)

    def begin(self, campaign_id: str, definition: bytes, *, waits: bool) -> Command[Begun]:
        """Begin an upload; safe to repeat.

        Args:
            campaign_id: its name.
            definition: what all of its parts have in common, as JSON that is equal for equal campaigns.
            waits: whether nothing of it leaves before it is complete.
        """
        given = {
            "campaign": campaign_id,
            "definition": definition.decode(),
            "waits": waits,
            "keep_ms": self._keep_ms,
        }
        return Command(_BEGIN, self._keys.prefix, given, bytes.decode)  # type: ignore[arg-type]

    def read(self, campaign_id: str, number: int = 0) -> Steps[Upload | None]:
        """Say how far an upload is, and what was answered to one of its parts; None if it is unknown."""
        (definition, next_part, last, complete), written, (stopped, limit) = yield Commands(
            [
                ("HMGET", self._keys.upload(campaign_id), "definition", "next", "last", "complete"),
                ("HGET", self._keys.upload(campaign_id), f"part:{number}"),
                ("HMGET", self._keys.campaign(campaign_id), "stopped", "limit"),
            ]
        )
        if definition is None:
            return None
        return Upload(
            definition,
            int(next_part),
            None if last is None else int(last),
            bool(complete),
            bool(stopped),
            limit is not None,
            written,
        )

    def is_same(self, upload: Upload, recipients: object) -> Steps[bool]:
        """Say whether the part that was asked about had these recipients, as they were given."""
        known = yield from self._records.pseudonyms.known()
        mark = fingerprint(recipients)
        digests = [known.seal(mark), *known.older_seals(mark)]
        return (upload.written or b"")[:_DIGEST].decode() in digests

    def met(self, campaign_id: str, number: int, numbers: Sequence[str]) -> Steps[list[str]]:
        """Say which of some numbers an earlier part has."""
        if not numbers:
            return []
        plain = [each.removeprefix("+") for each in numbers]
        given = {"campaign": campaign_id, "part": number, "numbers": plain}
        places = yield Command(_MET, self._keys.prefix, given, lambda reply: reply)
        return [numbers[place - 1] for place in places]

    def queue(
        self,
        campaign_id: str,
        number: int,
        recipients: object,
        messages: Sequence[FrozenMessage],
        answer: bytes,
        *,
        is_last: bool,
        budget: int | None,
    ) -> Steps[str]:
        """Queue a part, note it, and take its numbers, in one step; safe to repeat.

        Args:
            campaign_id: its campaign.
            number: which part.
            recipients: as they were given.
            messages: one a zone; none if nobody is left.
            answer: what a repeat is to be answered.
            is_last: whether it ends the campaign.
            budget: micro-euros that the campaign may cost, or None.

        Returns:
            ``queued``; or, with nothing queued, ``conflict`` (the slice is there with other content),
            ``stopped``, or ``moved`` (it is not the next part any more: look again).

        Raises:
            OverBudget: the campaign would cost more than its budget; nothing was queued.
            InvalidMessage: a price is unknown, and such are refused; nothing was queued.
        """
        known = yield from self._records.pseudonyms.known()
        part = Part(
            campaign=campaign_id,
            number=number,
            digest=known.seal(fingerprint(recipients)),
            result=answer.decode(),
            numbers=[each[1:] for message in messages for each in message.numbers],
            is_last=is_last,
        )
        verdicts = yield from self._records.enqueue_part(messages, part, budget)
        return next((each for each in ("moved", "stopped", "conflict") if each in verdicts), "queued")

    def complete(self, campaign_id: str, parts: int) -> Steps[Completion]:
        """Note that all parts are there, and let go what waits for that; safe to repeat."""
        given = {"campaign": campaign_id, "parts": parts, "retention_ms": self._retention_ms}
        while True:
            verdict: Completion = yield Command(_COMPLETE, self._keys.prefix, given, bytes.decode)
            if verdict != "complete":
                return verdict
            yield from self._campaigns.give_back(campaign_id)
            # A failover may have taken the completion back: then it is done once more.
            if (yield from self._forget_numbers(campaign_id)):
                return "complete"

    def _forget_numbers(self, campaign_id: str) -> Steps[bool]:
        blocks = [self._keys.upload_numbers(campaign_id, f"{block:04}") for block in range(_BLOCKS)]
        for start in range(0, _BLOCKS, _REMOVED):
            given = {"campaign": campaign_id, "blocks": blocks[start : start + _REMOVED]}
            if not (yield Command(_FORGET, self._keys.prefix, given, int)):
                return False
        return True


def fingerprint(recipients: object) -> str:
    """Take the fingerprint of recipients as they were given, whatever the order of their members."""
    return hashlib.blake2b(_write(recipients), digest_size=16).hexdigest()


def canonical(definition: dict[str, Any]) -> bytes:
    """Write a definition so that equal ones are equal."""
    return _write(definition)
