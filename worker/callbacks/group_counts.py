"""Groups of the streams: a worker corrects what Redis takes each of them to have been given."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import redis
import structlog

from producers.contract.keys import Keys
from producers.contract.kinds import TYPES
from producers.contract.scripts import Command, Script, as_string
from worker.process.every_few_seconds import EveryFewSeconds

_MEND: Final = Script(__package__, "mend_group", when_full=True)

#: Seconds between two looks of each worker process. Of a group that has read everything, no entry is read.
LOOK_S: Final = 60.0
#: Entries that one script counts, and scripts for one group in a look: bounds how long they keep Redis.
AT_ONCE: Final = 500
_STEPS: Final = 200


class GroupCounts:
    """Corrects the count of `producers.contract.group_lag` for whoever asks Redis. Thread-safe.

    What a group is given next does not change, nor what it has pending.

    Args:
        client: Redis client.
        keys: of the worker.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys
        self._log = structlog.get_logger()
        self._looks = EveryFewSeconds(
            self.look, LOOK_S, name="group-counts", event="stream.count_failed", at_once=True
        )

    def start(self) -> None:
        """Look now, and once a minute from now on."""
        self._looks.start()

    def stop(self) -> None:
        """End the looks. Safe to repeat."""
        self._looks.stop()

    def look(self) -> int:
        """Correct what is wrong now; return of how many groups. Safe to repeat.

        Raises:
            redis.RedisError: Redis did not answer; the next look goes on.
        """
        return sum(self._mend(*each) for stream in TYPES for each in self._doubtful(stream))

    def _doubtful(self, stream: str) -> Iterator[tuple[str, Mapping[str, Any], int]]:
        """Name the groups of a stream of which Redis may be wrong, and how long the stream is."""
        key = self._keys.stream(stream)
        try:
            told: Any = self._redis.xinfo_stream(key)
            groups: Any = self._redis.xinfo_groups(key)
        except redis.ResponseError:  # there is no such stream yet
            return
        for group in groups:
            given = _place(group["last-delivered-id"])
            # Behind a deleted entry Redis does not count, whatever it is told.
            if not told["length"] or _place(told["max-deleted-entry-id"]) < given:
                if group["lag"] == 0 and given >= _place(told["last-generated-id"]):
                    continue
                yield stream, group, told["length"]

    def _mend(self, stream: str, group: Mapping[str, Any], length: int) -> int:
        delivered, lag = group["last-delivered-id"].decode(), group["lag"]
        given: dict[str, Any] = {"stream": stream, "group": as_string(group["name"])}
        given |= {"delivered": delivered, "after": delivered, "counted": 0, "most": AT_ONCE}
        for _ in range(_STEPS):
            after, counted, mended = Command(_MEND, self._keys.prefix, given, list[Any]).run(self._redis)
            if mended:
                self._log.info("stream.group_counted", stream=stream, entries=counted)
            if not after or (lag is not None and counted <= lag <= length):
                return int(mended)
            given |= {"after": after.decode(), "counted": counted}
        return 0


def _place(entry_id: bytes) -> tuple[int, int]:
    ms, _, number = entry_id.partition(b"-")
    return int(ms), int(number)
