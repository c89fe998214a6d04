"""The consume side of the queue: a Dramatiq broker with entries that cannot get lost.

Actors, middleware, retries and the command line are Dramatiq's; this broker says where messages lie and how
they are fetched (`producers.contract.key_table` lists the keys, the scripts lie beside this file):

- an entry is fetched under a lease that `Leases` renews; when a process dies, the next fetch or renewal by
  anybody puts its entries back at the front of the queue;
- a retry moves the entry into a sorted set by due time, in one step; due entries move on with any fetch;
- an idle consumer sleeps on a wake-up list and starts within milliseconds of a push;
- time-outs and read-only replicas count as connection loss, so consumers restart instead of hanging.

An entry is an id, for the actor of its queue (`producers.contract.jobs`). Producers push entries without
Dramatiq; an unplanned failure adds Dramatiq's envelope, which counts the retries.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import redis
from dramatiq.broker import Broker
from dramatiq.message import Message
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker

from producers.contract.keys import Keys
from worker.account.throttle import Limits
from worker.queue.consumer import LeaseConsumer, LeasedMessage
from worker.queue.entries import Entry
from worker.queue.leases import Leases
from worker.queue.one_process import Process
from worker.queue.slots import Slots


class LeaseBroker(Broker):
    """Dramatiq broker over leased queue entries.

    Args:
        client: Redis client without retries of its own.
        keys: key names.
        leases: renews what this process holds.
        limits: of the account, where none are set live.
        middleware: Dramatiq middleware, listed explicitly.
        slots: places for entries at hand, by queue.
        share_max: members of a shared call at most, now; 1 while none is shared.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        leases: Leases,
        limits: Limits,
        middleware: list[Middleware],
        slots: Mapping[str, Slots],
        share_max: Callable[[], int],
    ) -> None:
        super().__init__(middleware=[*middleware, _Draining()])
        name = str(uuid4())
        self.process = Process(client, keys, leases, limits, name, slots, share_max)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> LeaseConsumer:
        """Make a consumer of one queue; Dramatiq calls this again after a lost connection.

        The places of the queue limit what it holds, not Dramatiq's ``prefetch``.
        """
        return LeaseConsumer(self.process, queue_name, timeout)

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue; delayed entries need no queue of their own here."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Let the entries of a message that has failed come again, each alone. Safe to repeat.

        Args:
            message: a `LeasedMessage`; nothing else is queued through Dramatiq.
            delay: milliseconds before it may run.

        Raises:
            ConnectionClosed: Redis did not confirm; the entries come back when their leases run out.
        """
        assert isinstance(message, LeasedMessage)  # noqa: S101 - producers queue, Dramatiq only retries
        self.emit_before("enqueue", message, delay)
        batch = message.batch
        batch.holder.delay([entry.delayed(delay or 0, _envelope(message, entry)) for entry in batch.entries])
        self.emit_after("enqueue", message, delay)
        return message


def _envelope(message: LeasedMessage, entry: Entry) -> str:
    """Write down for one entry how often its message has failed."""
    failed: Message[Any] = Message(
        queue_name=message.queue_name,
        actor_name=message.actor_name,
        args=(),
        kwargs={},
        options={"retries": message.options.get("retries", 0)},
        message_id=entry.id,
    )
    return failed.encode().decode()


class _Draining(Middleware):
    """Tells the consumers when to stop fetching."""

    def before_worker_shutdown(self, broker: Any, worker: Worker) -> None:
        broker.process.draining = True
