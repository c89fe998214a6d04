"""Events by cursor: one reader, who stores the cursor in the transaction of what the entries lead to.

A cursor is the last entry that was looked at, and how many there had been up to it. The second number tells
of entries that were trimmed unread: the stream has had as many more than it has.
"""

import re
import time
from typing import Any, Final, NamedTuple

from producers.contract.scripts import Command, Script
from worker.api.call import Answer, Call
from worker.api.entries import pairs, read_entry, told_entry
from worker.api.event_shapes import ENTRY_ID, EventEntry, LogAnswer
from worker.api.problems import Refusal

#: Entries that one call looks at.
LOOKED_AT: Final = 1_000
CURSOR: Final = rf"0|\$|{ENTRY_ID}\.[0-9]{{1,19}}"
_BEGIN: Final = "0-0"

_READ: Final = Script("worker.api", "read_log", when_full=True)


class Cursor(NamedTuple):
    """A place in a stream.

    Attributes:
        entry_id: the last entry before it.
        ordinal: how many entries the stream had had up to there.
    """

    entry_id: str
    ordinal: int

    def __str__(self) -> str:
        return f"{self.entry_id}.{self.ordinal}"


class _Seen(NamedTuple):
    """What one look at a stream has found."""

    entries: list[Any]
    added: int
    length: int
    last_id: str
    first_id: str | None

    @property
    def removed(self) -> int:
        return self.added - self.length


async def get_log(call: Call) -> Answer:
    """Hand out the entries behind a cursor, perhaps when some come."""
    query, stream = call.query, call.query["stream"]
    ends = time.monotonic() + query["wait_s"]
    cursor = await _start(call, stream)
    while True:
        found, cursor, more = await _look(call, stream, cursor)
        left = ends - time.monotonic()
        if found or more or left <= 0 or not call.desk.lookout.can_wait:
            return Answer(LogAnswer(found, str(cursor), more))
        last = b"" if cursor.entry_id == _BEGIN else cursor.entry_id.encode()
        waiting = call.desk.lookout.until_more(call.desk.keys.stream(stream), f"log {id(call)}", last, left)
        await call.caller.wait(waiting)
        if call.desk.lookout.released:
            return Answer(LogAnswer([], str(cursor), more=False))


async def _start(call: Call, stream: str) -> Cursor | None:
    """Say behind which place to look; None for all that is there, wherever that begins by then."""
    after = call.query["after"]
    if after == "0":
        return None
    if after == "$":
        seen = await call.desk.do(_seen(call, stream, "", 1))
        return Cursor(seen.last_id, seen.added) if seen else Cursor(_BEGIN, 0)
    entry_id, _, ordinal = after.partition(".")
    return Cursor(entry_id, int(ordinal))


async def _look(call: Call, stream: str, after: Cursor | None) -> tuple[list[EventEntry], Cursor, bool]:
    """Look at the entries behind a cursor once.

    Raises:
        Refusal: entries behind it were trimmed, or the stream is not the one that it counts.
    """
    query, most = call.query, call.query["max"]
    wanted = LOOKED_AT if query["request_id"] or query["campaign_id"] else most
    seen = await call.desk.do(_seen(call, stream, after.entry_id if after else "", wanted))
    cursor = after or Cursor(_BEGIN, seen.removed if seen else 0)
    # Of a stream that had fewer entries than the cursor counts, Redis has forgotten some, read or not.
    if not (seen.removed <= cursor.ordinal <= seen.added if seen else cursor.ordinal == 0):
        raise Refusal("cursor-trimmed", first_entry_id=seen.first_id if seen else None)
    if seen is None:
        return [], cursor, False
    found: list[EventEntry] = []
    for entry_id, fields in seen.entries:
        cursor = Cursor(entry_id.decode(), cursor.ordinal + 1)
        event = read_entry(query["stream"], pairs(fields))
        if _is_wanted(query, getattr(event, "request_id", None)):
            found.append(told_entry(cursor.entry_id, event))
            if len(found) == most:
                break
    at_end = seen.last_id == cursor.entry_id
    if at_end:
        # Entries that were deleted one by one make no difference from here on.
        cursor = Cursor(cursor.entry_id, seen.added)
    return found, cursor, not at_end and bool(seen.entries)


def _is_wanted(query: Any, request_id: str | None) -> bool:
    wanted, campaign = query["request_id"], query["campaign_id"]
    if wanted and request_id != wanted:
        return False
    return not campaign or bool(request_id and re.match(rf"{re.escape(campaign)}\.\d+", request_id))


def _seen(call: Call, stream: str, after: str, most: int) -> Command[_Seen | None]:
    given = {"stream": stream, "after": after, "most": most}
    return Command(_READ, call.desk.keys.prefix, given, _read_seen)


def _read_seen(reply: Any) -> _Seen | None:
    if reply is None:
        return None
    entries, added, length, last_id, first_id = reply
    return _Seen(entries, added, length, last_id.decode(), first_id.decode() or None)
