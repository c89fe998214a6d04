"""A walk through a stream from its newest entry to its oldest."""

from collections.abc import Sequence
from typing import Any

from producers.contract.steps import Commands, Steps


class Backwards:
    """Reads a stream backwards, some entries at a time.

    Redis and Valkey go through a whole stream in search of what lies before its first entry: half a second
    for a million. So the walk always knows where the stream begins, and asks for nothing before that.

    Args:
        key: of the stream.
        before: the id behind which the walk begins; None begins at the newest entry.
        since: the smallest id to read.
    """

    def __init__(self, key: str, before: str | None = None, since: str = "-") -> None:
        self._key = key
        self._before = before
        self._since = since
        self._first: str | None = None

    def read(self, most: int) -> Steps[Sequence[tuple[bytes, Any]]]:
        """Read the next entries, newest first; fewer than asked for if there are no more.

        One round trip; two for the first entries of a walk that begins in the middle.
        """
        if self._before is not None and self._first is None:
            [entries] = yield Commands([self._oldest])
            self._first = _id_of_first(entries)
        if self._before is not None and not (self._first and _place(self._first) < _place(self._before)):
            return []
        newest = "+" if self._before is None else f"({self._before}"
        # What is trimmed meanwhile moves the beginning.
        entries, oldest = yield Commands(
            [("XREVRANGE", self._key, newest, self._since, "COUNT", most), self._oldest]
        )
        self._first = _id_of_first(oldest)
        found: Sequence[tuple[bytes, Any]] = entries
        if found:
            self._before = found[-1][0].decode()
        return found

    @property
    def _oldest(self) -> tuple[str | int, ...]:
        return ("XRANGE", self._key, "-", "+", "COUNT", 1)


def _id_of_first(entries: Sequence[tuple[bytes, Any]]) -> str | None:
    return entries[0][0].decode() if entries else None


def _place(stream_id: str) -> tuple[int, int]:
    ms, _, number = stream_id.partition("-")
    return int(ms), int(number)
