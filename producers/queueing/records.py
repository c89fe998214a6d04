"""The commands for single messages, and how their answers are read. Pure: `producer` and `aio` do the I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import msgspec

from producers.contract.admission import describe, read_gate
from producers.contract.jobs import RECORD_VERSION, State
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.receipts import AWAITED_MS, STATES, DeliveryState
from producers.contract.scripts import Command, Script
from producers.contract.steps import Steps
from producers.messages.message import FrozenMessage
from producers.queueing.answers import Conflict, Queueing, Sent, read_queueing, told
from producers.queueing.restraint import Restraint, refuse_unpriced
from producers.queueing.rounds import read_rounds
from producers.settings import ProducerSettings

_ENQUEUE = Script("producers.queueing", "enqueue")
_STATUS = Script("producers.queueing", "status", when_full=True)
_CANCEL = Script("producers.queueing", "cancel", when_full=True)

Cancellation = Literal["cancelled", "too_late", "unknown_id"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery receipt of one recipient that stands: of those that came the one that says most.

    Attributes:
        status: the gateway's word, such as ``DELIVERED``.
        final: whether no other status is expected.
        at: when the gateway says it happened, or when we received it if it did not say.
        state: ``sent``, ``undelivered`` or ``delivered``; never goes back to one before.
    """

    status: str
    final: bool
    at: datetime
    state: DeliveryState


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """What is known of a send. Times are aware UTC datetimes by Redis's clock.

    Attributes:
        request_id: its id.
        state: see docs/architecture.md.
        ticket: the gateway's ticket, or None before (or without) one.
        cost: what the gateway charged, in the account's currency.
        segments: the gateway's count once accepted, ours before.
        attempts: POSTs counted so far, in all rounds. One that only found the account in trouble is not
            counted; one whose worker died is counted when its message is taken up again.
        code: the gateway's last error code, or our word for what happened.
        message: the gateway's last error text.
        context: the application's own value.
        queued_at, due_at, expires_at, ended_at: its life; None where it does not apply.
        first_attempt_at: when the first attempt of all began, also if a person has sent it again since.
        deliveries: the receipt that stands, by recipient number.
        receipts_missing: recipients of whom no receipt came within 48 h of the acceptance; 0 for sends on
            which the gateway does not report (low cost, simulation).
        waits_for: why it waits aside, in words for people: a price that the account cannot pay, or an error
            that nobody knows. None while nothing but its turn keeps it.
        reply_to: event_id of the reply that it answers, or None.
    """

    request_id: str
    state: State
    ticket: str | None
    cost: Decimal | None
    segments: int | None
    attempts: int
    code: str | None
    message: str | None
    context: Any
    queued_at: datetime
    due_at: datetime | None
    expires_at: datetime | None
    first_attempt_at: datetime | None
    ended_at: datetime | None
    deliveries: Mapping[str, Delivery]
    waits_for: str | None = None
    receipts_missing: int = 0
    reply_to: str | None = None


class Records:
    """Builds the commands of a producer.

    Args:
        settings: namespace, retention, stream length, whether texts are kept, keys of pseudonyms.

    Attributes:
        keys: key names.
        pseudonyms: those of this process.
    """

    def __init__(self, settings: ProducerSettings) -> None:
        self.keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen
        self._keep_texts = settings.keep_texts
        self.pseudonyms = KnownPseudonyms(settings)
        self._restraint = Restraint(settings)

    def enqueue(self, messages: Sequence[FrozenMessage]) -> Steps[list[Sent | Conflict]]:
        """Store and queue up to 500 messages in one atomic step; safe to repeat.

        One round trip, but two the first time.
        """
        return self.pseudonyms.run(lambda known: self._enqueueing(messages, known))

    def enqueue_ahead(
        self, messages: Sequence[FrozenMessage]
    ) -> Steps[Command[list[Sent | Conflict] | None]]:
        """Make the call that `enqueue` makes, for whoever sends it before he waits for its answer.

        Its answer is None if keys of pseudonyms were lost or added meanwhile: then `enqueue` does it.
        """
        return self.pseudonyms.call(lambda known: self._enqueueing(messages, known))

    def _enqueueing(
        self, messages: Sequence[FrozenMessage], known: Pseudonyms
    ) -> Command[list[Sent | Conflict]]:
        def read(reply: Sequence[Any]) -> list[Sent | Conflict]:
            refuse_unpriced(reply)
            answers: list[Sent | Conflict] = [
                Sent(
                    request_id=m.request_id,
                    state="queued",
                    created=True,
                    segments=m.segments,
                    warnings=m.warnings,
                )
                for m in messages
            ]
            for position, verdict, facts in zip(*[iter(reply)] * 3, strict=True):
                answers[position] = told(messages[position], verdict, facts)
            return answers

        return Command(_ENQUEUE, self.keys.prefix, self._given(messages, known), read)

    def enqueue_slice(self, message: FrozenMessage, budget: int | None = None) -> Steps[Queueing]:
        """Store and queue a slice and note it in its campaign, in one atomic step; safe to repeat.

        Args:
            message: the slice.
            budget: micro-euros that its campaign may cost; None leaves the budget that it has, if any.

        Raises:
            OverBudget: the campaign would cost more with it; nothing was queued.
        """
        return self.pseudonyms.run(
            lambda known: Command(
                _ENQUEUE,
                self.keys.prefix,
                self._given([message], known, budget),
                partial(read_queueing, message),
            )
        )

    def status(self, request_id: str) -> Command[MessageStatus | None]:
        """Read what is known of a send; safe to repeat."""
        given = {"id": str(request_id)}
        return Command(_STATUS, self.keys.prefix, given, lambda reply: _read_status(request_id, *reply))

    def cancel(self, request_id: str) -> Command[Cancellation]:
        """Cancel a message in no attempt and in no doubt, see ``cancel.lua``; safe to repeat."""
        given = {"id": str(request_id), "retention_ms": self._retention_ms, "maxlen": self._maxlen}
        return Command(_CANCEL, self.keys.prefix, given, bytes.decode)  # type: ignore[arg-type]

    def _given(
        self, messages: Sequence[FrozenMessage], known: Pseudonyms, budget: int | None = None
    ) -> dict[str, Any]:
        return {
            "version": RECORD_VERSION,
            "retention_ms": self._retention_ms,
            "messages": [
                (
                    *(m.request_id, known.seal(m.digest), m.queue, m.due_ms, m.ttl_ms, m.body.decode()),
                    m.context,
                    *(m.segments, m.recipients, m.share, m.campaign, m.talk, m.receipts),
                    *(" ".join(map(known.of, m.numbers)), known.older_seals(m.digest)),
                    *(m.dues or None, self._restraint.block_of(m), known.seal(m.twin) if m.twin else None),
                )
                for m in messages
            ],
            "keep_texts": self._keep_texts,
            "maxlen": self._maxlen,
            "budget": budget,
            **self._restraint.given(messages),
        }


def _read_status(
    request_id: str,
    record: Sequence[bytes],
    deliveries: Sequence[bytes],
    call: Sequence[bytes],
    aside: Sequence[bytes],
    now_ms: int,
) -> MessageStatus | None:
    if not record:
        return None
    text = dict(_pairs(record))
    if call:
        # A message that has not ended is where its call is.
        text |= zip(("state", "attempts", "code", "message", "first"), map(bytes.decode, call), strict=True)
        text["state"] = "queued" if text["state"] == "queued" else "sending"
    return MessageStatus(
        request_id=request_id,
        state=text["state"],  # type: ignore[arg-type]
        ticket=text.get("ticket") or None,
        cost=Decimal(text["cost"]) if text.get("cost") else None,
        segments=int(text["segments"]) if text.get("segments") else None,
        attempts=int(text.get("attempts") or 0),
        code=text.get("code") or None,
        message=text.get("message") or None,
        context=msgspec.json.decode(text["context"]) if text.get("context") else None,
        queued_at=_instant(text["queued"]),
        due_at=_at(text.get("due")),
        expires_at=_at(text.get("expires")),
        first_attempt_at=_at(_first(text.get("rounds"), text.get("first"))),
        ended_at=_at(text.get("ended")),
        deliveries={number: read_delivery(value) for number, value in _pairs(deliveries)},
        waits_for=_read_aside(*aside) if aside else None,
        receipts_missing=_missing(text, len(deliveries) // 2, now_ms),
        reply_to=text.get("reply_to"),
    )


def _first(rounds: str | None, present: str | None) -> str | None:
    """Say when the first attempt began, in whichever round."""
    tried = (each.first for each in read_rounds(rounds) if each.first)
    return next(tried, present)


def _read_aside(name: bytes, facts: bytes, price: bytes) -> str:
    return describe(name.decode(), read_gate(facts), Decimal(price.decode()) if price else None)


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    return zip(map(bytes.decode, flat[::2]), map(bytes.decode, flat[1::2]), strict=True)


def _missing(record: Mapping[str, str], deliveries: int, now_ms: int) -> int:
    """Count the recipients of whom nothing was heard in time, without those whom the gateway left out."""
    if record["state"] != "accepted" or not record.get("receipts"):
        return 0
    since_ms = max(int(record.get("ended") or now_ms), int(record["receipts"]))
    if now_ms < since_ms + AWAITED_MS:
        return 0
    recipients = int(record.get("recipients", 1))
    return max(0, min(recipients, int(record.get("contacts", recipients))) - deliveries)


def read_delivery(value: str) -> Delivery:
    """Read a delivery as the worker's publisher writes it: ``rank|ISO time|status``."""
    rank, at, status = value.split("|", 2)
    return Delivery(status, final=int(rank) > 0, at=datetime.fromisoformat(at), state=STATES[int(rank)])


def _at(ms: str | None) -> datetime | None:
    return _instant(ms) if ms else None


def _instant(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
