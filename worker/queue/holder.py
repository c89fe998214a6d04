"""What a process holds of a queue: entries under leases. `worker.queue.entries` tells how they end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from producers.contract.scripts import Command, Script
from worker.queue.connection_loss import connection_loss
from worker.queue.entries import Delayed, Entry
from worker.queue.one_process import Process
from worker.queue.slots import Slots

_ACK = Script(__package__, "ack", when_full=True)
_NACK = Script(__package__, "nack", when_full=True)
_DELAY = Script(__package__, "delay", when_full=True)
_REQUEUE = Script(__package__, "requeue", when_full=True)

#: Milliseconds for which dead letters are kept.
DEAD_MS: Final = 7 * 86_400_000


class LeaseHolder:
    """Holds entries of one queue, each under a lease and in a place. Thread-safe.

    Args:
        process: what holds the entries.
        queue: name of their queue.
        slots: the places.
    """

    def __init__(self, process: Process, queue: str, slots: Slots) -> None:
        self._process = process
        self._queue = queue
        self._slots = slots
        self._leases_key = process.keys.queue(queue).leases

    def keep(self, entries: Sequence[Entry]) -> None:
        """Renew the leases of entries from now on; their places were taken before."""
        self._process.leases.keep(self._leases_key, *(entry.lease for entry in entries))

    def held(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those of some entries that are still held."""
        return [entry for entry in entries if self._process.leases.holds(self._leases_key, entry.lease)]

    def forget(self, entries: Sequence[Entry]) -> None:
        """Stop renewing the leases of entries and free their places."""
        held = self._process.leases.release(self._leases_key, *(entry.lease for entry in entries))
        self._slots.give_back(self._queue, held)

    def ack(self, entries: Sequence[Entry]) -> None:
        """End entries."""
        with self._letting_go(entries):
            self._run(_ACK, entries)

    def nack(self, entries: Sequence[Entry]) -> None:
        """Move entries to the dead letters."""
        with self._letting_go(entries):
            self._run(_NACK, entries, dead_ms=DEAD_MS)

    def delay(self, entries: Sequence[Delayed]) -> None:
        """Let entries come again, each with its envelope if it has one."""
        with self._letting_go(entries):
            self._run(_DELAY, entries)

    def requeue(self, entries: Sequence[Entry]) -> None:
        """Give entries back to the front of the queue, in order."""
        with self._letting_go(entries):
            self._run(_REQUEUE, entries)

    def ack_surely(self, entries: Sequence[Entry]) -> None:
        """End the entries that are still held. They stay held until Redis confirms: Dramatiq repeats this."""
        self._run(_ACK, self.held(entries))
        self.forget(entries)

    def nack_surely(self, entries: Sequence[Entry]) -> None:
        """Move entries to the dead letters; otherwise as `ack_surely`."""
        self._run(_NACK, self.held(entries), dead_ms=DEAD_MS)
        self.forget(entries)

    @contextmanager
    def _letting_go(self, entries: Sequence[Entry]) -> Iterator[None]:
        """Hold entries no longer, whatever comes of it: if Redis did not hear us, the leases run out."""
        try:
            yield
        finally:
            self.forget(entries)

    def _run(self, script: Script, entries: Sequence[Entry], **given: Any) -> None:
        if entries:
            given |= {"queue": self._queue, "entries": entries}
            with connection_loss():
                Command(script, self._process.keys.prefix, given, int).run(self._process.client)
