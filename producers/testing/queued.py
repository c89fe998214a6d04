"""What an application has queued, as it was queued, and where it stands now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import redis

from ..contract.keys import Keys
from ..messages.body import Body
from ..messages.frozen import FrozenMessage
from ..messages.template import template
from .sent_sms import SentSms


@dataclass(slots=True)
class _Message:
    keys: Keys
    frozen: FrozenMessage
    body: Body


class Queued:
    """All that an application has queued, in order.

    Args:
        client: the memory.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._messages: dict[tuple[str, str], _Message] = {}
        self._left: dict[str, set[str]] = {}

    def note(self, keys: Keys, messages: Sequence[FrozenMessage]) -> None:
        """Note those of some messages that are in the queue, and are not noted yet."""
        new = [each for each in messages if (keys.prefix, each.request_id) not in self._messages]
        bodies = self._redis.mget([keys.body(each.request_id) for each in new]) if new else []
        for frozen, body in zip(new, bodies, strict=True):
            # What has ended at once, or was refused, has none.
            if body is not None:
                read = msgspec.json.decode(body, type=Body)
                self._messages[keys.prefix, frozen.request_id] = _Message(keys, frozen, read)

    def note_left(self, request_id: str, numbers: Sequence[str]) -> int:
        """Note to whom a message leaves: perhaps somebody wants no more SMS by now. Returns its segments."""
        self._left[request_id] = set(numbers)
        message = self._message(request_id)
        texts = template(message.body.text, message.body.auto_optimize_text)
        to = [each for each in message.body.recipients if each.phone_number in self._left[request_id]]
        return sum(texts.segments_for(each) for each in to)

    def __iter__(self) -> Iterator[SentSms]:
        """Yield one by one what each person gets, or has got; nothing of what was cancelled or expired."""
        for message in self._messages.values():
            left = self._left.get(message.frozen.request_id)
            # Redis forgets what has ended; what has left then has ended well.
            state = self._field(message, "state") or ("accepted" if left else "cancelled")
            if state in {"cancelled", "expired"}:
                continue
            for recipient in message.body.recipients:
                if left is None or recipient.phone_number in left:
                    yield _sms(message, recipient.phone_number, state)

    def prefix_of(self, sms: SentSms) -> str:
        """Return what all keys of an SMS that is noted start with."""
        return self._message(sms.request_id).keys.prefix

    def ticket(self, sms: SentSms) -> str | None:
        """Return the ticket of an SMS that is noted; None before it has left."""
        return self._field(self._message(sms.request_id), "ticket")

    def _message(self, request_id: str) -> _Message:
        return next(each for (_, known), each in self._messages.items() if known == request_id)

    def _field(self, message: _Message, name: str) -> str | None:
        value = self._redis.hget(message.keys.record(message.frozen.request_id), name)
        return value.decode() if isinstance(value, bytes) else None


def _sms(message: _Message, number: str, state: str) -> SentSms:
    frozen, body = message.frozen, message.body
    recipient = next(each for each in body.recipients if each.phone_number == number)
    return SentSms(
        to=number,
        text=template(body.text).fill(recipient),
        sender=body.sender,
        purpose=body.purpose,
        request_id=frozen.request_id,
        context=msgspec.json.decode(frozen.context) if frozen.context else None,
        with_replies=body.with_replies,
        type=body.type,
        send_at=_send_at(frozen, body),
        campaign_id=frozen.campaign or None,
        state=state,  # type: ignore[arg-type]
    )


def _send_at(frozen: FrozenMessage, body: Body) -> datetime | None:
    if body.send_at:
        return datetime.fromisoformat(body.send_at)
    return None if frozen.due_ms is None else datetime.fromtimestamp(frozen.due_ms / 1000, UTC)
