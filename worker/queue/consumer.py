"""Fetching entries of one queue under leases, and settling them: what Dramatiq calls a consumer."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import redis
import structlog
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed, DecodeError
from dramatiq.message import Message

from producers.contract.jobs import JOBS, RECORD_VERSION, SEND_MARKETING, SEND_SMS
from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.account.throttle import Throttle
from worker.queue.entries import Batch, Entry, is_call
from worker.queue.leases import LEASE_MS, Leases
from worker.queue.slots import Slots

_FETCH = Script("worker.queue", "fetch", when_full=True)
_SETTLE = Script("worker.queue", "settle", when_full=True)
_DEFER = Script("worker.queue", "defer", when_full=True)
_REQUEUE = Script("worker.queue", "requeue", when_full=True)

#: Milliseconds for which dead entries are kept.
DEAD_MS: Final = 7 * 86_400_000
#: Longest sleep of an idle consumer, in seconds: bounds how late it notices a stop or a dead worker's lease.
IDLE_S: Final = 1.0
#: Seconds between two looks whether a shared call has been frozen.
FREEZING_S: Final = 0.001
#: Entries fetched at once: bounds how long one script keeps Redis.
FETCH_MAX: Final = 128


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
        slots: places for entries by queue; a queue without any has Dramatiq's prefetch.
        share_max: recipients in a shared call at most, now; 1 while none is shared.
        draining: no more fetching, the process stops.
        fetches: numbers the fetches, so that no two leases are the same.
    """

    client: redis.Redis
    keys: Keys
    leases: Leases
    throttle: Throttle
    process: str
    slots: dict[str, Slots]
    share_max: Callable[[], int] = lambda: 500
    draining: bool = False
    fetches: Iterator[int] = field(default_factory=lambda: itertools.count(1))


class LeasedMessage(MessageProxy):
    """A message together with the entries it stands for.

    Args:
        message: Dramatiq's message.
        batch: the leased entries; one for a message that an application of Dramatiq's own enqueued.
    """

    def __init__(self, message: Message[Any], batch: Batch) -> None:
        super().__init__(message)
        self.batch = batch


class LeaseConsumer(Consumer):
    """Fetches entries of one queue and settles them. All but `__next__` are called from any thread.

    Bare entries of a fetch become one message: the actor of their job is called once, with all of them. An
    entry with an envelope has failed before and comes alone.

    Args:
        shared: what all consumers of the process share.
        queue_name: which queue.
        prefetch: Dramatiq's limit of entries held here, running ones included; for queues without slots.
        timeout: Dramatiq's idle time-out in milliseconds.
    """

    def __init__(self, shared: Shared, queue_name: str, prefetch: int, timeout: int) -> None:
        self._shared = shared
        self.queue_name = queue_name
        self.queue = shared.keys.queue(queue_name)
        self.job = JOBS.get(queue_name)
        shared.leases.tend(self.queue.leases)
        self.slots = shared.slots.setdefault(queue_name, Slots(max(1, prefetch)))
        self.idle_s = min(timeout / 1000, IDLE_S)
        self._fetched: deque[LeasedMessage] = deque()
        self._freezing: Batch | None = None
        self._log = structlog.get_logger()

    def __next__(self) -> LeasedMessage | None:
        """Return the next message, or None after a while without one."""
        if self._fetched:
            return self._next_fetched()
        room = 0 if self._shared.draining else self.slots.reserve(self.queue_name)
        if room <= 0:
            self.slots.wait(self.queue_name, self.idle_s)
            return None
        with connection_loss():
            due_ms = self._fetch(room)
            if not self._fetched:
                self._sleep(self.idle_s if due_ms < 0 else min(self.idle_s, due_ms / 1000))
        return self._next_fetched() if self._fetched else None

    def ack(self, message: MessageProxy) -> None:
        """End the entries of a processed message, unless its actor took them or a retry moved them."""
        if not message.batch.taken:
            self._settle(message.batch.entries)

    def nack(self, message: MessageProxy) -> None:
        """Set entries aside among the dead."""
        self._settle(message.batch.entries, dead=True)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give entries back to the front of the queue."""
        self._give_back([entry for message in messages for entry in message.batch.entries])

    def close(self) -> None:
        """Give back what was fetched and not handed out."""
        self.requeue(self._fetched)
        self._fetched.clear()

    def settle(self, entries: Sequence[Entry], *, dead: bool = False) -> None:
        """End entries whose leases are still ours. Whatever comes of it, they are no longer held here.

        Raises:
            ConnectionClosed: Redis did not confirm; the leases run out and the entries come back.
        """
        try:
            self._settle(entries, dead=dead)
        finally:
            self.forget(entries)

    def put_off(self, delays_ms: Sequence[tuple[Entry, int]]) -> None:
        """Move entries to the delayed; otherwise as `settle`."""
        queue = self.queue
        args: list[str | int] = []
        for entry, delay_ms in delays_ms:
            args += [entry.lease, entry.id, "", delay_ms]
        keys = [queue.leases, queue.delayed, queue.envelopes, queue.wake]
        self._end([entry for entry, _ in delays_ms], Command(_DEFER, keys, args, int), needed=bool(args))

    def forget(self, entries: Sequence[Entry]) -> None:
        """Stop renewing the leases of entries and free their places."""
        held = self._shared.leases.release(self.queue.leases, *(entry.lease for entry in entries))
        self.slots.give_back(self.queue_name, held)

    def _next_fetched(self) -> LeasedMessage | None:
        """Hand out what was fetched, shared calls one after the other.

        Freezing hundreds of members takes many steps: those of one call at a time stand in an alert's way.
        """
        batch = self._fetched[0].batch
        if is_call(batch.entries[0].id):
            before = self._freezing
            if before and not before.taken and self._held(before.entries):
                time.sleep(FREEZING_S)
                return None
            self._freezing = batch
        return self._fetched.popleft()

    def _fetch(self, room: int) -> int:
        """Fill the cache; return milliseconds until something falls due, or -1."""
        taken = 0
        try:
            owner, reply = self._ask(min(room, FETCH_MAX))
            taken = len(reply) // 2
        finally:
            self.slots.give_back(self.queue_name, room - taken)
        bare: list[Entry] = []
        entries = [Entry(reply[i].decode(), f"{owner}:{reply[i].decode()}") for i in range(1, len(reply), 2)]
        self._shared.leases.hold(self.queue.leases, *(entry.lease for entry in entries))
        for entry, envelope in zip(entries, reply[2::2], strict=True):
            if envelope or self.job is None:
                self._unpack(entry, envelope)
            elif is_call(entry.id):
                self._fetched.append(self._message([entry]))
            else:
                bare.append(entry)
        if bare:
            self._fetched.append(self._message(bare))
        return int(reply[0])

    def _ask(self, most: int) -> tuple[str, list[Any]]:
        queue = self.queue
        keys = [
            queue.ready,
            queue.delayed,
            queue.leases,
            queue.envelopes,
            queue.wake,
            queue.heard,
            queue.back,
        ]
        owner = f"{self._shared.process}.{next(self._shared.fetches)}"
        args: list[str | int | float] = [owner, most, LEASE_MS]
        if self.job in {SEND_SMS, SEND_MARKETING}:
            throttle = self._shared.throttle
            keys += throttle.fetch_keys()
            args += [self.queue_name, throttle.defaults.rate, throttle.defaults.in_flight]
            args += [self._shared.share_max(), self._shared.keys.prefix, RECORD_VERSION]
        return owner, Command(_FETCH, keys, args, list[Any]).run(self._shared.client)

    def _unpack(self, entry: Entry, envelope: bytes) -> None:
        try:
            message: Message[Any] = Message.decode(envelope)
        except DecodeError:
            self._log.error("queue.undecodable_entry", queue=self.queue_name)
            self.settle([entry], dead=True)
        else:
            self._fetched.append(self._message([entry], message))

    def _message(self, entries: list[Entry], failed: Message[Any] | None = None) -> LeasedMessage:
        """Make the message of some entries; a message that failed before keeps its count of retries."""
        batch = Batch(self.queue_name, entries, self)
        if self.job is None:
            assert failed is not None  # noqa: S101 - only jobs of ours have bare entries
            return LeasedMessage(failed, batch)
        message: Message[Any] = Message(
            queue_name=self.queue_name,
            # Whatever else an envelope asks for is none of ours: Dramatiq sets it aside among the dead.
            actor_name=failed.actor_name if failed else self.job.actor,
            args=(),
            kwargs={"batch": batch},
            options=failed.options if failed else {},
            message_id=entries[0].id,
        )
        return LeasedMessage(message, batch)

    def _sleep(self, seconds: float) -> None:
        """Sleep until a push wakes one of the idle consumers, at most so long.

        A Redis whose clock was set back sleeps on; whether it is gone is for the next fetch to find out.
        """
        if seconds >= 0.01:
            with suppress(redis.TimeoutError):
                self._shared.client.blpop([self.queue.wake], timeout=seconds)
        elif seconds > 0:
            time.sleep(seconds)

    def _settle(self, entries: Sequence[Entry], *, dead: bool = False) -> None:
        """End entries; they stay leased until Redis confirms, for Dramatiq asks until it does."""
        queue = self.queue
        args = ["1" if dead else "0", DEAD_MS]
        for entry in self._held(entries):
            args += [entry.lease, entry.id]
        keys = [queue.leases, queue.envelopes, queue.dead, queue.ready, queue.wake]
        if len(args) > 2:
            with connection_loss():
                Command(_SETTLE, keys, args, int).run(self._shared.client)
        self.forget(entries)

    def _held(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that no retry has moved away."""
        return [entry for entry in entries if self._shared.leases.holds(self.queue.leases, entry.lease)]

    def _end(self, entries: Sequence[Entry], command: Command[int], *, needed: bool) -> None:
        try:
            if needed:
                with connection_loss():
                    command.run(self._shared.client)
        finally:
            # If Redis did not hear us the leases run out, and the entries come back.
            self.forget(entries)

    def _give_back(self, entries: list[Entry]) -> None:
        leases = [entry.lease for entry in entries]
        keys = [self.queue.leases, self.queue.ready, self.queue.wake]
        self._end(entries, Command(_REQUEUE, keys, leases, int), needed=bool(leases))
