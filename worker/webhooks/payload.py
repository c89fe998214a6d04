"""The body of a webhook: one event of a stream as JSON, never longer than 20 kB. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from producers.contract.amounts import plain_amount
from producers.contract.events import Event, Receipt, Reply
from producers.webhooks import TEST, TYPES

#: Longest body in bytes, as Standard Webhooks recommends.
BODY_MAX_BYTES: Final = 20_000
#: What is shortened if a body is too long, in this order, and how many characters stay. The callback as it
#: came says nothing more, and no SMS has a longer text.
_KEPT: Final[Mapping[str, int]] = {"raw": 0, "text": 1_224, "message": 300}

_TYPE_OF: Final = {kind: name for name, kind in TYPES.items()}


def body_of(event: Event) -> bytes:
    """Write an event of a stream as the body of a webhook. What had to be shortened is named in ``cut``."""
    data = {name: _plain(getattr(event, name)) for name in event.__struct_fields__}
    fields: dict[str, Any] = {"type": _TYPE_OF[type(event)], "timestamp": _happened(event), "data": data}
    body = _encode(fields)
    for name, value in _shortened(data):
        if len(body) <= BODY_MAX_BYTES:
            break
        data[name] = value
        fields["cut"] = [*fields.get("cut", ()), name]
        body = _encode(fields)
    return body


def _shortened(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields that can be shortened, and what is left of each."""
    for name, kept in _KEPT.items():
        if len(data.get(name) or "") > kept:
            yield name, data[name][:kept]
    if data.get("context") is not None:
        yield "context", None


def body_of_test() -> bytes:
    """Write the body of a webhook that only shows that it arrives."""
    return _encode({"type": TEST, "timestamp": datetime.now(UTC), "data": {}})


def _happened(event: Event) -> datetime:
    match event:
        case Reply():
            return event.received_at
        case Receipt():
            return event.delivered_at
    return event.at


def _plain(value: Any) -> Any:
    """Write amounts as the API does; an entry of an older worker may have another form."""
    return plain_amount(value) if isinstance(value, Decimal) else value


def _encode(fields: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(fields)
