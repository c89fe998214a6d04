"""Recording what attempts brought: all that are due together in one step, never waiting for more."""

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Final, Generic, Protocol, TypeVar

import structlog

from worker.gateway import retrying
from worker.ledger.claims import ENDS, Result
from worker.ledger.ledger import Ledger
from worker.queue.entries import Batch, Entry, Holder, is_call

#: Attempts recorded in one step: bounds how long one script keeps Redis.
AT_ONCE: Final = 128


class Finished(Protocol):
    """An attempt that has come to its end."""

    @property
    def result(self) -> Result:
        """What it brought."""

    @property
    def holder(self) -> Holder:
        """What answers for its entry."""


A = TypeVar("A", bound=Finished)


class Recorder(Generic[A]):
    """One thread that records, and one that tells the members of shared calls that have ended.

    The next call need not wait until hundreds of members have been told of the last one. Calls of `put` come
    from any thread.

    Args:
        ledger: remembers.
        before: told of attempts before they are recorded: who must wait shall wait before they come back.
        after: told of an attempt and the state it led to.
    """

    def __init__(
        self,
        ledger: Ledger,
        before: Callable[[Sequence[A]], None],
        after: Callable[[A, str | None], None],
    ) -> None:
        self._ledger = ledger
        self._before = before
        self._after = after
        self._due: SimpleQueue[A | None] = SimpleQueue()
        self._ended: SimpleQueue[Batch | None] = SimpleQueue()
        self._recorder = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._teller = threading.Thread(target=self._tell, name="teller", daemon=True)
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Start the threads."""
        self._recorder.start()
        self._teller.start()

    def stop(self) -> None:
        """Record what is due, tell who is to be told, then end the threads.

        With Redis away that is tried for `retrying.STOP_S` and no longer: the platform would kill us.
        """
        self._ledger.stop_waiting_within(retrying.STOP_S)
        # What is recorded last may have members to be told: one thread after the other.
        self._due.put(None)
        if self._recorder.is_alive():
            self._recorder.join()
        self._ended.put(None)
        if self._teller.is_alive():
            self._teller.join()

    def put(self, finished: A) -> None:
        """Record an attempt soon."""
        self._due.put(finished)

    def put_ended_calls(self, calls: Batch) -> None:
        """Bring to their members, soon, what calls came to that ended elsewhere or before."""
        self._ended.put(calls)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            due: list[A] = []
            item = self._due.get()
            while True:
                if item is None:
                    stopping = True
                else:
                    due.append(item)
                if len(due) >= AT_ONCE:
                    break
                try:
                    item = self._due.get_nowait()
                except Empty:
                    break
            if due:
                self._record(due)

    def _tell(self) -> None:
        while (calls := self._ended.get()) is not None:
            for call in calls.entries:
                self._end_members(call, calls.queue, calls.holder)

    def _record(self, due: Sequence[A]) -> None:
        try:
            self._before(due)
            states = self._ledger.finish([each.result for each in due])
            self._release(due, states)
            for each, state in zip(due, states, strict=True):
                self._after(each, state)
        except Exception as error:  # noqa: BLE001 - this thread must outlive whatever went wrong with some
            # The leases run out: attempts that were not recorded will count as ones of unknown outcome.
            self._log.error("ledger.not_recorded", reason=type(error).__name__)
            self._ledger.abandon([each.result.claim for each in due])
            for each in due:
                each.holder.forget([each.result.claim.entry])

    def _release(self, due: Sequence[A], states: Sequence[str | None]) -> None:
        """Free the places of what is over, all of a holder at once: its next fetch finds room for many."""
        over: dict[int, tuple[Holder, list[Entry]]] = {}
        for each, state in zip(due, states, strict=True):
            claim = each.result.claim
            if is_call(claim.entry.id) and state in ENDS:
                self._ended.put(Batch(claim.queue, [claim.entry], each.holder))
            else:
                over.setdefault(id(each.holder), (each.holder, []))[1].append(claim.entry)
        for holder, entries in over.values():
            holder.forget(entries)

    def _end_members(self, call: Entry, queue: str, holder: Holder) -> None:
        try:
            self._ledger.end_members(call, queue)
        except Exception as error:  # noqa: BLE001 - as above
            # Its lease runs out, and whoever fetches it then goes on.
            self._log.error("ledger.members_not_ended", reason=type(error).__name__)
        finally:
            holder.forget([call])
