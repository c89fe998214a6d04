"""The consume side of the queue: Dramatiq's Redis broker with entries that cannot get lost.

Stock Dramatiq keeps its actors, middleware, retries and command line; this subclass replaces where messages
lie and how they are fetched (`producers.keys` lists the keys, ``worker/lua`` holds the scripts):

- an entry is fetched under a lease that `Leases` renews; when a process dies, the next fetch by anybody puts
  its entries back at the front of the queue;
- a retry moves the entry into a sorted set by due time, in one step; due entries move on with any fetch;
- an idle consumer sleeps on a wake-up list and starts within milliseconds of a push;
- time-outs and read-only replicas count as connection loss, so consumers restart instead of hanging.

A queue entry without an envelope is the job of its queue on its own id (`producers.jobs`); a retry adds
Dramatiq's envelope to remember the number of retries.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
import structlog
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed, DecodeError
from dramatiq.message import Message
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker

from producers.jobs import JOBS, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING
from producers.keys import Keys
from producers.scripts import Command, Script
from worker.leases import LEASE_MS, Leases

_FETCH = Script("worker", "fetch")
_SETTLE = Script("worker", "settle")
_DEFER = Script("worker", "defer")
_PUSH = Script("worker", "push")
_REQUEUE = Script("worker", "requeue")

#: Milliseconds for which dead entries are kept.
DEAD_MS: Final = 7 * 86_400_000
#: Longest sleep of an idle consumer, in seconds: bounds how late it notices a stop or a dead worker's lease.
IDLE_S: Final = 1.0
#: Share of the worker threads that each queue may occupy: an alert always finds a thread that marketing and
#: callbacks cannot take.
SHARE: Final = {QUEUE_ALERT: 1.0, QUEUE_MARKETING: 0.5, QUEUE_CALLBACKS: 0.25}


@contextmanager
def _connection_loss() -> Iterator[None]:
    """Report whatever Redis refuses as a lost connection: Dramatiq then waits and tries again."""
    try:
        yield
    except redis.RedisError as error:
        raise ConnectionClosed(type(error).__name__) from None  # type: ignore[no-untyped-call]


class LeaseBroker(RedisBroker):
    """Dramatiq broker over leased queue entries.

    Args:
        client: Redis client without retries of its own.
        keys: key names.
        leases: renews what this process holds.
        middleware: Dramatiq middleware, listed explicitly.
    """

    def __init__(self, client: redis.Redis, keys: Keys, leases: Leases, middleware: list[Middleware]) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=client, middleware=[*middleware, _WorkerShape()], namespace=keys.prefix
        )
        self.keys = keys
        self.leases = leases
        self.worker_threads = 8
        self.draining = False

    @property
    def consumer_class(self) -> type["LeaseConsumer"]:
        """The consumer for every queue."""
        return LeaseConsumer

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; delayed entries need no queue of their own here."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Queue a message under its id. A message that this process is processing moves instead.

        Safe to repeat: an id is queued once.

        Args:
            message: what Dramatiq wants to run; a retry keeps its id.
            delay: milliseconds before it may run.

        Raises:
            ConnectionClosed: Redis did not confirm. A message in processing then stays leased and comes back
                when its lease runs out.
        """
        self.emit_before("enqueue", message, delay)
        queue, entry, envelope = self.keys.queue(message.queue_name), message.message_id, message.encode()
        lease = f"{self.broker_id}:{entry}"
        with _connection_loss():
            if self.leases.holds(queue.leases, lease):
                # Whatever comes of the move, the entry must not be acknowledged after it.
                self.leases.release(queue.leases, lease)
                keys = [queue.leases, queue.delayed, queue.envelopes, queue.wake]
                Command(_DEFER, keys, [self.broker_id, entry, envelope, delay or 0], int).run(self.client)
            else:
                keys = [queue.ready, queue.delayed, queue.envelopes, queue.wake]
                Command(_PUSH, keys, [entry, envelope, delay or 0], int).run(self.client)
        self.emit_after("enqueue", message, delay)
        return message

    def do_qsize(self, queue_name: str) -> int:
        """Count what is ready, delayed and leased; `join` waits for 0."""
        queue = self.keys.queue(queue_name)
        return sum(
            (
                int(self.client.llen(queue.ready)),
                int(self.client.zcard(queue.delayed)),
                int(self.client.zcard(queue.leases)),
            )
        )

    def do_purge(self, queue_name: str) -> None:
        """Drop a queue; `flush` calls this. Records stay."""
        queue = self.keys.queue(queue_name)
        self.client.delete(queue.ready, queue.delayed, queue.leases, queue.envelopes, queue.wake, queue.dead)


class _WorkerShape(Middleware):
    """Tells the broker how many threads share the work, and when to stop fetching."""

    def before_worker_boot(self, broker: Any, worker: Worker) -> None:
        broker.worker_threads = worker.worker_threads
        broker.leases.start()

    def before_worker_shutdown(self, broker: Any, worker: Worker) -> None:
        broker.draining = True

    def after_worker_shutdown(self, broker: Any, worker: Worker) -> None:
        broker.leases.stop()


class LeaseConsumer(Consumer):
    """Fetches entries of one queue and settles them. `ack` and `nack` are called from worker threads.

    Args:
        broker: whose queue.
        queue_name: which queue.
        prefetch: Dramatiq's limit of entries held here, running ones included.
        timeout: Dramatiq's idle time-out in milliseconds.
    """

    def __init__(self, broker: LeaseBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        self.broker = broker
        self.queue_name = queue_name
        self.queue = broker.keys.queue(queue_name)
        share = SHARE.get(queue_name, 1.0)
        self.limit = (
            max(1, min(prefetch, int(broker.worker_threads * share))) if share < 1 else max(1, prefetch)
        )
        self.idle_s = min(timeout / 1000, IDLE_S)
        self._fetched: deque[MessageProxy] = deque()
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._room = threading.Event()
        self._log = structlog.get_logger()

    def __next__(self) -> MessageProxy | None:
        """Return the next message, or None after a while without one."""
        if self._fetched:
            return self._fetched.popleft()
        self._room.clear()
        room = 0 if self.broker.draining else self.limit - len(self._held)
        if room <= 0:
            self._room.wait(self.idle_s)
            return None
        with _connection_loss():
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
        self._give_back([message.message_id for message in messages])

    def close(self) -> None:
        """Give back what was fetched and not handed out."""
        with _connection_loss():
            self._give_back([message.message_id for message in self._fetched])
        self._fetched.clear()

    def _fetch(self, room: int) -> int:
        """Fill the cache; return milliseconds until something falls due, or -1."""
        queue = self.queue
        keys = [queue.ready, queue.delayed, queue.leases, queue.envelopes, queue.wake]
        reply = Command(_FETCH, keys, [self.broker.broker_id, room, LEASE_MS], list).run(self.broker.client)
        entries = [(reply[i].decode(), reply[i + 1]) for i in range(1, len(reply), 2)]
        self.broker.leases.hold(queue.leases, *(self._lease(entry) for entry, _ in entries))
        with self._lock:
            self._held.update(entry for entry, _ in entries)
        for entry, envelope in entries:
            try:
                self._fetched.append(MessageProxy(self._message(entry, envelope)))
            except DecodeError:
                self._log.error("queue.undecodable_entry", queue=self.queue_name)
                self._end(entry, dead=True)
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
            self.broker.client.blpop([self.queue.wake], timeout=seconds)
        elif seconds > 0:
            time.sleep(seconds)

    def _settle(self, message: MessageProxy, *, dead: bool) -> None:
        entry = message.message_id
        if not self.broker.leases.holds(self.queue.leases, self._lease(entry)):
            self._forget(entry)
            return
        with _connection_loss():
            self._end(entry, dead=dead)

    def _end(self, entry: str, *, dead: bool) -> None:
        queue = self.queue
        args = [self.broker.broker_id, entry, "1" if dead else "0", DEAD_MS]
        Command(_SETTLE, [queue.leases, queue.envelopes, queue.dead], args, int).run(self.broker.client)
        self._forget(entry)

    def _give_back(self, entries: list[str]) -> None:
        if entries:
            keys = [self.queue.leases, self.queue.ready, self.queue.wake]
            with _connection_loss():
                try:
                    Command(_REQUEUE, keys, [self.broker.broker_id, *entries], int).run(self.broker.client)
                finally:
                    # If Redis did not hear us the leases run out, which gives the entries back as well.
                    self._forget(*entries)

    def _forget(self, *entries: str) -> None:
        self.broker.leases.release(self.queue.leases, *(self._lease(entry) for entry in entries))
        with self._lock:
            self._held.difference_update(entries)
        self._room.set()

    def _lease(self, entry: str) -> str:
        return f"{self.broker.broker_id}:{entry}"
