"""How far the groups of the streams are. No entry is read: whoever counts needs no texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis.asyncio

from producers.contract.group_lag import at_most_all
from producers.contract.keys import Keys

#: Groups of one stream that are told, the first by name.
GROUPS_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The figures of one group.

    Attributes:
        stream, name: of which stream, and its own name.
        lag: entries that it was not given yet, as a worker has corrected Redis; None where Redis cannot tell.
        pending: entries that it was given and has not acknowledged.
        oldest_pending_ms: when the oldest of these was appended; None if there is none.
        poison: entries that it has given up.
    """

    stream: str
    name: str
    lag: int | None
    pending: int
    oldest_pending_ms: int | None
    poison: int


async def read_groups(client: redis.asyncio.Redis, keys: Keys, streams: Sequence[str]) -> list[GroupFigures]:
    """Read all groups of some streams, in two round trips.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    async with client.pipeline(transaction=False) as pipeline:
        for stream in streams:
            pipeline.xlen(keys.stream(stream))
            pipeline.xinfo_groups(keys.stream(stream))
        # A stream that nobody has written or read yet is no stream, which is an error.
        found = await pipeline.execute(raise_on_error=False)
    groups = [
        (stream, {**group, "lag": at_most_all(group.get("lag"), length)})
        for stream, length, told in zip(streams, found[::2], found[1::2], strict=True)
        if not isinstance(told, Exception)
        for group in sorted(told, key=_name)[:GROUPS_MAX]
    ]
    async with client.pipeline(transaction=False) as pipeline:
        for stream, group in groups:
            pipeline.xpending(keys.stream(stream), group["name"])
            pipeline.xlen(keys.poison(stream, _name(group)))
        # A group may go between the two trips.
        replies = await pipeline.execute(raise_on_error=False)
    told = zip(groups, replies[::2], replies[1::2], strict=True)
    return [
        _figures(stream, group, pending, poison)
        for (stream, group), pending, poison in told
        if not isinstance(pending, Exception) and not isinstance(poison, Exception)
    ]


def _figures(stream: str, group: Mapping[str, Any], pending: Mapping[str, Any], poison: int) -> GroupFigures:
    oldest = pending["min"]
    return GroupFigures(
        stream,
        _name(group),
        lag=group["lag"],
        pending=int(pending["pending"]),
        oldest_pending_ms=int(oldest.split(b"-")[0]) if oldest else None,
        poison=int(poison),
    )


def _name(group: Mapping[str, Any]) -> str:
    name: bytes = group["name"]
    return name.decode("utf-8", "replace")
