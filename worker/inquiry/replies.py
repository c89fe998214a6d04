"""Replies by country, by date, by what they answer and by what they say; newest first, a page at a time.

A reply counts by the time of its stream id: when the worker published it, by Redis's clock. That is moments
after it came, or later if Redis was away meanwhile.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from producers.contract.events import Reply, from_fields
from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.backwards import Backwards
from worker.inquiry.paging import PAGE, is_stream_id, moment, pairs

#: Replies read at a time while a text or a match is looked for, and at most for one page. One by one, as the
#: index of a country names them, they cost more.
BLOCK: Final = 250
EXAMINED: Final = 2_000
EXAMINED_ONE_BY_ONE: Final = 500
#: How much more it costs to fetch a reply by its id than in a block: 45 µs of both ends' time instead of 12.
#: (To read what was fetched and to write it as CSV costs 160 µs, however it was fetched.)
ONE_BY_ONE_COSTS: Final = 4
#: Where replies from nobody knows which country are kept.
NOWHERE: Final = "ZZ"
MATCHES: Final = ("ticket", "number", "none")

_COUNTRY: Final = re.compile(r"[A-Z]{2}|\d{3}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ReplyFilter:
    """Which replies are asked for; None asks for all.

    Attributes:
        country: region such as ``FR``; ``ZZ`` for unknown ones.
        since: first instant asked for, aware.
        until: first instant no longer asked for, aware.
        match: how it was found what the reply answers: ``ticket``, ``number`` or ``none``.
        text: what the reply contains, whatever the case and the accents.
    """

    country: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    match: str | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        if self.country is not None and not _COUNTRY.fullmatch(self.country):
            raise ValueError("a country is two capital letters such as FR, or ZZ for unknown ones")
        if self.match is not None and self.match not in MATCHES:
            raise ValueError("match is ticket, number or none")

    @cached_property
    def plain_text(self) -> str:
        """The text without case and accents."""
        return _plain(self.text or "")

    @property
    def reads_entries(self) -> bool:
        """Whether entries must be read to tell whether they are asked for."""
        return self.match is not None or bool(self.text)


@dataclass(frozen=True, slots=True)
class Found:
    """A reply, and where it lies.

    Attributes:
        id: of its entry in the stream.
        reply: what it says; None if the entry cannot be read.
    """

    id: str
    reply: Reply | None

    @property
    def at(self) -> datetime:
        """When it was published."""
        return moment(self.id)


@dataclass(frozen=True, slots=True)
class ReplyPage:
    """Some replies, newest first.

    Attributes:
        replies: at most as many as were asked for.
        cursor: what to ask on with for older ones; None if there are none.
        searched_to: how far back the search has come, if it ended because it had read enough; else None.
        examined: how many replies were read.
    """

    replies: tuple[Found, ...]
    cursor: str | None
    searched_to: datetime | None
    examined: int


_Entry = tuple[str, Mapping[bytes, bytes]]


def find(keys: Keys, asked: ReplyFilter, cursor: str | None = None, *, most: int = PAGE) -> Steps[ReplyPage]:
    """Find a page of replies.

    One or two round trips, three or four with a country; up to two dozen while a text or a match is looked
    for, or where entries are gone from the stream and not from the index.

    Args:
        keys: key names.
        asked: which replies.
        cursor: that of the page before; None for the newest.
        most: replies on a page.

    Returns:
        The page. What came while pages were turned is on none of them.

    Raises:
        ValueError: the cursor is none of ours.
    """
    if cursor is not None and not is_stream_id(cursor):
        raise ValueError("this cursor is none of ours")
    walk = yield from _walk(keys, asked, cursor, most)
    is_exact = walk.is_exact and not asked.reads_entries
    found: list[Found] = []
    examined, last = 0, None
    for _ in range(walk.examined // BLOCK):
        # One more than fits says whether there are older ones.
        wanted = most + 1 - len(found) if is_exact else BLOCK
        block, more = yield from walk.read(wanted)
        for entry in block:
            examined += 1
            if is_asked_for(asked, entry[1]):
                if len(found) == most:
                    return ReplyPage(tuple(found), last, None, examined)
                found.append(read_reply(*entry))
            last = entry[0]
        if not more:
            return ReplyPage(tuple(found), None, None, examined)
    return ReplyPage(tuple(found), walk.last, moment(walk.last) if walk.last else None, examined)


def read_countries(keys: Keys) -> Steps[dict[str, int]]:
    """Count the replies that are kept, by country; one round trip."""
    [counts] = yield Commands([("HGETALL", keys.reply_countries)])
    named = {name.decode(): int(count) for name, count in pairs(counts)}
    return dict(
        sorted(((name, count) for name, count in named.items() if count > 0), key=lambda each: -each[1])
    )


def _walk(keys: Keys, asked: ReplyFilter, cursor: str | None, most: int) -> Steps["_ByDate | _ByCountry"]:
    """Choose how to go back: through the index of a country, or through all replies, block by block.

    A page that need not read entries to choose among them takes them from the index. Where entries must be
    read, and for exports, the index pays off only for a country with few: so no export costs more than to
    read all replies once, block by block.
    """
    if asked.country is None:
        return _ByDate(keys, asked, cursor)
    if asked.reads_entries or most > PAGE:
        stream = keys.stream("replies")
        count, whole = yield Commands([("HGET", keys.reply_countries, asked.country), ("XLEN", stream)])
        if (2 if most <= PAGE else ONE_BY_ONE_COSTS) * int(count or 0) >= int(whole):
            return _ByDate(keys, asked, cursor)
    return _ByCountry(keys, asked, cursor)


class _ByDate:
    """Walks back through the stream: exact, if all of it is asked for."""

    examined = EXAMINED

    def __init__(self, keys: Keys, asked: ReplyFilter, cursor: str | None) -> None:
        self.is_exact = asked.country is None
        before = f"{_ms(asked.until)}-0" if asked.until else None
        if cursor is not None and (asked.until is None or moment(cursor) < asked.until):
            before = cursor
        since = str(_ms(asked.since)) if asked.since else "-"
        self._walk = Backwards(keys.stream("replies"), before, since)
        self.last = cursor

    def read(self, most: int) -> Steps[tuple[list[_Entry], bool]]:
        """Read the next entries, and say whether there may be more."""
        entries = yield from self._walk.read(most)
        block: list[_Entry] = [(entry_id.decode(), dict(pairs(fields))) for entry_id, fields in entries]
        if block:
            self.last = block[-1][0]
        return block, len(block) == most


class _ByCountry:
    """Walks back through the index of a country, where the ids of one millisecond stand by their bytes."""

    examined = EXAMINED_ONE_BY_ONE
    is_exact = True

    def __init__(self, keys: Keys, asked: ReplyFilter, cursor: str | None) -> None:
        self._stream = keys.stream("replies")
        self._index = keys.replies_by(asked.country or NOWHERE)
        self._oldest = _ms(asked.since) if asked.since else 0
        self._beyond = _ms(asked.until) if asked.until else None
        self._rank: int | None = None
        self.last = cursor

    def read(self, most: int) -> Steps[tuple[list[_Entry], bool]]:
        """Read the next entries, and say whether there may be more."""
        if self._rank is None:
            self._rank = yield from self._first_rank()
        begin, end = self._rank, self._rank + most - 1
        [members] = yield Commands([("ZRANGE", self._index, begin, end, "REV")])
        self._rank += len(members)
        places = [_place(member.decode()) for member in members]
        more = len(places) == most and places[-1][0] >= self._oldest
        # Ranks move when a reply comes: what was read before, or is beyond what is asked for, is left out.
        before = _place(self.last) if self.last else (self._beyond, "") if self._beyond is not None else None
        fresh = [each for each in places if each[0] >= self._oldest and (before is None or each < before)]
        if not fresh:
            return [], more
        self.last = fresh[-1][1]
        found = yield Commands([("XRANGE", self._stream, each, each) for _, each in fresh])
        return [(entries[0][0].decode(), dict(pairs(entries[0][1]))) for entries in found if entries], more

    def _first_rank(self) -> Steps[int]:
        """Find where to begin: behind the cursor, or where it stood if it is gone; not before `until`."""
        newest = f"({_place(self.last)[0]}" if self.last else "+inf"
        beyond = "+inf" if self._beyond is None else self._beyond
        rank, before, later = yield Commands(
            [
                ("ZREVRANK", self._index, self.last or ""),
                ("ZCOUNT", self._index, newest, "+inf"),
                ("ZCOUNT", self._index, beyond, "+inf"),
            ]
        )
        return max(int(before) if rank is None else int(rank) + 1, int(later))


def _place(stream_id: str) -> tuple[int, str]:
    return int(stream_id.partition("-")[0]), stream_id


def _ms(at: datetime) -> int:
    """Write an instant as ids of streams do; they begin in 1970."""
    return max(0, round(at.timestamp() * 1000))


def read_reply(entry_id: str, fields: Mapping[bytes, bytes]) -> Found:
    """Read an entry of the stream."""
    try:
        reply = from_fields(Reply, fields)
    except ValueError:
        reply = None
    return Found(entry_id, reply)


def is_asked_for(asked: ReplyFilter, fields: Mapping[bytes, bytes]) -> bool:
    """Say whether an entry has the country, the match and the text that are asked for.

    Thousands are looked at for one page: so a reply is made only of what is shown.
    """
    if (
        asked.country is not None
        and (fields.get(b"country", b"") or NOWHERE.encode()) != asked.country.encode()
    ):
        return False
    if asked.match is not None and fields.get(b"match") != asked.match.encode():
        return False
    return not asked.text or asked.plain_text in _plain(fields.get(b"text", b"").decode("utf-8", "replace"))


def _plain(text: str) -> str:
    """Take case and accents off a text."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))
