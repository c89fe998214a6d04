"""Entries as they come, for people who look on: nothing is acknowledged, and an outage is waited out."""

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import redis

from producers.contract.outages import passes
from worker.commands.command import Desk
from worker.inquiry.replies import Found, ReplyFilter, is_asked_for, read_reply
from worker.presentation.output import Output

#: Ms for which one read waits; entries that one read takes.
_BLOCK_MS: Final = 1000
_COUNT: Final = 200
#: Seconds between two tries while Redis is away.
_AWAY_S: Final = 0.5


def follow(
    desk: Desk, output: Output, asked: ReplyFilter, *, within_s: float | None = None
) -> Iterator[Found]:
    """Yield replies as they are published, without an end.

    The place in the stream is kept here: after an outage nothing is left out but what was trimmed meanwhile.

    Args:
        desk: the client.
        output: is told when Redis does not answer, and when it does again.
        asked: which replies.
        within_s: seconds after which it ends all the same.

    Raises:
        redis.RedisError: Redis did not answer at the beginning, or a trouble that does not pass.
    """
    places = {"replies": _beginning(desk, asked)}
    for _, entry_id, fields in entries_after(desk, output, places, within_s=within_s):
        if is_asked_for(asked, fields):
            yield read_reply(entry_id, fields)


def entries_after(
    desk: Desk, output: Output, places: Mapping[str, str], *, within_s: float | None = None
) -> Iterator[tuple[str, str, Mapping[bytes, bytes]]]:
    """Yield entries as they are appended, without an end: name of the stream, id, fields.

    Args:
        desk: the client.
        output: is told when Redis does not answer, and when it does again.
        places: the id behind which to begin, by the name of the stream.
        within_s: seconds after which it ends all the same.

    Raises:
        redis.RedisError: a trouble that does not pass.
    """
    last: dict[Any, Any] = {desk.keys.stream(name): place for name, place in places.items()}
    names = {desk.keys.stream(name): name for name in places}
    away, ends = False, math.inf if within_s is None else time.monotonic() + within_s
    while time.monotonic() < ends:
        try:
            found: Any = desk.client.xread(last, _COUNT, _BLOCK_MS)
        except redis.RedisError as error:
            if not passes(error):
                raise
            if not away:
                output.say(f"Redis does not answer ({type(error).__name__}); waiting for it")
            away = True
            time.sleep(_AWAY_S)
            continue
        if away:
            output.say("Redis is back")
            away = False
        for key, entry_id, fields in _entries(found):
            last[key] = entry_id
            yield names[key], entry_id, fields


def _beginning(desk: Desk, asked: ReplyFilter) -> str:
    """Name the entry behind which to begin."""
    if asked.since is not None:
        since_ms = round(asked.since.timestamp() * 1000)
        # Ids of streams begin in 1970.
        return f"{since_ms - 1}-{2**64 - 1}" if since_ms > 0 else "0-0"
    newest: Any = desk.client.xrevrange(desk.keys.stream("replies"), count=1)
    return newest[0][0].decode() if newest else "0-0"


def _entries(found: Any) -> Iterator[tuple[str, str, Mapping[bytes, bytes]]]:
    """Take the entries out of a reply, in whichever protocol."""
    streams = found.items() if isinstance(found, dict) else found or ()
    for key, entries in streams:
        # RESP3 wraps the list of a stream once more.
        flat = entries[0] if entries and isinstance(entries[0], list) else entries
        yield from ((key.decode(), entry_id.decode(), fields) for entry_id, fields in flat)
