"""The consume side of the queue: Dramatiq's Redis broker with entries that cannot get lost.

Stock Dramatiq keeps its actors, middleware, retries and command line; this subclass replaces where messages
lie and how they are fetched (`producers.contract.keys` lists the keys, ``worker/lua`` holds the scripts):

- an entry is fetched under a lease that `Leases` renews; when a process dies, the next fetch by anybody puts
  its entries back at the front of the queue;
- a retry moves the entry into a sorted set by due time, in one step; due entries move on with any fetch;
- an idle consumer sleeps on a wake-up list and starts within milliseconds of a push;
- time-outs and read-only replicas count as connection loss, so consumers restart instead of hanging.

A queue entry without an envelope is the job of its queue on its own id (`producers.contract.jobs`); an
unplanned failure adds Dramatiq's envelope to remember the number of retries.
"""

from collections.abc import Callable
from typing import Any, cast

import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.message import Message
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker

from producers.contract.jobs import JOBS
from producers.contract.keys import Keys, QueueKeys
from producers.contract.scripts import Command, Script
from worker.account.throttle import Throttle
from worker.queue.consumer import LeaseConsumer, LeasedMessage, Shared, connection_loss
from worker.queue.entries import Entry
from worker.queue.leases import Leases
from worker.queue.slots import Slots

_DEFER = Script("worker.queue", "defer", when_full=True)
_PUSH = Script("worker.queue", "push", when_full=True)


class LeaseBroker(RedisBroker):
    """Dramatiq broker over leased queue entries.

    Args:
        client: Redis client without retries of its own.
        keys: key names.
        leases: renews what this process holds.
        throttle: decides whether sends may be fetched now.
        middleware: Dramatiq middleware, listed explicitly.
        slots: places for entries at hand, by queue; a queue without any has Dramatiq's prefetch.
        share_max: recipients in a shared call at most, now; 1 while none is shared.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        leases: Leases,
        throttle: Throttle,
        middleware: list[Middleware],
        slots: dict[str, Slots] | None = None,
        share_max: Callable[[], int] = lambda: 500,
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=client, middleware=[*middleware, _Draining()], namespace=keys.prefix
        )
        self.shared = Shared(client, keys, leases, throttle, self.broker_id, dict(slots or {}), share_max)

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
        queue = self._queue(message.queue_name)
        with connection_loss():
            if isinstance(message, LeasedMessage):
                # Whatever comes of the move, the entries must not be acknowledged after it.
                message.batch.holder.forget(message.batch.entries)
                args: list[str | int | bytes] = []
                for entry in message.batch.entries:
                    args += [entry.lease, entry.id, _envelope(message, entry), delay or 0]
                keys = [queue.leases, queue.delayed, queue.envelopes, queue.wake]
                Command(_DEFER, keys, args, int).run(self.client)
            else:
                keys = [queue.ready, queue.delayed, queue.envelopes, queue.wake]
                Command(_PUSH, keys, [message.message_id, message.encode(), delay or 0], int).run(self.client)
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
        # A share whose token is gone would gather for ever.
        entries = cast("list[bytes]", self.client.lrange(queue.ready, 0, -1))
        tokens = [entry[1:].decode() for entry in entries if entry.startswith(b"~")]
        gathers = [self.shared.keys.gather(share) for share in tokens]
        self.client.delete(
            *gathers,
            queue.ready,
            queue.delayed,
            queue.leases,
            queue.ending,
            queue.envelopes,
            queue.wake,
            queue.dead,
            queue.heard,
            queue.back,
        )

    def _queue(self, queue_name: str) -> QueueKeys:
        return self.shared.keys.queue(queue_name)


def _envelope(message: LeasedMessage, entry: Entry) -> bytes:
    """What an entry takes along on its way to a retry: for a job of ours only how often it has failed."""
    if message.queue_name not in JOBS:
        return message.encode()  # type: ignore[no-any-return]
    options = {"retries": message.options.get("retries", 0)}
    return Message(
        queue_name=message.queue_name,
        actor_name=message.actor_name,
        args=(),
        kwargs={},
        options=options,
        message_id=entry.id,
    ).encode()


class _Draining(Middleware):
    """Tells the consumers when to stop fetching."""

    def before_worker_shutdown(self, broker: Any, worker: Worker) -> None:
        broker.shared.draining = True
