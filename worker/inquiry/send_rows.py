"""Lines of lists of sends: what the record of each says, or the entry that tells of its end.

They carry no number and no text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from producers.contract.jobs import CALL, MARKER
from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from producers.queueing.rounds import read_rounds
from worker.inquiry.paging import Entry, at_ms, texts

#: Messages of a share that are named.
_NAMED: Final = 5
_FIELDS: Final = (
    *("state", "queue", "queued", "due", "segments", "recipients", "campaign", "attempts"),
    *("code", "cost", "ended", "aside", "call", "doubt", "members", "rounds", "held"),
)

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


def read_rows(keys: Keys, ids: Sequence[str]) -> Steps[list[SendRow]]:
    """Read what lists show of some sends, in the order of their ids; one round trip."""
    records = yield from read_records(keys, ids)
    return [row_of(each, record) for each, record in zip(ids, records, strict=True)]


def ready_rows(keys: Keys, queue: str, entries: Sequence[str]) -> Steps[list[SendRow]]:
    """Read what is ready in a queue: sends, and messages that gather; two round trips at most."""
    shares = [keys.gather(each[1:]) for each in entries if each.startswith(MARKER)]
    gathered: list[Any] = []
    if shares:
        commands = [(("LLEN", share), ("LRANGE", share, 0, _NAMED - 1)) for share in shares]
        gathered = yield Commands([command for both in commands for command in both])
    sizes, firsts = iter(gathered[::2]), iter(gathered[1::2])
    alone = [each for each in entries if not each.startswith(MARKER)]
    records = iter((yield from read_records(keys, alone)))
    return [
        _gathering(queue, next(sizes), next(firsts))
        if each.startswith(MARKER)
        else row_of(each, next(records))
        for each in entries
    ]


def _gathering(queue: str, size: int, first: Iterable[bytes]) -> SendRow:
    named = tuple(each.decode("utf-8", "replace") for each in first)
    return SendRow(request_id="", state="queued", queue=queue, why="gather", gathered=size, named=named)


def read_records(keys: Keys, ids: Sequence[str]) -> Steps[list[dict[str, str]]]:
    """Read what rows show of some records, in one round trip; none for no ids."""
    if not ids:
        return []
    found = yield Commands([("HMGET", keys.record(each), *_FIELDS) for each in ids])
    return [texts(values, _FIELDS) for values in found]


def row_of(request_id: str, record: Mapping[str, str], **known: Any) -> SendRow:
    """Make the line of a send.

    Args:
        request_id: which.
        record: what `read_records` has found of it; empty if it is gone.
        **known: what its list knows besides.
    """
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


def row_of_end(entry: Entry, record: Mapping[str, str]) -> SendRow:
    """Make the line of an end, as an entry of the stream of statuses tells it.

    Args:
        entry: that tells it.
        record: what `read_records` has found of the send; empty if it is gone.
    """
    return SendRow(
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


def why_later(record: Mapping[str, str]) -> Why:
    """Say what keeps a send that comes later."""
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
