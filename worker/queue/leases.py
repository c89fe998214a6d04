"""Leases: this process says, every few seconds, which entries and attempts it is still at work on.

A lease is a member of a sorted set whose score is a deadline by Redis's clock. One thread renews all
leases of the process; when the process dies or freezes, they run out and others take over. With each
renewal it also sees to what has run out: a process whose places are all taken does not fetch.
"""

import threading
from collections import defaultdict
from typing import Final

import redis
import structlog

from producers.contract.outages import passes
from producers.contract.scripts import Command, Script

#: Milliseconds a lease lasts without renewal: a killed worker's messages are running again after this and
#: at most a second of an idle consumer's wait, or a renewal of a process that is full.
LEASE_MS: Final = 9_000
#: Seconds between renewals; two may fail before a lease is lost, and one is sure to fall into the grace after
#: an outage of Redis (`tend` in the Lua prelude).
RENEW_S: Final = 2.5

_RENEW = Script("worker.queue", "renew", when_full=True)


class Leases:
    """The leases of this process. Thread-safe.

    Args:
        client: Redis client for the renewals.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._held: dict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = structlog.get_logger()

    def tend(self, key: str) -> None:
        """See to a queue's set of leases with each renewal, whether this process holds any or not."""
        with self._lock:
            self._held[key].update()

    def hold(self, key: str, *members: str) -> None:
        """Renew these leases from now on; they were taken by a script that set their first deadline."""
        with self._lock:
            self._held[key].update(members)

    def release(self, key: str, *members: str) -> int:
        """Stop renewing these leases; unknown ones are ignored. Returns how many were renewed until now."""
        with self._lock:
            held = self._held[key]
            before = len(held)
            held.difference_update(members)
            return before - len(held)

    def holds(self, key: str, member: str) -> bool:
        """Say whether this lease is being renewed."""
        with self._lock:
            return member in self._held[key]

    def start(self) -> None:
        """Start renewing in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; what is still held runs out by itself."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def renew(self) -> None:
        """Renew everything held, once, and give back what the dead held.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        with self._lock:
            held = {key: sorted(members) for key, members in self._held.items()}
        if held:
            args: list[str | int] = [LEASE_MS]
            for members in held.values():
                args += [len(members), *members]
            Command(_RENEW, list(held), args, int).run(self._redis)

    def _run(self) -> None:
        while not self._stopping.wait(RENEW_S):
            try:
                self.renew()
            except redis.RedisError as error:
                if not passes(error):  # an outage is told once, by the connection
                    self._log.warning("leases.renewal_failed", reason=type(error).__name__)
