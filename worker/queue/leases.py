"""Leases: this process says, every few seconds, which entries and attempts it is still at work on.

A lease is a member of a sorted set whose score is a deadline by Redis's clock. One thread renews all leases
of the process. When the process dies or is suspended, its leases run out and others take over. Each renewal
also gives back what the dead left: a process whose places are all taken does not fetch, but it renews.
"""

import threading
from collections import defaultdict
from typing import Final

import redis

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.process.every_few_seconds import EveryFewSeconds

#: Milliseconds a lease lasts without renewal: a killed worker's messages are running again after this and
#: at most a second of an idle consumer's wait, or a renewal of a process that is full.
LEASE_MS: Final = 9_000
#: Seconds between renewals; two may fail before a lease is lost, and one is sure to fall into the grace after
#: an outage of Redis (`tend` in ``leases.lua``).
RENEW_S: Final = 2.5

_RENEW = Script(__package__, "renew", when_full=True)


class Leases:
    """The leases of this process. Thread-safe.

    Args:
        client: Redis client for the renewals.
        keys: key names.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys
        self._queues: set[str] = set()
        self._kept: dict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()
        self._renewals = EveryFewSeconds(self.renew, RENEW_S, name="leases", event="leases.renewal_failed")

    def tend(self, queue: str) -> None:
        """See to the leases on a queue's entries with each renewal, whether this process has any or not."""
        with self._lock:
            self._queues.add(queue)

    def keep(self, key: str, *leases: str) -> None:
        """Renew these leases from now on; the script that took them has set their first deadline.

        Args:
            key: of the sorted set they are members of: the leases of attempts, or of a queue that is tended.
            leases: members of the set.
        """
        with self._lock:
            self._kept[key].update(leases)

    def release(self, key: str, *leases: str) -> int:
        """Stop renewing these leases; unknown ones are ignored. Returns how many were renewed until now."""
        with self._lock:
            kept = self._kept[key]
            before = len(kept)
            kept.difference_update(leases)
            return before - len(kept)

    def holds(self, key: str, lease: str) -> bool:
        """Say whether this lease is being renewed."""
        with self._lock:
            return lease in self._kept[key]

    def start(self) -> None:
        """Start renewing in a thread of its own."""
        self._renewals.start()

    def stop(self) -> None:
        """Stop renewing; what is left runs out by itself."""
        self._renewals.stop()

    def renew(self) -> None:
        """Renew all these leases, once, and give back what the dead left. Safe to repeat.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        with self._lock:
            given = {
                "lease_ms": LEASE_MS,
                "queues": {name: sorted(self._kept[self._keys.queue(name).leases]) for name in self._queues},
                "attempts": sorted(self._kept[self._keys.attempt_leases]),
            }
        Command(_RENEW, self._keys.prefix, given, int).run(self._redis)
