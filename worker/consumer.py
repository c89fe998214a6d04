"""Fetching entries of one queue under leases, and settling them: what Dramatiq calls a consumer."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import redis
import structlog
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed, DecodeError
from dramatiq.message import Message

from producers.jobs import JOBS, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING, SEND_SMS
from producers.keys import Keys
from producers.scripts import Command, Script
from worker.leases import LEASE_MS, Leases
from worker.throttle import Throttle

_FETCH = Script("worker", "fetch", when_full=True)
_SETTLE = Script("worker", "settle", when_full=True)
_REQUEUE = Script("worker", "requeue", when_full=True)

#: Milliseconds for which dead entries are kept.
DEAD_MS: Final = 7 * 86_400_000
#: Longest sleep of an idle consumer, in seconds: bounds how late it notices a stop or a dead worker's lease.
IDLE_S: Final = 1.0
#: Share of the worker threads that each queue may occupy: an alert always finds a thread that marketing and
#: callbacks cannot take.
SHARE: Final = {QUEUE_ALERT: 1.0, QUEUE_MARKETING: 0.5, QUEUE_CALLBACKS: 0.25}


@contextmanager
def connection_loss() -> Iterator[None]:
    """Report whatever Redis refuses as a lost connection: Dramatiq then waits and tries again."""
    try:
        yield
    except redis.RedisError as error:
        raise ConnectionClosed(type(error).__name__) from None  # type: ignore[no-untyped-call]


@dataclass
class Shared:
    """What the consumers of one process share, and what outlives each of them.

    Attributes:
        client: Redis client without retries of its own.
        keys: key names.
        leases: renews what this process holds.
        throttle: decides whether sends may be fetched now.
        process: name of this process in its leases.
        worker_threads: threads that share the work.
        draining: no more fetching, the process stops.
        fetches: numbers the fetches, so that no two leases are the same.
    """

    client: redis.Redis
    keys: Keys
    leases: Leases
    throttle: Throttle
    process: str
    worker_threads: int = 8
    draining: bool = False
    fetches: Iterator[int] = field(default_factory=lambda: itertools.count(1))


class LeasedMessage(MessageProxy):
    """A message together with the lease under which its entry was fetched.

    Args:
        message: Dramatiq's message.
        lease: member of the queue's lease set; another fetch of the same entry has another.
    """

    def __init__(self, message: Message[Any], lease: str) -> None:
        super().__init__(message)
        self.lease = lease


class LeaseConsumer(Consumer):
    """Fetches entries of one queue and settles them. `ack` and `nack` are called from worker threads.

    Args:
        shared: what all consumers of the process share.
        queue_name: which queue.
        prefetch: Dramatiq's limit of entries held here, running ones included.
        timeout: Dramatiq's idle time-out in milliseconds.
    """

    def __init__(self, shared: Shared, queue_name: str, prefetch: int, timeout: int) -> None:
        self._shared = shared
        self.queue_name = queue_name
        self.queue = shared.keys.queue(queue_name)
        share = SHARE.get(queue_name, 1.0)
        self.sends = JOBS.get(queue_name) == SEND_SMS
        self.limit = (
            max(1, min(prefetch, int(shared.worker_threads * share))) if share < 1 else max(1, prefetch)
        )
        self.idle_s = min(timeout / 1000, IDLE_S)
        self._fetched: deque[LeasedMessage] = deque()
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._room = threading.Event()
        self._log = structlog.get_logger()

    def __next__(self) -> LeasedMessage | None:
        """Return the next message, or None after a while without one."""
        if self._fetched:
            return self._fetched.popleft()
        self._room.clear()
        room = 0 if self._shared.draining else self.limit - len(self._held)
        if room <= 0:
            self._room.wait(self.idle_s)
            return None
        with connection_loss():
            due_ms = self._fetch(room)
            if not self._fetched:
                self._sleep(self.idle_s if due_ms < 0 else min(self.idle_s, due_ms / 1000))
        return self._fetched.popleft() if self._fetched else None

    def ack(self, message: MessageProxy) -> None:
        """Remove a processed entry; one that was moved by a retry is left where it went."""
        self._settle(message, dead=False)

    def nack(self, message: MessageProxy) -> None:
        """Set an entry aside among the dead."""
        self._settle(message, dead=True)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give entries back to the front of the queue."""
        self._give_back([message.lease for message in messages])

    def close(self) -> None:
        """Give back what was fetched and not handed out."""
        self._give_back([message.lease for message in self._fetched])
        self._fetched.clear()

    def _fetch(self, room: int) -> int:
        """Fill the cache; return milliseconds until something falls due, or -1."""
        queue = self.queue
        keys = [queue.ready, queue.delayed, queue.leases, queue.envelopes, queue.wake, queue.seen]
        owner = f"{self._shared.process}.{next(self._shared.fetches)}"
        args: list[str | int | float] = [owner, room, LEASE_MS]
        if self.sends:
            throttle = self._shared.throttle
            keys += throttle.fetch_keys()
            args += [self.queue_name, throttle.defaults.rate, throttle.defaults.in_flight]
        reply = Command(_FETCH, keys, args, list).run(self._shared.client)
        entries = [(reply[i].decode(), reply[i + 1]) for i in range(1, len(reply), 2)]
        leases = [f"{owner}:{entry}" for entry, _ in entries]
        self._shared.leases.hold(queue.leases, *leases)
        with self._lock:
            self._held.update(leases)
        for lease, (entry, envelope) in zip(leases, entries, strict=True):
            try:
                self._fetched.append(LeasedMessage(self._message(entry, envelope), lease))
            except DecodeError:
                self._log.error("queue.undecodable_entry", queue=self.queue_name)
                self._end(lease, entry, dead=True)
        return int(reply[0])

    def _message(self, entry: str, envelope: bytes) -> Message[Any]:
        if envelope:
            return Message.decode(envelope)
        job = JOBS[self.queue_name]
        return Message(
            queue_name=self.queue_name,
            actor_name=job.actor,
            args=(),
            kwargs={job.argument: entry},
            options={},
            message_id=entry,
        )

    def _sleep(self, seconds: float) -> None:
        """Sleep until a push wakes one of the idle consumers, at most so long."""
        if seconds >= 0.01:
            self._shared.client.blpop([self.queue.wake], timeout=seconds)
        elif seconds > 0:
            time.sleep(seconds)

    def _settle(self, message: MessageProxy, *, dead: bool) -> None:
        if not self._shared.leases.holds(self.queue.leases, message.lease):
            self._forget(message.lease)
            return
        with connection_loss():
            self._end(message.lease, message.message_id, dead=dead)

    def _end(self, lease: str, entry: str, *, dead: bool) -> None:
        queue = self.queue
        keys = [queue.leases, queue.envelopes, queue.dead, queue.ready, queue.wake]
        Command(_SETTLE, keys, [lease, entry, "1" if dead else "0", DEAD_MS], int).run(self._shared.client)
        self._forget(lease)

    def _give_back(self, leases: list[str]) -> None:
        if leases:
            keys = [self.queue.leases, self.queue.ready, self.queue.wake]
            try:
                with connection_loss():
                    Command(_REQUEUE, keys, leases, int).run(self._shared.client)
            finally:
                # If Redis did not hear us the leases run out, which gives the entries back as well.
                self._forget(*leases)

    def _forget(self, *leases: str) -> None:
        self._shared.leases.release(self.queue.leases, *leases)
        with self._lock:
            self._held.difference_update(leases)
        self._room.set()
