"""What Redis says of the messages, read while the soak runs: records live shorter than it does.

A primary that is replaced may forget its last moments. What was read of these is read again.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final

import redis

from tests.soak.days import Leaps
from tests.soak.place import KEYS
from tests.soak.verdict import Record

#: Seconds between two readings; a record stays for two days of the soak, three minutes, after its end.
EVERY_S: Final = 10.0
_AT_ONCE: Final = 1_000
_ENDS: Final = frozenset({"accepted", "rejected", "expired", "cancelled", "unknown", "failed"})


class Harvest:
    """Reads, as a thread.

    Args:
        client: of Redis, wherever its primary is.
        leaps: what the clock showed when.

    Attributes:
        records: by request_id, of all that has ended.
        stopped: by number, the leaping time of the first opt-out that was published.
        racing: numbers of shared calls that went on in doubt.
    """

    def __init__(self, client: redis.Redis, leaps: Leaps) -> None:
        self._redis, self._leaps = client, leaps
        self._waiting: set[str] = set()
        self._ended_at: dict[str, float] = {}
        #: Those that a later receipt may turn into another end, until they are forgotten.
        self._in_doubt: set[str] = set()
        self._cursor = "-"
        self._lock, self._done = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="harvest")
        self.records: dict[str, Record] = {}
        self.stopped: dict[str, float] = {}
        self.racing: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many messages have not ended yet."""
        return len(self._waiting)

    @property
    def unfinished(self) -> set[str]:
        """Name them."""
        return self._waiting

    def expect(self, request_ids: Iterable[str]) -> None:
        """Look for these from now on."""
        with self._lock:
            self._waiting.update(request_ids)

    def forget(self, since: float) -> None:
        """Read again what was read since a true time: Redis may have forgotten some of it."""
        with self._lock:
            again = [name for name, at in self._ended_at.items() if at >= since]
            for name in again:
                del self._ended_at[name], self.records[name]
            self._in_doubt.difference_update(again)
            self._waiting.update(again)
            self.stopped = {number: at for number, at in self.stopped.items() if self._leaps.true(at) < since}
            self._cursor = str(int(1000 * min(self._leaps.shown(since))))

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Read for the last time."""
        self._done.set()
        self._thread.join()
        self.read()

    def _run(self) -> None:
        while not self._done.wait(EVERY_S):
            try:
                self.read()
            except redis.RedisError:  # while a primary is replaced
                continue

    def read(self) -> None:
        """Read what is new.

        Raises:
            redis.RedisError: Redis is away.
        """
        with self._lock:
            self._read_records()
            self._read_optouts()
            self._read_races()

    def _read_records(self) -> None:
        for names in _parts(sorted(self._waiting | self._in_doubt)):
            with self._redis.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hmget(KEYS.record(name), "state", "code", "first", "raced")
                answers = pipeline.execute()
            at = time.time()
            for name, answer in zip(names, answers, strict=True):
                state, code, first, raced = ((each or b"").decode() for each in answer)
                self._in_doubt.discard(name)
                if state in _ENDS:
                    self._waiting.discard(name)
                    self._ended_at.setdefault(name, at)
                    if state == "unknown":
                        self._in_doubt.add(name)
                    self.records[name] = Record(
                        state, code, float(first) / 1000 if first else None, bool(raced)
                    )

    def _read_optouts(self) -> None:
        while entries := self._redis.xrange(KEYS.stream("optouts"), self._cursor, count=_AT_ONCE):
            for entry_id, fields in entries:
                at = int(entry_id.partition(b"-")[0]) / 1000
                self.stopped.setdefault(fields[b"number"].decode(), at)
            self._cursor = "(" + entries[-1][0].decode()

    def _read_races(self) -> None:
        for key in self._redis.scan_iter(f"{KEYS.prefix}record:@*", count=_AT_ONCE):
            if self._redis.hget(key, "raced"):
                call = key.decode().partition("record:")[2]
                self.racing |= {number.decode() for number in self._redis.hkeys(KEYS.members(call))}


def _parts(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]
