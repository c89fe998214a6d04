"""Sends by what they do now: running, waiting, scheduled, ended; and one send by its id or ticket.

A tab is a page of 50 in at most three round trips. Rows carry no number and no text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from producers.contract.jobs import CALL, MARKER, QUEUE_ALERT, QUEUE_MARKETING
from producers.contract.keys import STATUSES, Keys
from producers.contract.steps import Commands, Steps
from producers.queueing.rounds import read_rounds
from worker.inquiry.paging import PAGE, BadCursor, Page, at_ms, read_sorted, read_stream, texts

#: The queues that sends wait in.
QUEUES: Final = (QUEUE_ALERT, QUEUE_MARKETING)
#: How far into a queue pages go: what lies deeper is found by its id.
DEEPEST: Final = 10_000

#: Messages of a share that are named.
_NAMED: Final = 5
_FIELDS: Final = (
    *("state", "queue", "queued", "due", "segments", "recipients", "campaign", "attempts"),
    *("code", "cost", "ended", "aside", "call", "doubt", "members", "rounds", "held"),
)
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)

Why = Literal["turn", "date", "retry", "aside", "held", "gather"]
#: What an entry of an end is, beside the other entries of the same send.
Telling = Literal["end", "again", "ticket", "before"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRow:
    """One line of a list of sends.

    Attributes:
        request_id: which; of a shared call it begins with ``@``. Empty for messages that gather.
        state: where it stands; None if its record is gone.
        queue: ``alert`` or ``marketing``.
        why: what keeps it: its ``turn``, its own ``date``, the time of a ``retry``, a gate (``aside``), its
            hours (``held``), or that it gathers with its like (``gather``).
        at: when what the list is about happens or happened: lease began, is due, ended; else queued.
        until: when the lease of a running attempt ends unless it is renewed.
        attempts: POSTs made.
        code: the gateway's last code, or our word.
        cost: what it cost, or None.
        segments, recipients: how many; None if not known.
        campaign: id of its campaign, or None.
        gate: which gate keeps it, or None.
        in_doubt: a POST may have been taken.
        gathered: how many messages gather, of a ``gather`` row.
        named: the first of those.
        telling: of an end, what its entry tells: the ``end`` of a send; its end after a person had sent it
            ``again``; a ``ticket`` that was learned later; an end ``before`` what became of it since.
        now: of an end, the state of the send by now; None if its record is gone.
    """

    request_id: str
    state: str | None
    queue: str | None = None
    why: Why = "turn"
    at: datetime | None = None
    until: datetime | None = None
    attempts: int = 0
    code: str | None = None
    cost: Decimal | None = None
    segments: int | None = None
    recipients: int | None = None
    campaign: str | None = None
    gate: str | None = None
    in_doubt: bool = False
    gathered: int = 0
    named: tuple[str, ...] = ()
    telling: Telling = "end"
    now: str | None = None

    @property
    def is_call(self) -> bool:
        """Whether this is a shared call and no message."""
        return self.request_id.startswith(CALL)


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
    records = yield from _records(keys, ids)
    starts = (yield Commands([("ZSCORE", keys.attempt_starts, each) for each in ids])) if ids else []
    rows = (
        _row(each, record, at=at_ms(start), until=at_ms(member.score))
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
    rows = yield from _ready_rows(keys, queue, shown)
    return Page(tuple(rows), str(deeper) if is_more else None)


def scheduled(keys: Keys, queue: str, cursor: str | None = None) -> Steps[Page[SendRow]]:
    """Read what comes later: at its date, for a retry, or looked at again since a gate keeps it.

    Raises:
        BadCursor: see `read_sorted`.
    """
    page = yield from read_sorted(keys.queue(queue).delayed, cursor)
    records = yield from _records(keys, [member.name for member in page.rows])
    rows = (
        _row(member.name, record, why=_why_later(record), at=at_ms(member.score))
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
    records = yield from _records(keys, [entry.fields.get("request_id", "") for entry in page.rows])
    rows = (
        SendRow(
            request_id=entry.fields.get("request_id", ""),
            state=entry.fields.get("state") or None,
            at=entry.at,
            attempts=_number(entry.fields.get("attempt")) or 0,
            code=entry.fields.get("code") or None,
            cost=_decimal(entry.fields.get("cost")),
            segments=_number(entry.fields.get("segments")),
            recipients=_number(record.get("recipients", "1")) if record else None,
            campaign=record.get("campaign"),
            telling=_telling(entry.fields.get("at", ""), record),
            now=record.get("state"),
        )
        for entry, record in zip(page.rows, records, strict=True)
    )
    return Page(tuple(rows), page.cursor)


def look_up(keys: Keys, word: str) -> Steps[str | None]:
    """Find the request_id, or the shared call, that a request_id or a ticket names; one round trip."""
    if not _ID.fullmatch(word):
        return None
    exists, of_ticket = yield Commands([("EXISTS", keys.record(word)), ("GET", keys.ticket(word))])
    if exists:
        return word
    return of_ticket.decode("utf-8", "replace") if of_ticket else None


def read_rows(keys: Keys, ids: Sequence[str]) -> Steps[list[SendRow]]:
    """Read what lists show of some sends, in the order of their ids; one round trip."""
    records = yield from _records(keys, ids)
    return [_row(each, record) for each, record in zip(ids, records, strict=True)]


def _ready_rows(keys: Keys, queue: str, entries: Sequence[str]) -> Steps[list[SendRow]]:
    shares = [keys.gather(each[1:]) for each in entries if each.startswith(MARKER)]
    gathered: list[Any] = []
    if shares:
        commands = [(("LLEN", share), ("LRANGE", share, 0, _NAMED - 1)) for share in shares]
        gathered = yield Commands([command for both in commands for command in both])
    sizes, firsts = iter(gathered[::2]), iter(gathered[1::2])
    alone = [each for each in entries if not each.startswith(MARKER)]
    records = iter((yield from _records(keys, alone)))
    return [
        _gathering(queue, next(sizes), next(firsts)) if each.startswith(MARKER) else _row(each, next(records))
        for each in entries
    ]


def _gathering(queue: str, size: int, first: Iterable[bytes]) -> SendRow:
    named = tuple(each.decode("utf-8", "replace") for each in first)
    return SendRow(request_id="", state="queued", queue=queue, why="gather", gathered=size, named=named)


def _records(keys: Keys, ids: Sequence[str]) -> Steps[list[dict[str, str]]]:
    """Read what rows show of some records, in one round trip; none for no ids."""
    if not ids:
        return []
    found = yield Commands([("HMGET", keys.record(each), *_FIELDS) for each in ids])
    return [texts(values, _FIELDS) for values in found]


def _row(request_id: str, record: Mapping[str, str], **known: Any) -> SendRow:
    facts: dict[str, Any] = {"at": at_ms(record.get("queued")), **known}
    return SendRow(
        request_id=request_id,
        state=record.get("state"),
        queue=record.get("queue"),
        attempts=_number(record.get("attempts")) or 0,
        code=record.get("code") or None,
        cost=_decimal(record.get("cost")),
        segments=_number(record.get("segments")),
        recipients=_number(record.get("recipients", "1")) if record else None,
        campaign=record.get("campaign"),
        gate=record.get("aside"),
        in_doubt=record.get("doubt") == "1",
        **facts,
    )


def _telling(at: str, record: Mapping[str, str]) -> Telling:
    """Say what an entry tells beside others of its send: its time, against that of the end in the record."""
    if not record:
        return "end"
    try:
        told_ms = round(datetime.fromisoformat(at).timestamp() * 1000)
        ended_ms = int(record.get("ended", 0))
        was_sent_again = bool(read_rounds(record.get("rounds")))
    except ValueError:
        return "end"
    if told_ms != ended_ms:
        return "ticket" if ended_ms and told_ms > ended_ms else "before"
    return "again" if was_sent_again else "end"


def _why_later(record: Mapping[str, str]) -> Why:
    if record.get("aside"):
        return "aside"
    if record.get("held"):
        return "held"
    if record.get("attempts") or record.get("code"):
        return "retry"
    return "date" if record.get("due") else "turn"


def _number(value: str | None) -> int | None:
    try:
        return int(value) if value else None
    except ValueError:
        return None


def _decimal(value: str | None) -> Decimal | None:
    try:
        found = Decimal(value) if value else None
    except InvalidOperation:
        return None
    return found if found is None or found.is_finite() else None
