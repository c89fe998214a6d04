"""Who reads the streams, how far, and what each group has given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from producers.contract.group_lag import Lag, ask_first, ask_unread, true_lag
from producers.contract.keys import Keys
from producers.contract.kinds import TYPES
from producers.contract.steps import Commands, Steps
from worker.inquiry.paging import Entry, Page, moment, read_stream
from worker.inquiry.panels import Panel, side_by_side

#: Groups of one stream that are shown.
GROUPS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One consumer group.

    Attributes:
        name: its name.
        consumers: how many read for it.
        lag: entries it has not been given.
        pending: entries given to a consumer and not acknowledged.
        oldest_pending_at: when the oldest of these was appended, or None.
        poison: entries it has given up.
    """

    name: str
    consumers: int
    lag: Lag
    pending: int
    oldest_pending_at: datetime | None
    poison: int


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One stream.

    Attributes:
        stream: its short name.
        length: entries that it keeps.
        newest_at: when the last of them was appended; None if it is empty.
        unread_trimmed: entries it dropped before its slowest group had read them.
        groups: the first `GROUPS` of its groups by name.
        more_groups: how many more it has.
    """

    stream: str
    length: int
    newest_at: datetime | None
    unread_trimmed: int
    groups: tuple[Group, ...]
    more_groups: int


def read_feeds(keys: Keys) -> Steps[dict[str, Panel[FeedRow]]]:
    """Read all streams that applications read, each with its own answer; three round trips."""
    return (yield from side_by_side({name: _read_feed(keys, name) for name in TYPES}))


def _read_feed(keys: Keys, name: str) -> Steps[FeedRow]:
    length, first, last, dropped, is_there = yield Commands(_of_stream(keys, name))
    # A stream that nobody has written or read yet has no groups, and XINFO would be an error.
    [groups] = (yield Commands([("XINFO", "GROUPS", keys.stream(name))])) if is_there else [()]
    found = _by_name(groups)
    commands = [command for group in found[:GROUPS] for command in _of_group(keys, name, group)]
    told = (yield Commands(commands)) if commands else []
    stream = length, first
    shown = (_group(stream, group, *told[3 * n : 3 * n + 3]) for n, group in enumerate(found[:GROUPS]))
    return FeedRow(
        stream=name,
        length=length,
        newest_at=_appended_at(last),
        unread_trimmed=int(dropped or 0),
        groups=tuple(shown),
        more_groups=max(0, len(found) - GROUPS),
    )


def read_poison(keys: Keys, stream: str, group: str, cursor: str | None = None) -> Steps[Page[Entry]]:
    """Read the newest entries that a group has given up; one round trip.

    Raises:
        BadCursor: see `read_stream`.
    """
    return (yield from read_stream(keys.poison(stream, group), cursor))


def _of_stream(keys: Keys, name: str) -> Sequence[Sequence[str | int]]:
    key = keys.stream(name)
    return [
        ("XLEN", key),
        ask_first(key),
        ("XREVRANGE", key, "+", "-", "COUNT", 1),
        ("HGET", keys.unread_trimmed, name),
        ("EXISTS", key),
    ]


def _of_group(keys: Keys, stream: str, group: Mapping[str, Any]) -> Sequence[Sequence[str | int]]:
    key = keys.stream(stream)
    return [
        ("XPENDING", key, _str(group["name"])),
        ask_unread(key, _str(group["last-delivered-id"])),
        ("XLEN", keys.poison(stream, _str(group["name"]))),
    ]


def _by_name(groups: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    named = [{_str(name): value for name, value in group.items()} for group in groups]
    return sorted(named, key=lambda group: _str(group["name"]))


def _group(
    stream: tuple[int, Sequence[Any]],
    group: Mapping[str, Any],
    pending: Mapping[str, Any],
    unread: Sequence[Any],
    poison: int,
) -> Group:
    oldest = pending["min"]
    return Group(
        name=_str(group["name"]),
        consumers=int(group["consumers"]),
        lag=true_lag(group.get("lag"), *stream, unread),
        pending=int(group["pending"]),
        oldest_pending_at=moment(_str(oldest)) if oldest else None,
        poison=poison,
    )


def _appended_at(entries: Sequence[Any]) -> datetime | None:
    return moment(_str(entries[0][0])) if entries else None


def _str(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
