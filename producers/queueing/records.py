"""The commands for single messages, and how their answers are read. Pure: `producer` and `aio` do the I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from ..contract.discreet import discreet
from ..contract.jobs import RECORD_VERSION
from ..contract.keys import Keys
from ..contract.known_pseudonyms import KnownPseudonyms
from ..contract.plain_text import as_text
from ..contract.pseudonyms import Pseudonyms
from ..contract.scripts import Command, Script
from ..contract.steps import Steps
from ..messages.frozen import FrozenMessage
from ..rules.hours import Hours
from ..settings import ProducerSettings
from .answers import Conflict, Queueing, Sent, read_answers, read_queueing, without_conflict
from .columns import columns
from .message_status import MessageStatus, read_status
from .restraint import Restraint

_ENQUEUE = Script(__package__, "enqueue")
_STATUS = Script(__package__, "status", when_full=True)
_CANCEL = Script(__package__, "cancel", when_full=True)

#: A call whose answer is None if it has to be made anew.
Ahead = Command[list[Sent | Conflict] | None]
Cancellation = Literal["cancelled", "too_late", "unknown_id"]


@discreet
@dataclass(frozen=True, slots=True)
class Part:
    """A part of a campaign that is uploaded.

    Attributes:
        campaign: its campaign.
        number: which part, from 0.
        digest: of its recipients as they were given, sealed.
        result: what a repeat is answered.
        numbers: those that it texts, without the plus sign.
        is_last: whether it ends the campaign.
    """

    campaign: str
    number: int
    digest: str
    result: str
    numbers: list[str]
    is_last: bool


class Records:
    """Builds the commands of a producer.

    Args:
        settings: namespace, retention, stream length, whether texts are kept, keys of pseudonyms.

    Attributes:
        keys: key names.
        pseudonyms: those of this process.
        hours: of marketing.
    """

    def __init__(self, settings: ProducerSettings) -> None:
        self.keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen
        self._keep_texts = settings.keep_texts
        self._consent_ms = settings.consent_ms
        self.pseudonyms = KnownPseudonyms(settings)
        self.hours = Hours(settings)
        self._restraint = Restraint(settings)

    def enqueue(self, messages: Sequence[FrozenMessage]) -> Steps[list[Sent | Conflict]]:
        """Store and queue up to 500 messages in one atomic step; safe to repeat.

        One round trip, but two the first time.
        """
        return self.pseudonyms.run(lambda known: self._enqueueing(messages, known))

    def enqueue_whole(self, messages: Sequence[FrozenMessage]) -> Steps[list[Sent]]:
        """Store and queue up to 500 messages in one atomic step, all or none; safe to repeat.

        Raises:
            RequestIdConflict: an id names other content, in Redis or among these; nothing was queued.
            InvalidMessage: a price is unknown, and such are refused; nothing was queued.
        """
        if not messages:
            return []
        return (
            yield from self.pseudonyms.run(
                lambda known: Command(
                    _ENQUEUE,
                    self.keys.prefix,
                    self._given(messages, known, strict=True),
                    lambda reply: without_conflict(read_answers(messages, reply, strict=True)),
                )
            )
        )

    def enqueue_ahead(self, messages: Sequence[FrozenMessage]) -> Steps[Ahead]:
        """Make the call that `enqueue` makes, for whoever sends it before he waits for its answer.

        Its answer is None if keys of pseudonyms were lost or added meanwhile: then `enqueue` does it.
        """
        return self.pseudonyms.call(lambda known: self._enqueueing(messages, known))

    def _enqueueing(
        self, messages: Sequence[FrozenMessage], known: Pseudonyms
    ) -> Command[list[Sent | Conflict]]:
        given = self._given(messages, known)
        return Command(_ENQUEUE, self.keys.prefix, given, lambda reply: read_answers(messages, reply))

    def enqueue_slice(
        self, messages: Sequence[FrozenMessage], budget: int | None = None
    ) -> Steps[list[tuple[Queueing, int]]]:
        """Store and queue a slice and note it in its campaign, in one atomic step; safe to repeat.

        Args:
            messages: of one slice, one a zone.
            budget: micro-euros that its campaign may cost; None leaves the budget that it has, if any.

        Returns:
            What became of each, and how many of its recipients are left out since they want no more SMS.

        Raises:
            OverBudget: the campaign would cost more with it; nothing was queued.
            InvalidMessage: a price is unknown, and such are refused; nothing was queued.
        """
        return self.pseudonyms.run(
            lambda known: Command(
                _ENQUEUE,
                self.keys.prefix,
                self._given(messages, known, budget),
                partial(read_queueing, messages),
            )
        )

    def enqueue_part(
        self, messages: Sequence[FrozenMessage], part: Part, budget: int | None = None
    ) -> Steps[list[str]]:
        """Queue a slice that is a part of an upload, and note the part, in one atomic step; safe to repeat.

        Returns:
            What became of each message, as `enqueue_slice` says; or ``moved`` alone: it is not the next part.

        Raises:
            OverBudget, InvalidMessage: as `enqueue_slice`.
        """

        def read(reply: Any) -> list[str]:
            if reply == b"moved":
                return ["moved"]
            return [verdict for verdict, _ in read_queueing(messages, reply)]

        return (
            yield from self.pseudonyms.run(
                lambda known: Command(
                    _ENQUEUE, self.keys.prefix, self._given(messages, known, budget, part=part), read
                )
            )
        )

    def status(self, request_id: str) -> Command[MessageStatus | None]:
        """Read what is known of a send; safe to repeat."""
        request_id = as_text(request_id)
        given = {"id": request_id}
        return Command(
            _STATUS, self.keys.prefix, given, lambda reply: read_status(request_id, self.hours, *reply)
        )

    def cancel(self, request_id: str) -> Command[Cancellation]:
        """Cancel a message in no attempt and in no doubt, see ``cancel.lua``; safe to repeat."""
        given = {"id": as_text(request_id), "retention_ms": self._retention_ms, "maxlen": self._maxlen}
        return Command(_CANCEL, self.keys.prefix, given, bytes.decode)  # type: ignore[arg-type]

    def _given(
        self,
        messages: Sequence[FrozenMessage],
        known: Pseudonyms,
        budget: int | None = None,
        *,
        strict: bool = False,
        part: Part | None = None,
    ) -> dict[str, Any]:
        of_messages, dues = columns(messages, known, self._restraint)
        return {
            "version": RECORD_VERSION,
            "retention_ms": self._retention_ms,
            "maxlen": self._maxlen,
            "keep_texts": self._keep_texts,
            "consent_ms": self._consent_ms,
            "budget": budget,
            "strict": strict,
            "part": part,
            **of_messages,
            **self._restraint.given(dues),
        }
