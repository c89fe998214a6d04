"""Who did what: the audit stream, newest first, and what was done to one send."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from producers.contract.keys import Keys
from producers.contract.steps import Steps
from worker.inquiry.paging import Entry, Page, read_stream

#: Entries read at a time, and at most, when those of one send are looked for.
BLOCK: Final = 500
EXAMINED: Final = 1_000
_SHOWN_APART: Final = frozenset({"v", "action", "by", "at"})


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One action.

    Attributes:
        id: of its entry.
        at: when, by Redis's clock.
        action: what was done, one word.
        by: who did it.
        about: what it was done to, and with what result, by name.
    """

    id: str
    at: datetime
    action: str
    by: str
    about: Mapping[str, str]


def newest(keys: Keys, cursor: str | None = None) -> Steps[Page[AuditRow]]:
    """Read the newest actions; one round trip.

    Raises:
        BadCursor: see `read_stream`.
    """
    page = yield from read_stream(keys.audit, cursor)
    return Page(tuple(map(_row, page.rows)), page.cursor)


def of_send(keys: Keys, request_id: str) -> Steps[tuple[AuditRow, ...]]:
    """Read what was done to one send, newest first, among the newest `EXAMINED` actions; two round trips."""
    found: list[AuditRow] = []
    cursor = None
    for _ in range(0, EXAMINED, BLOCK):
        page = yield from read_stream(keys.audit, cursor, BLOCK)
        found += (_row(each) for each in page.rows if each.fields.get("request_id") == request_id)
        cursor = page.cursor
        if cursor is None:
            break
    return tuple(found)


def _row(entry: Entry) -> AuditRow:
    fields = entry.fields
    about = {name: value for name, value in fields.items() if name not in _SHOWN_APART}
    return AuditRow(entry.id, entry.at, fields.get("action", ""), fields.get("by", ""), about)
