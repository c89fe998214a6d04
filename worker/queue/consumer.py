"""Fetching entries of one queue under leases: what Dramatiq calls a consumer."""

import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import redis
import structlog
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import DecodeError
from dramatiq.message import Message

from producers.contract.jobs import ACTORS, QUEUE_CALLBACKS, RECORD_VERSION
from producers.contract.scripts import Command, Script
from worker.queue.connection_loss import connection_loss
from worker.queue.entries import Batch, Entry, is_call
from worker.queue.holder import LeaseHolder
from worker.queue.leases import LEASE_MS
from worker.queue.one_process import Process

_FETCH = Script(__package__, "fetch", when_full=True)

#: Longest sleep of an idle consumer, in seconds: bounds how late it notices a stop or a dead worker's lease.
IDLE_S: Final = 1.0
#: Seconds between two looks whether a shared call has been claimed.
CLAIMING_S: Final = 0.001
#: Entries fetched at once: bounds how long one script keeps Redis.
FETCH_MAX: Final = 128


class LeasedMessage(MessageProxy):
    """A message together with the entries it stands for.

    Args:
        message: Dramatiq's message.
        batch: the leased entries.
    """

    def __init__(self, message: Message[Any], batch: Batch) -> None:
        super().__init__(message)
        self.batch = batch


class LeaseConsumer(Consumer):
    """Fetches entries of one queue. All but `__next__` are called from any thread.

    Bare entries of a fetch become one message: the actor of their job is called once, with all of them. An
    entry with an envelope has failed before and comes alone.

    Args:
        process: what all consumers of the process have in common.
        queue_name: which queue.
        timeout: Dramatiq's idle time-out in milliseconds.
    """

    def __init__(self, process: Process, queue_name: str, timeout: int) -> None:
        self._process = process
        self.queue_name = queue_name
        self._wake_key = process.keys.queue(queue_name).wake
        process.leases.tend(queue_name)
        self.slots = process.slots[queue_name]
        self.holder = LeaseHolder(process, queue_name, self.slots)
        self._idle_s = min(timeout / 1000, IDLE_S)
        self._fetched: deque[LeasedMessage] = deque()
        self._claiming: Batch | None = None
        self._log = structlog.get_logger()

    def __next__(self) -> LeasedMessage | None:
        """Return the next message, or None after a while without one."""
        if self._fetched:
            return self._next_fetched()
        room = 0 if self._process.draining else self.slots.reserve(self.queue_name)
        if room <= 0:
            self.slots.wait(self.queue_name, self._idle_s)
            return None
        with connection_loss():
            due_ms = self._fetch(room)
            if not self._fetched:
                self._sleep(self._idle_s if due_ms < 0 else min(self._idle_s, due_ms / 1000))
        return self._next_fetched() if self._fetched else None

    def ack(self, message: MessageProxy) -> None:
        """End the entries of a message whose actor has returned. What a retry has moved is left alone.

        Entries that were claimed end with what comes of them.
        """
        if not message.batch.claimed:
            self.holder.ack_surely(message.batch.entries)

    def nack(self, message: MessageProxy) -> None:
        """Move the entries of a message to the dead letters: no actor of ours is for them."""
        self.holder.nack_surely(message.batch.entries)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give the entries of messages that were not begun back to the front of the queue, in order."""
        self.holder.requeue([entry for message in messages for entry in message.batch.entries])

    def close(self) -> None:
        """Give back what was fetched and not handed out."""
        self.requeue(self._fetched)
        self._fetched.clear()

    def _next_fetched(self) -> LeasedMessage | None:
        """Hand out what was fetched; a shared call only when the one before it has been claimed.

        Composing a call of hundreds takes many steps. An alert waits for those of one call at most.
        """
        batch = self._fetched[0].batch
        if is_call(batch.entries[0].id):
            before = self._claiming
            if before and not before.claimed and self.holder.held(before.entries):
                time.sleep(CLAIMING_S)
                return None
            self._claiming = batch
        return self._fetched.popleft()

    def _fetch(self, room: int) -> int:
        """Fetch as much as there is room for; return milliseconds until something falls due, or -1."""
        taken = 0
        try:
            owner, reply = self._ask(min(room, FETCH_MAX))
            taken = len(reply) // 2
        finally:
            self.slots.give_back(self.queue_name, room - taken)
        bare: list[Entry] = []
        entries = [Entry(reply[i].decode(), f"{owner}:{reply[i].decode()}") for i in range(1, len(reply), 2)]
        self.holder.keep(entries)
        for entry, envelope in zip(entries, reply[2::2], strict=True):
            if envelope:
                self._unpack(entry, envelope)
            elif is_call(entry.id):
                self._fetched.append(self._message([entry]))
            else:
                bare.append(entry)
        if bare:
            self._fetched.append(self._message(bare))
        return int(reply[0])

    def _ask(self, most: int) -> tuple[str, list[Any]]:
        process = self._process
        owner = f"{process.name}.{next(process.fetches)}"
        given = {
            "queue": self.queue_name,
            "of_sends": self.queue_name != QUEUE_CALLBACKS,
            "owner": owner,
            "most": most,
            "lease_ms": LEASE_MS,
            "rate": process.limits.rate,
            "in_flight": process.limits.in_flight,
            "share_max": process.share_max(),
            "version": RECORD_VERSION,
        }
        return owner, Command(_FETCH, process.keys.prefix, given, list[Any]).run(process.client)

    def _unpack(self, entry: Entry, envelope: bytes) -> None:
        try:
            failed: Message[Any] = Message.decode(envelope)
        except DecodeError:
            self._log.error("queue.undecodable_entry", queue=self.queue_name)
            self.holder.nack([entry])
        else:
            self._fetched.append(self._message([entry], failed))

    def _message(self, entries: list[Entry], failed: Message[Any] | None = None) -> LeasedMessage:
        """Make the message of some entries.

        An envelope of a failed message tells how often it has failed, and the actor. Dramatiq moves a message
        to the dead letters if no actor has this name.
        """
        batch = Batch(self.queue_name, entries, self.holder)
        message: Message[Any] = Message(
            queue_name=self.queue_name,
            actor_name=failed.actor_name if failed else ACTORS[self.queue_name],
            args=(),
            kwargs={"batch": batch},
            options=failed.options if failed else {},
            message_id=entries[0].id,
        )
        return LeasedMessage(message, batch)

    def _sleep(self, seconds: float) -> None:
        """Sleep until a push wakes one of the idle consumers, at most so long.

        A Redis whose clock was set back sleeps on; whether Redis is gone is for the next fetch to find out.
        """
        if seconds >= 0.01:
            with suppress(redis.TimeoutError):
                self._process.client.blpop([self._wake_key], timeout=seconds)
        elif seconds > 0:
            time.sleep(seconds)
