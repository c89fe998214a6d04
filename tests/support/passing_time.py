"""Time passes faster: what waits in Redis for a later moment comes due, as if the clock had got there.

Only what waits is moved. Leases are not: a living worker renews them in real time.
"""

import threading
from contextlib import suppress
from typing import Self

import redis

from producers.contract.jobs import QUEUE_ALERT, QUEUE_MARKETING
from tests.support.keys import AllKeys

#: Seconds between two looks.
_LOOK_S = 0.1
#: One step: a hold that ends meanwhile must not come back as half a hold.
_PROBE_NOW = "return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HSET', KEYS[1], 'probe_at', 1)"


class PassingTime:
    """Brings forward what is delayed, paused or held, and forgets strain, until it is left.

    Args:
        client: Redis client of its own.
        keys: key names.
    """

    def __init__(self, client: redis.Redis, keys: AllKeys) -> None:
        self._redis = client
        self._keys = keys
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="passing-time")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def pass_now(self) -> None:
        """Let everything that waits come due."""
        for name in (QUEUE_ALERT, QUEUE_MARKETING):
            queue = self._keys.queue(name)
            waiting = self._redis.zrange(queue.delayed, 0, -1)
            if waiting:
                self._redis.zadd(queue.delayed, dict.fromkeys(waiting, 1), xx=True)
                self._redis.rpush(queue.wake, "1")
        self._redis.pexpire(self._keys.pause, 1)
        self._redis.pexpire(self._keys.strain, 1)
        self._redis.eval(_PROBE_NOW, 1, self._keys.hold)

    def lose_workers(self) -> None:
        """Let the leases of workers run out that all have been killed."""
        for name in (QUEUE_ALERT, QUEUE_MARKETING):
            self._run_out(self._keys.queue(name).leases)
        self._run_out(self._keys.attempt_leases)

    def _run_out(self, key: str) -> None:
        held = self._redis.zrange(key, 0, -1)
        if held:
            self._redis.zadd(key, dict.fromkeys(held, 1), xx=True)

    def _run(self) -> None:
        while not self._over.wait(_LOOK_S):
            with suppress(redis.ConnectionError, redis.TimeoutError):
                self.pass_now()
