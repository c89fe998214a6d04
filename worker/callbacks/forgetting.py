"""Forgets opt-outs that are older than the owner keeps them: some at a time, by each worker."""

from typing import Any, Final

import redis

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.process.every_few_seconds import EveryFewSeconds

_FORGET = Script(__package__, "forget_suppressed", when_full=True)

#: Seconds between two looks, and how many suppressions are about looked at then: a million in eight hours.
_EVERY_S: Final = 30.0
_LOOKED_AT: Final = 1000
_DAY_MS: Final = 86_400_000


class Forgetting:
    """Looks at some suppressions every few seconds, round and round.

    Args:
        client: Redis client.
        keys: key names.
        days: for which a suppression is kept; 0 for ever: then nothing is done.
    """

    def __init__(self, client: redis.Redis, keys: Keys, days: int) -> None:
        self._redis, self._keys, self._days = client, keys, days
        self._cursor = 0
        self._looks = EveryFewSeconds(self.look, _EVERY_S, name="forgetting", event="forgetting.failed")

    def start(self) -> None:
        """Start the thread that looks, if anything is ever forgotten."""
        if self._days:
            self._looks.start()

    def stop(self) -> None:
        """End the thread. Safe to repeat."""
        self._looks.stop()

    def look(self) -> int:
        """Look at the next ones, and forget what is too old; return how many. Safe to repeat.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        seconds, _ = self._redis.time()
        before_ms = int(seconds) * 1000 - self._days * _DAY_MS
        answer: Any = self._redis.hscan(self._keys.suppressed, self._cursor, count=_LOOKED_AT)
        self._cursor, found = answer
        old = [field.decode() for field, value in found.items() if int(value.split(b"|")[0]) < before_ms]
        forgotten = 0
        for start in range(0, len(old), _LOOKED_AT):
            given = {"fields": old[start : start + _LOOKED_AT], "before_ms": before_ms}
            forgotten += Command(_FORGET, self._keys.prefix, given, int).run(self._redis)
        return forgotten
