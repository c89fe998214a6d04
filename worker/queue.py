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

from typing import Any

import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.message import Message
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker

from producers.keys import Keys, QueueKeys
from producers.scripts import Command, Script
from worker.consumer import LeaseConsumer, Shared, connection_loss
from worker.leases import Leases
from worker.throttle import Throttle

_DEFER = Script("worker", "defer", when_full=True)
_PUSH = Script("worker", "push", when_full=True)


class LeaseBroker(RedisBroker):
    """Dramatiq broker over leased queue entries.

    Args:
        client: Redis client without retries of its own.
        keys: key names.
        leases: renews what this process holds.
        throttle: decides whether sends may be fetched now.
        middleware: Dramatiq middleware, listed explicitly.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        leases: Leases,
        throttle: Throttle,
        middleware: list[Middleware],
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=client, middleware=[*middleware, _WorkerShape()], namespace=keys.prefix
        )
        self.shared = Shared(client, keys, leases, throttle, process=self.broker_id)

    @property
    def consumer_class(self) -> type[LeaseConsumer]:
        """The consumer for every queue."""
        return LeaseConsumer

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> LeaseConsumer:
        """Make a consumer of one queue; Dramatiq calls this again after a lost connection."""
        return self.consumer_class(self.shared, queue_name, prefetch, timeout)

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
        queue, entry, envelope = self._queue(message.queue_name), message.message_id, message.encode()
        lease = getattr(message, "lease", None)
        with connection_loss():
            if lease is not None:
                # Whatever comes of the move, the entry must not be acknowledged after it.
                self.shared.leases.release(queue.leases, lease)
                keys = [queue.leases, queue.delayed, queue.envelopes, queue.wake]
                Command(_DEFER, keys, [lease, entry, envelope, delay or 0], int).run(self.client)
            else:
                keys = [queue.ready, queue.delayed, queue.envelopes, queue.wake]
                Command(_PUSH, keys, [entry, envelope, delay or 0], int).run(self.client)
        self.emit_after("enqueue", message, delay)
        return message

    def do_qsize(self, queue_name: str) -> int:
        """Count what is ready, delayed and leased; `join` waits for 0."""
        queue = self._queue(queue_name)
        return sum(
            (
                int(self.client.llen(queue.ready)),
                int(self.client.zcard(queue.delayed)),
                int(self.client.zcard(queue.leases)),
            )
        )

    def do_purge(self, queue_name: str) -> None:
        """Drop a queue; `flush` calls this. Records stay."""
        queue = self._queue(queue_name)
        self.client.delete(
            queue.ready, queue.delayed, queue.leases, queue.envelopes, queue.wake, queue.dead, queue.seen
        )

    def _queue(self, queue_name: str) -> QueueKeys:
        return self.shared.keys.queue(queue_name)


class _WorkerShape(Middleware):
    """Tells the broker how many threads share the work, and when to stop fetching."""

    def before_worker_boot(self, broker: Any, worker: Worker) -> None:
        broker.shared.worker_threads = worker.worker_threads

    def before_worker_shutdown(self, broker: Any, worker: Worker) -> None:
        broker.shared.draining = True
