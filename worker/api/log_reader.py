"""Events by cursor: one reader, who stores the cursor in the transaction of what the entries lead to.

A cursor is the last entry that was looked at, and how many there had been up to it. The second number tells
of entries that were trimmed unread: the stream has had as many more than it has.
"""

import re
import time
from typing import Any, Final, NamedTuple

from producers.contract.steps import Commands, Steps
from worker.api.call import Answer, Call
from worker.api.entries import named_fields, read_entry, told_entry
from worker.api.event_shapes import ENTRY_ID, EventEntry, LogAnswer
from worker.api.problems import Refusal

#: Entries that one call looks at.
LOOKED_AT: Final = 1_000
CURSOR: Final = rf"0|\$|{ENTRY_ID}\.[0-9]{{1,19}}"
_BEGIN: Final = "0-0"


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


class _Facts(NamedTuple):
    added: int
    length: int
    last_id: str
    first_id: str | None

    @property
    def removed(self) -> int:
        return self.added - self.length


async def get_log(call: Call) -> Answer:
    """Hand out the entries behind a cursor, perhaps when some come."""
    query, key = call.query, call.desk.keys.stream(call.query["stream"])
    ends = time.monotonic() + query["wait_s"]
    cursor = await _start(call, key)
    while True:
        found, cursor, more = await _look(call, key, cursor)
        left = ends - time.monotonic()
        if found or more or left <= 0 or not call.desk.lookout.can_wait:
            return Answer(LogAnswer(found, str(cursor), more))
        last = b"" if cursor.entry_id == _BEGIN else cursor.entry_id.encode()
        await call.desk.lookout.until_more(key, f"log {id(call)}", last, left)


async def _start(call: Call, key: str) -> Cursor:
    after = call.query["after"]
    if after not in {"0", "$"}:
        entry_id, _, ordinal = after.partition(".")
        return Cursor(entry_id, int(ordinal))
    facts = await call.desk.ask(_facts(key))
    if facts is None:
        return Cursor(_BEGIN, 0)
    return Cursor(facts.last_id, facts.added) if after == "$" else Cursor(_BEGIN, facts.removed)


async def _look(call: Call, key: str, cursor: Cursor) -> tuple[list[EventEntry], Cursor, bool]:
    """Look at the entries behind a cursor once.

    Raises:
        Refusal: entries behind it were trimmed, or the stream is not the one that it counts.
    """
    query, most = call.query, call.query["max"]
    wanted = LOOKED_AT if query["request_id"] or query["campaign_id"] else most
    [entries] = await call.desk.do(Commands([("XRANGE", key, f"({cursor.entry_id}", "+", "COUNT", wanted)]))
    facts = await call.desk.ask(_facts(key))
    # Of a stream that had fewer entries than the cursor counts, Redis has forgotten some, read or not.
    if not (facts.removed <= cursor.ordinal <= facts.added if facts else cursor.ordinal == 0):
        raise Refusal("cursor-trimmed", first_entry_id=facts.first_id if facts else None)
    found: list[EventEntry] = []
    for entry_id, fields in entries:
        cursor = Cursor(entry_id.decode(), cursor.ordinal + 1)
        event = read_entry(query["stream"], fields)
        if _is_wanted(query, getattr(event, "request_id", None)):
            found.append(told_entry(cursor.entry_id, event))
            if len(found) == most:
                break
    at_end = facts is None or facts.last_id == cursor.entry_id
    if at_end and facts:
        # Entries that were deleted one by one make no difference from here on.
        cursor = Cursor(cursor.entry_id, facts.added)
    return found, cursor, not at_end and bool(entries)


def _is_wanted(query: Any, request_id: str | None) -> bool:
    wanted, campaign = query["request_id"], query["campaign_id"]
    if wanted and request_id != wanted:
        return False
    return not campaign or bool(request_id and re.match(rf"{re.escape(campaign)}\.\d+", request_id))


def _facts(key: str) -> Steps[_Facts | None]:
    [found] = yield Commands([("XINFO", "STREAM", key)], raises=False)
    if isinstance(found, Exception):
        if "no such key" in str(found):
            return None
        raise found
    known = named_fields(found)
    first = known["first-entry"]
    return _Facts(
        int(known["entries-added"]),
        int(known["length"]),
        known["last-generated-id"].decode(),
        first[0].decode() if first else None,
    )
