"""Messages that a person may decide about: how many of which state and code, and which, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from producers.contract.jobs import PARKED
from producers.contract.keys import Keys
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands, Steps
from worker.inquiry.paging import PAGE, now_ms, pairs, scored

#: Groups that are looked at, those with the newest messages first: more than the gateway has codes.
GROUPS_MAX: Final = 200

#: Pages of messages that ended in one millisecond: a script ends 128 at most.
_SAME_MS_MAX: Final = 100


#: Messages that wait for a person, and are named on the first page.
_NEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class Group:
    """The parked messages of one state and code.

    Attributes:
        state: ``unknown``, ``failed`` or ``rejected``.
        code: the gateway's last code, or our word; may be empty.
        count: how many there are.
    """

    state: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A message that waits for a person."""

    request_id: str
    state: str
    code: str
    ended_ms: int


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that waits for a person.

    Attributes:
        request_id: which.
        state: ``unknown``, ``failed`` or ``rejected``.
        code: the gateway's last code, or our word.
        ended_ms: epoch milliseconds at which it got there.
        expired: its ttl has passed: sent again, it would end as expired.
    """

    request_id: str
    state: str
    code: str
    ended_ms: int
    expired: bool


@dataclass(frozen=True, slots=True)
class ParkedPage:
    """Some parked messages.

    Attributes:
        rows: the oldest first. There may be fewer than fit, also none: a message that has left meanwhile, or
            whose record is gone, is left out.
        cursor: where the next page begins; empty after the last one.
    """

    rows: tuple[Parked, ...]
    cursor: str


class _Place(NamedTuple):
    """Where a message stands in a sorted set: by its end, then by its id."""

    ended_ms: int
    request_id: str


@dataclass(frozen=True, slots=True)
class ParkedMessages:
    """Questions about parked messages; each takes a few round trips, however many messages there are.

    Attributes:
        keys: key names.
        retention_ms: how long records are kept; what has ended earlier is gone.
    """

    keys: Keys
    retention_ms: int

    @classmethod
    def of(cls, settings: RedisSettings) -> Self:
        """Take namespace and retention from the settings."""
        return cls(Keys(settings.namespace), settings.retention_ms)

    def groups(self) -> Steps[list[Group]]:
        """Count the parked messages by state and code; the group with the newest message first."""
        time, names = yield Commands([("TIME",), ("ZREVRANGE", self.keys.parked_groups, 0, GROUPS_MAX - 1)])
        named = [name.decode().partition(":") for name in names]
        gone = f"({now_ms(time) - self.retention_ms}"
        counts = yield Commands(
            [("ZCOUNT", self.keys.parked_group(state, code), gone, "+inf") for state, _, code in named]
        )
        groups = zip(named, counts, strict=True)
        return [Group(state, code, count) for (state, _, code), count in groups if count]

    def page(self, group: Group | None = None, cursor: str = "", limit: int = PAGE) -> Steps[ParkedPage]:
        """List parked messages, those that have waited longest first.

        The cursor is a place in time: whoever goes from page to page meets each message once, although
        others come and go meanwhile.

        Args:
            group: only those; None for all.
            cursor: that of the page before; empty for the first page.
            limit: messages of the page at most.

        Raises:
            ValueError: nobody gave out this cursor.
        """
        key = self.keys.parked_group(group.state, group.code) if group else self.keys.parked
        places = yield from _places(key, _read_place(cursor), limit + 1)
        shown = places[:limit]
        rows = yield from self.named([place.request_id for place in shown])
        if group:
            rows = [each for each in rows if (each.state, each.code) == (group.state, group.code)]
        return ParkedPage(tuple(rows), _write_place(shown[-1]) if len(places) > limit else "")

    def named(self, request_ids: Sequence[str]) -> Steps[list[Parked]]:
        """Look messages up by their ids, in one round trip; any that is not parked is left out."""
        reads = [
            ("HMGET", self.keys.record(each), "state", "code", "ended", "expires") for each in request_ids
        ]
        time, *found = yield Commands([("TIME",), *reads])
        rows = []
        for request_id, fields in zip(request_ids, found, strict=True):
            state, code, ended, expires = (value.decode() if value else "" for value in fields)
            if state in PARKED:
                expired = bool(expires) and int(float(expires)) <= now_ms(time)
                rows.append(Parked(request_id, state, code, int(float(ended or 0)), expired))
        return rows


def _places(key: str, after: _Place, most: int) -> Steps[list[_Place]]:
    """Find the places behind one. Many messages may have ended in the same millisecond."""
    places: list[_Place] = []
    for start in range(0, most * _SAME_MS_MAX, most):
        command = ("ZRANGEBYSCORE", key, after.ended_ms, "+inf", "WITHSCORES", "LIMIT", start, most)
        [flat] = yield Commands([command])
        found = [_Place(int(float(score)), name.decode()) for name, score in pairs(flat)]
        places += [place for place in found if place > after]
        if len(found) < most or len(places) >= most:
            break
    return places[:most]


def _read_place(cursor: str) -> _Place:
    ended_ms, _, request_id = cursor.partition(":")
    return _Place(int(ended_ms), request_id) if cursor else _Place(0, "")


def _write_place(place: _Place) -> str:
    return f"{place.ended_ms}:{place.request_id}"


def newest_problems(keys: Keys) -> Steps[tuple[Problem, ...]]:
    """Name the newest messages that wait for a person."""
    [newest] = yield Commands([("ZREVRANGE", keys.parked, 0, _NEWEST - 1, "WITHSCORES")])
    named = list(scored(newest))
    commands = [("HMGET", keys.record(request_id), "state", "code") for request_id, _ in named]
    records = (yield Commands(commands)) if commands else []
    return tuple(map(_problem, named, records))


def _problem(found: tuple[str, float], record: Sequence[bytes | None]) -> Problem:
    state, code = ((value or b"").decode("utf-8", "replace") for value in record)
    return Problem(found[0], state, code, int(found[1]))
