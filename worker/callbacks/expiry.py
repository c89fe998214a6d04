"""Streams expire: entries go when they are older than they are kept, whether anything is published or not."""

from collections.abc import Iterator
from typing import Any, Final

import redis
import structlog

from producers.contract.keys import QUARANTINE, Keys
from producers.contract.kinds import TYPES
from producers.contract.scripts import Command, Script
from worker.callbacks.publisher import Publisher
from worker.process.every_few_seconds import EveryFewSeconds
from worker.settings import WorkerSettings

_EXPIRE: Final = Script(__package__, "expire_entries", when_full=True)

#: Seconds between two looks. Each worker process looks; where nothing is too old, a look reads one entry.
LOOK_S: Final = 60.0
#: Entries that one script drops, and scripts for one stream in a look: bounds how long they keep Redis.
AT_ONCE: Final = 500
_STEPS: Final = 40
_DAY_MS: Final = 86_400_000


class Expiry:
    """Drops what is too old from all streams but the audit, which tells who looked at whom. Thread-safe.

    Args:
        client: Redis client.
        settings: namespace, and for how many days entries are kept.
        publisher: takes turns that go out of their conversations.
    """

    def __init__(self, client: redis.Redis, settings: WorkerSettings, publisher: Publisher) -> None:
        self._redis = client
        self._keys = Keys(settings.namespace)
        self._keep_ms = settings.stream_retention_days * _DAY_MS
        self._publisher = publisher
        self._log = structlog.get_logger()
        self._looks = EveryFewSeconds(self.look, LOOK_S, name="stream-expiry", event="stream.expiry_failed")

    def start(self) -> None:
        """Look once a minute from now on; never if streams are kept by their length alone."""
        if self._keep_ms:
            self._looks.start()

    def stop(self) -> None:
        """End the looks. Safe to repeat."""
        self._looks.stop()

    def look(self) -> int:
        """Drop what is too old now; return how many entries. Safe to repeat.

        Entries that go before the slowest group of their stream has read them are counted, and logged at
        level error.

        Raises:
            redis.RedisError: Redis did not answer; the next look goes on.
        """
        return sum(self._expire(stream) for stream in self._streams())

    def _streams(self) -> Iterator[str]:
        """Name the streams, with what their groups gave up, and the dead letters of forwarders."""
        for stream in TYPES:
            yield stream
            for group in self._groups(stream):
                yield self._keys.poison(stream, group).removeprefix(self._keys.prefix)
        yield QUARANTINE
        names: Any = self._redis.zrange(self._keys.forwarders, 0, -1)
        for name in names:
            yield self._keys.forward_dead(name.decode()).removeprefix(self._keys.prefix)

    def _groups(self, stream: str) -> list[str]:
        try:
            groups: Any = self._redis.xinfo_groups(self._keys.stream(stream))
        except redis.ResponseError:  # there is no such stream yet
            return []
        return [group["name"].decode() for group in groups]

    def _expire(self, stream: str) -> int:
        given = {"stream": stream, "keep_ms": self._keep_ms, "most": AT_ONCE}
        dropped = unread = 0
        for _ in range(_STEPS):
            count, missed, gone = Command(_EXPIRE, self._keys.prefix, given, list[Any]).run(self._redis)
            dropped, unread = dropped + count, unread + missed
            if gone:
                self._publisher.unlist_turns(gone)
            if count < AT_ONCE:
                break
        if unread:
            self._log.error("stream.unread_trimmed", stream=stream, entries=unread)
        return dropped
