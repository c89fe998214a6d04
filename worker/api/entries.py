"""Entries of streams, as the API hands them out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from producers.contract.events import Event, from_fields
from producers.contract.kinds import TYPES
from producers.webhooks import TYPES as WEBHOOK_TYPES
from worker.api.event_shapes import EventEntry
from worker.api.messages import moment
from worker.api.shapes import money

_TYPE_OF: Final = {kind: name for name, kind in WEBHOOK_TYPES.items()}
#: The type of an entry that this version cannot read.
UNREADABLE: Final = "unreadable"


def read_entry(stream: str, fields: Mapping[bytes, bytes]) -> Event | None:
    """Read an entry; None if this version cannot."""
    try:
        return from_fields(TYPES[stream], fields)
    except (ValueError, RecursionError):
        return None


def told_entry(entry_id: str, event: Event | None, deliveries: int | None = None) -> EventEntry:
    """Show an entry; the type is that of the same event in a webhook."""
    if event is None:
        return EventEntry(entry_id, UNREADABLE, {}, deliveries)
    members = {name: _plain(getattr(event, name)) for name in event.__struct_fields__}
    return EventEntry(entry_id, _TYPE_OF.get(type(event), "sms.alarm"), members, deliveries)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return money(value)
    return moment(value) if isinstance(value, datetime) else value


def pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """Read the fields of an entry, as a script hands them on."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def named_fields(fields: Any) -> dict[str, Any]:
    """Read one element of an XINFO reply: pairs in protocol 2, a mapping in protocol 3."""
    if isinstance(fields, dict):
        return {_text(name): value for name, value in fields.items()}
    return {_text(name): value for name, value in zip(fields[::2], fields[1::2], strict=True)}


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
