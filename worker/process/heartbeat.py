"""Signs of life of a worker process, so that people and monitoring see how many there are."""

import os
import secrets
import socket
from contextlib import suppress

import redis

from producers.contract.heartbeats import BEAT_S, FORGOTTEN_MS, Rules, name_worker
from producers.contract.jobs import LAYOUT
from producers.contract.keys import Keys
from producers.contract.scripts import REDIS_ERRORS, Command, Script
from worker.process.every_few_seconds import EveryFewSeconds

_BEAT = Script(__package__, "beat", when_full=True)


class Heartbeat:
    """Says every few seconds that this process lives; says goodbye at a clean stop.

    Nothing decides by it: leases tell whose work is taken over.

    Args:
        client: Redis client.
        keys: key names.
        rules: the hours of marketing by which this process goes.
    """

    def __init__(self, client: redis.Redis, keys: Keys, rules: Rules) -> None:
        self._redis = client
        self._keys = keys
        # Processes in containers may share host name and number.
        process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.name = name_worker(process, rules, LAYOUT)
        self._beats = EveryFewSeconds(self.beat, BEAT_S, name="heartbeat", event="heartbeat.failed")

    def start(self) -> None:
        """Give a first sign of life, and start a thread that gives the others."""
        self._beats.once()
        self._beats.start()

    def stop(self) -> None:
        """End the thread and say goodbye; with Redis away nobody hears it. Safe to repeat."""
        self._beats.stop()
        with suppress(*REDIS_ERRORS):
            self._redis.zrem(self._keys.workers, self.name)

    def beat(self) -> None:
        """Say that this process lives. Safe to repeat.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        given = {"name": self.name, "forgotten_ms": FORGOTTEN_MS}
        Command(_BEAT, self._keys.prefix, given, int).run(self._redis)
