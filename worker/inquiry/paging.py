"""Pages of streams and sorted sets: 50 rows at a cost that does not grow with what is kept.

A cursor names the last row that was shown, not a position: rows that come or go meanwhile are neither shown
twice nor left out.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from producers.contract.steps import Commands, Steps
from worker.inquiry.backwards import Backwards

T = TypeVar("T")

#: Rows of a page.
PAGE: Final = 50

#: Ids as Redis's clock makes them until the year 5138. What is larger fits into no id, or into no date.
_STREAM_ID: Final = re.compile(r"\d{1,14}-\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list.

    Attributes:
        rows: at most as many as were asked for, in the list's order.
        cursor: what to ask on with; None at the end of the list.
    """

    rows: tuple[T, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream.

    Attributes:
        id: its id, such as ``1795417829636-0``.
        fields: names and values as text; bytes that are no text are replaced.
        raw: the same as they lie there.
    """

    id: str
    fields: Mapping[str, str]
    raw: Mapping[bytes, bytes]

    @property
    def at(self) -> datetime:
        """When it was appended, by Redis's clock."""
        return moment(self.id)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a sorted set.

    Attributes:
        name: the member.
        score: where it stands, mostly epoch milliseconds.
    """

    name: str
    score: float


class BadCursor(ValueError):
    """This cursor is none of ours: somebody changed an address by hand."""


def read_stream(key: str, cursor: str | None = None, most: int = PAGE) -> Steps[Page[Entry]]:
    """Read the newest entries of a stream, or those before a cursor; one or two round trips.

    Raises:
        BadCursor: the cursor is no stream id.
    """
    if cursor is not None and not is_stream_id(cursor):
        raise BadCursor
    # One more than fits says whether there are older ones.
    found = yield from Backwards(key, cursor).read(most + 1)
    entries = tuple(read_entry(*each) for each in found)
    shown = entries[:most]
    return Page(shown, shown[-1].id if len(entries) > most else None)


def is_stream_id(written: str) -> bool:
    """Say whether this can be the id of an entry. Redis would take others, too, for something else."""
    return _STREAM_ID.fullmatch(written) is not None


def moment(stream_id: str) -> datetime:
    """Say when an entry was appended, by Redis's clock."""
    return datetime.fromtimestamp(int(stream_id.partition("-")[0]) / 1000, UTC)


def read_entry(entry_id: bytes, fields: Any) -> Entry:
    """Read an entry as Redis returns it."""
    raw = dict(pairs(fields))
    text = {_text(name): _text(value) for name, value in raw.items()}
    return Entry(entry_id.decode(), text, raw)


def read_sorted(
    key: str, cursor: str | None = None, *, newest_first: bool = False, most: int = PAGE
) -> Steps[Page[Member]]:
    """Read members of a sorted set in order of their scores, or those behind a cursor; two round trips.

    Raises:
        BadCursor: the cursor is not one of an earlier page.
    """
    start = 0 if cursor is None else (yield from _rank_behind(key, cursor, newest_first=newest_first))
    order = ("REV",) if newest_first else ()
    [found] = yield Commands([("ZRANGE", key, start, start + most, *order, "WITHSCORES")])
    members = tuple(Member(_text(name), float(score)) for name, score in pairs(found))
    shown = members[:most]
    return Page(shown, write_place(shown[-1]) if len(members) > most else None)


def write_place(member: Member) -> str:
    """Write where a member stands, for `read_place`."""
    return f"{member.score!r}~{member.name}"


def read_place(cursor: str) -> Member:
    """Read where a member stands.

    Raises:
        BadCursor: this was not written by `write_place`.
    """
    score, tilde, name = cursor.partition("~")
    try:
        place = Member(name, float(score))
    except ValueError:
        raise BadCursor from None
    if not tilde or not math.isfinite(place.score):
        raise BadCursor
    return place


def _rank_behind(key: str, cursor: str, *, newest_first: bool) -> Steps[int]:
    """Find where a page begins: behind the member, or where it stood if it is gone or stands elsewhere."""
    place = read_place(cursor)
    name = place.name.encode("utf-8", "replace")
    beyond = (f"({place.score!r}", "+inf") if newest_first else ("-inf", f"({place.score!r}")
    rank, score, before = yield Commands(
        [
            ("ZREVRANK" if newest_first else "ZRANK", key, name),
            ("ZSCORE", key, name),
            ("ZCOUNT", key, *beyond),
        ]
    )
    stays = rank is not None and score is not None and float(score) == place.score
    return int(rank) + 1 if stays else int(before)


def pairs(flat: Any) -> Sequence[tuple[Any, Any]]:
    """Take pairs out of a reply: a mapping, a list of pairs, or names and values by turns."""
    if isinstance(flat, Mapping):
        return list(flat.items())
    if flat and isinstance(flat[0], list | tuple):
        return [(name, value) for name, value in flat]
    return list(zip(flat[::2], flat[1::2], strict=True))


def strings(reply: Any) -> dict[str, str]:
    """Read a hash, whichever way a client hands it over."""
    pairs = reply.items() if isinstance(reply, Mapping) else zip(reply[::2], reply[1::2], strict=True)
    return {name.decode(): value.decode("utf-8", "replace") for name, value in pairs}


def scored(reply: Sequence[Any]) -> Iterator[tuple[str, float]]:
    """Read members of a sorted set with their scores, whichever way a client hands them over."""
    pairs = (
        reply
        if not reply or isinstance(reply[0], list | tuple)
        else zip(reply[::2], reply[1::2], strict=True)
    )
    for member, score in pairs:
        yield member.decode("utf-8", "replace"), float(score)


def texts(values: Sequence[Any], names: Sequence[str]) -> dict[str, str]:
    """Name the values of an ``HMGET``; a field that is not there is left out."""
    return {name: _text(value) for name, value in zip(names, values, strict=True) if value is not None}


def at_ms(ms: str | float | None) -> datetime | None:
    """Read epoch milliseconds as an instant; None for nothing."""
    return datetime.fromtimestamp(float(ms) / 1000, UTC) if ms not in {None, ""} else None


def now_ms(reply: tuple[int, int]) -> int:
    """Read the reply to ``TIME`` as epoch milliseconds."""
    seconds, microseconds = reply
    return int(seconds) * 1000 + int(microseconds) // 1000


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
