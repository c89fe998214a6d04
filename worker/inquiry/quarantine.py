"""Callbacks that nobody could place, newest first, as they came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from producers.contract.keys import QUARANTINE, Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.paging import Entry, Page, is_stream_id, read_entry, read_stream

#: What a reason means, for people.
REASONS: Final = {
    "unreadable": "neither JSON nor a form",
    "too_many_events": "more events than one callback may have",
    "other_kind": "its callback token may not bring this kind",
    "no_event": "a part of it is no event",
    "no_number": "it names no number",
    "no_known_field": "it has no field that tells what it is",
}
#: How an event begins that was cut since it was too long: the rest is lost.
_CUT: Final = '{"cut":'


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One callback, or one event of it.

    Attributes:
        id: of its entry.
        at: when it was put there.
        received_at: when it came; None if the entry does not say.
        reason: why it is there, one word.
        raw: what came, as text.
        is_whole: False if it was cut: then it cannot be read again.
    """

    id: str
    at: datetime
    received_at: datetime | None
    reason: str
    raw: str
    is_whole: bool


def newest(keys: Keys, cursor: str | None = None) -> Steps[Page[QuarantineRow]]:
    """Read the newest of them; one round trip.

    Raises:
        BadCursor: see `read_stream`.
    """
    page = yield from read_stream(keys.stream(QUARANTINE), cursor)
    return Page(tuple(map(_row, page.rows)), page.cursor)


def find(keys: Keys, entry_id: str) -> Steps[QuarantineRow | None]:
    """Read one of them; None if it is gone. One round trip."""
    if not is_stream_id(entry_id):
        return None
    [found] = yield Commands([("XRANGE", keys.stream(QUARANTINE), entry_id, entry_id, "COUNT", 1)])
    return _row(read_entry(*found[0])) if found else None


def _row(entry: Entry) -> QuarantineRow:
    fields = entry.fields
    raw = fields.get("raw", "")
    is_whole = not raw.startswith(_CUT)
    received_at = _instant(fields.get("received_at", ""))
    return QuarantineRow(entry.id, entry.at, received_at, fields.get("reason", ""), raw, is_whole)


def _instant(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
