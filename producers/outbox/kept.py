"""What a row of an outbox holds: a message that was checked and frozen when the row was written."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from ..contract.discreet import discreet
from ..messages.frozen import FrozenMessage
from ..messages.message import Message
from ..queueing.batches import freeze_one
from ..settings import ProducerSettings

#: Version of the payload. A relay that does not know it leaves the row to a person.
_VERSION: Final = 1


@discreet
class _Payload(msgspec.Struct, frozen=True):
    v: int
    created_ms: int
    message: FrozenMessage


@discreet
@dataclass(frozen=True, slots=True)
class Kept:
    """The columns of a new row.

    Attributes:
        request_id: names the message.
        payload: the frozen message as JSON. It holds numbers and text: personal data.
        created_at: when it was checked, by the clock of this process.
    """

    request_id: str
    payload: str
    created_at: datetime


def keep(message: Message, settings: ProducerSettings) -> Kept:
    """Check a message and make its row.

    Args:
        message: what the caller gave.
        settings: of the application.

    Raises:
        InvalidMessage: lists every bad field.
    """
    frozen, now = freeze_one(message, settings), datetime.now(UTC)
    payload = _Payload(_VERSION, int(now.timestamp() * 1000), frozen)
    return Kept(frozen.request_id, msgspec.json.encode(payload).decode(), now)


class Found(NamedTuple):
    """What a row holds.

    Attributes:
        message: with what is left of its time to live.
        age_ms: milliseconds since the row was written, by the clock of this process.
    """

    message: FrozenMessage
    age_ms: int


def read(request_id: str, payload: str) -> Found:
    """Read a row.

    The time to live counts from when the row was written, or from its date. A message whose time is over
    is given a millisecond: it is queued all the same, so that its end stands in the ledger as ``expired``.

    Raises:
        ValueError: it cannot be read, or belongs to another row.
    """
    found = _decoded(payload)
    message = found.message
    if message.request_id != request_id:
        raise ValueError("the payload is that of another row")
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    if message.ttl_ms is not None:
        passed_ms = max(0, now_ms - max(found.created_ms, message.due_ms or 0))
        # The digest stays: a repeat is known again, however much is left.
        message = msgspec.structs.replace(message, ttl_ms=max(1, message.ttl_ms - passed_ms))
    return Found(message, now_ms - found.created_ms)


def same_content(one: str, other: str) -> bool:
    """Say whether two payloads hold messages of the same meaning; False if one cannot be read."""
    try:
        return _decoded(one).message.digest == _decoded(other).message.digest
    except ValueError:
        return False


def _decoded(payload: str) -> _Payload:
    try:
        found = msgspec.json.decode(payload, type=_Payload)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        # No cause is named: its text may hold a piece of the payload.
        raise ValueError("the payload cannot be read") from None
    if found.v != _VERSION:
        raise ValueError("the payload has another version")
    return found
