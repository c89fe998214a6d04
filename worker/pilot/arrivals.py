"""What came back by callbacks: receipts and replies of a trial, from the streams of this installation."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import redis

from producers.contract.keys import Keys

#: Streams that a trial looks at.
STREAMS: Final = ("receipts", "replies")
#: Entries of a stream that one command reads.
_PAGE: Final = 500
#: Seconds between two looks.
_LOOK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Arrival:
    """One receipt or reply.

    Attributes:
        at: when it came, seconds since the epoch by Redis's clock.
        ticket, number, status: as the entry has them.
        final: whether it is the last receipt of its number.
        raw: the event as it came.
    """

    at: float
    ticket: str
    number: str
    status: str
    final: bool
    raw: Mapping[str, Any]


class Arrivals:
    """Reads two streams and acknowledges nothing.

    Args:
        client: Redis client.
        keys: key names.
        after: the entry of each stream behind which a trial looks.
    """

    def __init__(self, client: redis.Redis, keys: Keys, after: Mapping[str, str]) -> None:
        self._redis = client
        self._keys = keys
        self._after = dict(after)
        self._known: dict[str, list[Arrival]] = {name: [] for name in STREAMS}

    def now(self) -> float:
        """Read Redis's clock."""
        seconds, microseconds = self._redis.time()
        return int(seconds) + int(microseconds) / 1_000_000

    def read(self, stream: str) -> list[Arrival]:
        """Return all that has come since the trial began."""
        key = self._keys.stream(stream)
        while page := self._entries(key, self._after[stream]):
            self._after[stream] = page[-1][0].decode()
            self._known[stream] += map(_arrival, page)
        return self._known[stream]

    def _entries(self, key: str, after: str) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
        page: Any = self._redis.xrange(key, f"({after}", count=_PAGE)
        return list(page)

    def wait(
        self,
        stream: str,
        wanted: Callable[[Arrival], bool],
        enough: Callable[[list[Arrival]], bool],
        wait_s: float,
    ) -> list[Arrival]:
        """Wait for what is wanted until there is enough of it, or the time is over; then return it."""
        ends = time.monotonic() + wait_s
        while True:
            found = [each for each in self.read(stream) if wanted(each)]
            if enough(found) or time.monotonic() >= ends:
                return found
            time.sleep(_LOOK_S)


def newest(client: redis.Redis, keys: Keys) -> dict[str, str]:
    """Name the newest entry of each stream."""
    return {name: _newest(client, keys.stream(name)) for name in STREAMS}


def _newest(client: redis.Redis, key: str) -> str:
    entries: Any = client.xrevrange(key, count=1)
    return str(entries[0][0].decode()) if entries else "0-0"


def _arrival(entry: tuple[bytes, Mapping[bytes, bytes]]) -> Arrival:
    entry_id, fields = entry
    text = {name.decode(): value.decode() for name, value in fields.items()}
    try:
        raw = msgspec.json.decode(text.get("raw", ""))
    except msgspec.DecodeError:
        # The event was longer than what is kept of it.
        raw = {}
    return Arrival(
        at=int(entry_id.partition(b"-")[0]) / 1000,
        ticket=text.get("ticket", ""),
        number=text.get("number", ""),
        status=text.get("status", ""),
        final=text.get("final") == "1",
        raw=raw if isinstance(raw, dict) else {},
    )


def flat(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an event, also those of objects in it, by their own names in small letters."""
    for name, value in raw.items():
        if isinstance(value, Mapping):
            yield from flat(value)
        else:
            yield name.lower(), value
