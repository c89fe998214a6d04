"""Sends by what they do now: running, waiting, scheduled, ended; and one send by its id or ticket.

A tab is a page of 50 in at most three round trips. Rows carry no number and no text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from producers.contract.jobs import QUEUE_ALERT, QUEUE_MARKETING
from producers.contract.keys import STATUSES, Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.paging import PAGE, BadCursor, Page, at_ms, read_sorted, read_stream
from worker.inquiry.send_rows import SendRow, read_records, ready_rows, row_of, row_of_end, why_later

#: The queues that sends wait in.
QUEUES: Final = (QUEUE_ALERT, QUEUE_MARKETING)
#: How far into a queue pages go: what lies deeper is found by its id.
DEEPEST: Final = 10_000

_ID: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SendCounts:
    """How many there are of what the tabs show; each is counted in constant time.

    Attributes:
        running: attempts.
        waiting: entries that are ready, by queue; what gathers for one call is one entry.
        scheduled: entries that come later, by queue.
    """

    running: int
    waiting: Mapping[str, int]
    scheduled: Mapping[str, int]


def count(keys: Keys) -> Steps[SendCounts]:
    """Count what the tabs show; one round trip. Ends are not counted: a send may have several entries."""
    queues = [keys.queue(name) for name in QUEUES]
    running, *rest = yield Commands(
        [
            ("ZCARD", keys.attempt_leases),
            *[("LLEN", queue.ready) for queue in queues],
            *[("ZCARD", queue.delayed) for queue in queues],
        ]
    )
    waiting, scheduled = rest[: len(QUEUES)], rest[len(QUEUES) :]
    return SendCounts(
        running, dict(zip(QUEUES, waiting, strict=True)), dict(zip(QUEUES, scheduled, strict=True))
    )


def running(keys: Keys, cursor: str | None = None) -> Steps[Page[SendRow]]:
    """Read attempts that run, the one first whose lease ends first.

    Raises:
        BadCursor: see `read_sorted`.
    """
    page = yield from read_sorted(keys.attempt_leases, cursor)
    ids = [member.name.rpartition(":")[0] for member in page.rows]
    records = yield from read_records(keys, ids)
    starts = (yield Commands([("ZSCORE", keys.attempt_starts, each) for each in ids])) if ids else []
    rows = (
        row_of(each, record, at=at_ms(start), until=at_ms(member.score))
        for each, record, start, member in zip(ids, records, starts, page.rows, strict=True)
    )
    return Page(tuple(rows), page.cursor)


def waiting(keys: Keys, queue: str, cursor: str | None = None) -> Steps[Page[SendRow]]:
    """Read what is ready in a queue, next one first, at most `DEEPEST` entries deep.

    The cursor is a position: while the queue moves, rows may come twice or be left out.

    Raises:
        BadCursor: the cursor is no such position.
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and int(cursor) < DEEPEST):
        raise BadCursor
    start = int(cursor or 0)
    [found] = yield Commands([("LRANGE", keys.queue(queue).ready, start, start + PAGE)])
    entries = [entry.decode("utf-8", "replace") for entry in found]
    shown, deeper = entries[:PAGE], start + PAGE
    is_more = len(entries) > PAGE and deeper < DEEPEST
    rows = yield from ready_rows(keys, queue, shown)
    return Page(tuple(rows), str(deeper) if is_more else None)


def scheduled(keys: Keys, queue: str, cursor: str | None = None) -> Steps[Page[SendRow]]:
    """Read what comes later: at its date, for a retry, or looked at again since a gate keeps it.

    Raises:
        BadCursor: see `read_sorted`.
    """
    page = yield from read_sorted(keys.queue(queue).delayed, cursor)
    records = yield from read_records(keys, [member.name for member in page.rows])
    rows = (
        row_of(member.name, record, why=why_later(record), at=at_ms(member.score))
        for member, record in zip(page.rows, records, strict=True)
    )
    return Page(tuple(rows), page.cursor)


def ended(keys: Keys, cursor: str | None = None) -> Steps[Page[SendRow]]:
    """Read the newest ends, as the stream of statuses tells them; two round trips.

    A send stands there once more whenever it ended anew, or its ticket was learned: `SendRow.telling`.
    Recipients and campaign are those of the record, as long as it is there.

    Raises:
        BadCursor: see `read_stream`.
    """
    page = yield from read_stream(keys.stream(STATUSES), cursor)
    records = yield from read_records(keys, [entry.fields.get("request_id", "") for entry in page.rows])
    rows = (row_of_end(entry, record) for entry, record in zip(page.rows, records, strict=True))
    return Page(tuple(rows), page.cursor)


def look_up(keys: Keys, word: str) -> Steps[str | None]:
    """Find the request_id, or the shared call, that a request_id or a ticket names; one round trip."""
    if not _ID.fullmatch(word):
        return None
    exists, of_ticket = yield Commands([("EXISTS", keys.record(word)), ("GET", keys.ticket(word))])
    if exists:
        return word
    return of_ticket.decode("utf-8", "replace") if of_ticket else None
