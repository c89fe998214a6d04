"""What a producer asks of Redis and how it reads the answers. Pure: `producer` and `aio` do the I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from producers.jobs import QUEUE_ALERT, QUEUE_MARKETING, RECORD_VERSION, State
from producers.keys import Keys
from producers.message import FrozenMessage
from producers.scripts import Command, Script
from producers.settings import RedisSettings

_ENQUEUE = Script("producers", "enqueue")
_CANCEL = Script("producers", "cancel", when_full=True)

Cancellation = Literal["cancelled", "too_late", "unknown_id"]


@dataclass(frozen=True, slots=True)
class Sent:
    """Proof that a message is in the queue.

    Attributes:
        request_id: names the message from here on.
        state: where it stands; ``queued`` for a new one.
        created: False when the same content was already there under this id and nothing was queued.
        segments: segments over all recipients, as we count them; the gateway's count decides the bill.
    """

    request_id: str
    state: State
    created: bool
    segments: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """This request_id already names other content."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """The last delivery receipt of one recipient.

    Attributes:
        status: the gateway's word, such as ``DELIVERED``.
        final: whether no other status is expected.
        at: when the gateway says it happened, or when we received it if it did not say.
    """

    status: str
    final: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """What is known of a send. Times are aware UTC datetimes by Redis's clock.

    Attributes:
        request_id: its id.
        state: see docs/architecture.md.
        ticket: the gateway's ticket, or None before (or without) one.
        cost: what the gateway charged, in the account's currency.
        segments: the gateway's count once accepted, ours before.
        attempts: POSTs made so far; a POST whose worker died is counted when its message is taken up again.
        code: the gateway's last error code, or our word for what happened.
        message: the gateway's last error text.
        context: the application's own value.
        queued_at, due_at, expires_at, first_attempt_at, ended_at: its life; None where it does not apply.
        deliveries: the last receipt by recipient number.
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


class Records:
    """Builds the commands of a producer.

    Args:
        settings: namespace, retention, stream length.
    """

    def __init__(self, settings: RedisSettings) -> None:
        self.keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen
        alert, marketing = self.keys.queue(QUEUE_ALERT), self.keys.queue(QUEUE_MARKETING)
        self._queue_keys = [
            *(alert.ready, alert.delayed, alert.wake),
            *(marketing.ready, marketing.delayed, marketing.wake),
            self.keys.counts,
        ]
        self._delayed_keys = [alert.delayed, alert.envelopes, marketing.delayed, marketing.envelopes]

    def enqueue(self, messages: Sequence[FrozenMessage]) -> Command[list[Sent | Conflict]]:
        """Store and queue messages in one atomic step; safe to repeat."""
        keys, args = list(self._queue_keys), [RECORD_VERSION]
        for m in messages:
            keys += (self.keys.record(m.request_id), self.keys.body(m.request_id))
            args += (m.request_id, m.digest, m.queue, _optional(m.due_ms), _optional(m.ttl_ms))  # type: ignore[arg-type]
            args += (m.body, m.context, m.segments, m.recipients)  # type: ignore[arg-type]

        def read(reply: Sequence[bytes]) -> list[Sent | Conflict]:
            return [_sent(m, *reply[2 * i : 2 * i + 2]) for i, m in enumerate(messages)]

        return Command(_ENQUEUE, keys, args, read)

    def cancel(self, request_id: str) -> Command[Cancellation]:
        """Cancel a send that has not started; safe to repeat."""
        keys = self.keys.transition(request_id)
        args = [request_id, self._retention_ms, self._maxlen]
        return Command(_CANCEL, [*keys, *self._delayed_keys], args, bytes.decode)  # type: ignore[arg-type]


def _optional(value: int | None) -> str | int:
    return "" if value is None else value


def _sent(message: FrozenMessage, verdict: bytes, state: bytes) -> Sent | Conflict:
    if verdict == b"conflict":
        return Conflict(message.request_id)
    return Sent(
        request_id=message.request_id,
        state=state.decode(),  # type: ignore[arg-type]
        created=verdict == b"created",
        segments=message.segments,
    )


def read_status(
    request_id: str, record: Mapping[bytes, bytes], deliveries: Mapping[bytes, bytes]
) -> MessageStatus | None:
    """Read a record and its deliveries as Redis returns them; None for an unknown id."""
    if not record:
        return None
    text = {name.decode(): value.decode() for name, value in record.items()}
    return MessageStatus(
        request_id=request_id,
        state=text["state"],  # type: ignore[arg-type]
        ticket=text.get("ticket") or None,
        cost=Decimal(text["cost"]) if text.get("cost") else None,
        segments=int(text["segments"]) if text.get("segments") else None,
        attempts=int(text.get("attempts", 0)),
        code=text.get("code") or None,
        message=text.get("message") or None,
        context=msgspec.json.decode(text["context"]) if text.get("context") else None,
        queued_at=_instant(text["queued"]),
        due_at=_at(text.get("due")),
        expires_at=_at(text.get("expires")),
        first_attempt_at=_at(text.get("first")),
        ended_at=_at(text.get("ended")),
        deliveries={number.decode(): read_delivery(value) for number, value in deliveries.items()},
    )


def read_delivery(value: bytes) -> Delivery:
    """Read one delivery as `publish` wrote it: ``rank|ISO time|status``."""
    rank, at, status = value.decode().split("|", 2)
    return Delivery(status=status, final=int(rank) > 0, at=datetime.fromisoformat(at))


def _at(ms: str | None) -> datetime | None:
    return _instant(ms) if ms else None


def _instant(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
