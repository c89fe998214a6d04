"""How many entries a group of a stream was not given yet, where the figure of Redis may be wrong.

Redis counts what a group was given, and its ``lag`` is the rest. Redis 7.0 tells that count neither its
replicas nor its append-only file as it grows. After a failover or a restart it is too small, and stays so:
the lag of a group that has read everything is then what it has read since the last copy. Where unread
entries were deleted one by one, Redis tells no lag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Entries that are counted behind the last one that a group was given. Beyond these the figure of Redis is
#: taken if it can be right; else all that is known is that they are at least so many.
COUNTED: Final = 100


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind.

    Attributes:
        entries: entries that it was not given yet.
        at_least: whether there may be more.
    """

    entries: int
    at_least: bool = False

    def __str__(self) -> str:
        return f"at least {self.entries}" if self.at_least else str(self.entries)


def ask_unread(key: str, delivered: str) -> Sequence[str | int]:
    """Name the command that finds what a group was not given yet, up to `COUNTED`.

    Args:
        key: of the stream.
        delivered: the last entry that the group was given.
    """
    return ("XRANGE", key, f"({delivered}", "+", "COUNT", COUNTED)


def ask_first(key: str) -> Sequence[str | int]:
    """Name the command that finds the first entry of a stream."""
    return ("XRANGE", key, "-", "+", "COUNT", 1)


def true_lag(told: int | None, length: int, first: Sequence[Any], unread: Sequence[Any]) -> Lag:
    """Say how far a group is behind.

    Args:
        told: the ``lag`` of ``XINFO GROUPS``.
        length: entries that the stream has.
        first: the answer to `ask_first`.
        unread: the answer to `ask_unread`.
    """
    if len(unread) < COUNTED:
        return Lag(len(unread))
    if first and first[0][0] == unread[0][0]:
        return Lag(length)
    if told is not None and COUNTED <= told <= length:
        return Lag(told)
    return Lag(COUNTED, at_least=True)


def at_most_all(told: int | None, length: int) -> int | None:
    """Correct the ``lag`` of ``XINFO GROUPS`` as far as can be without reading an entry.

    A group is never behind by more than its stream has. The rest a worker corrects in Redis.

    Returns:
        None where Redis cannot tell.
    """
    return None if told is None else max(0, min(told, length))
