"""What becomes of attempts that have ended: all are warned, the ledger records, the log tells, members end.

The recorder takes together whatever is due, and never waits for more.
"""

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Final

import redis
import structlog

from producers.contract.jobs import ENDS
from producers.contract.outages import is_told
from worker.account.gates import Gates
from worker.account.strain import Strain
from worker.account.throttle import Throttle
from worker.gateway.demands import holds_all, pause_ms
from worker.gateway.outcomes import Deferred, Outcome, Unknown
from worker.ledger.ledger import Ledger
from worker.queue.entries import Batch, Entry, Holder, is_call
from worker.sending.attempt import Attempt
from worker.sending.report import Report

#: Attempts recorded in one step: bounds how long one script keeps Redis.
AT_ONCE: Final = 128
#: Seconds that a stopping process leaves to a Redis that is away, for all it still has to record.
STOP_S: Final = 5.0


class Recorder:
    """One thread that records, and one that tells the members of shared calls that have ended.

    The next attempt need not wait until hundreds of members have been told of a call. Calls of `put` come
    from any thread.

    Args:
        ledger: remembers.
        throttle: told when all sending has to wait.
        strain: told what calls came to.
        gates: told what may keep other messages.
    """

    def __init__(self, ledger: Ledger, throttle: Throttle, strain: Strain, gates: Gates) -> None:
        self._ledger = ledger
        self._throttle = throttle
        self._strain = strain
        self._gates = gates
        self._report = Report()
        self._due: SimpleQueue[Attempt | None] = SimpleQueue()
        self._ended: SimpleQueue[Batch | None] = SimpleQueue()
        self._recorder = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._teller = threading.Thread(target=self._tell, name="teller", daemon=True)
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Start the threads."""
        self._recorder.start()
        self._teller.start()

    def stop(self) -> None:
        """Record what is due, tell the members of calls that have ended, then end the threads.

        With Redis away this takes `STOP_S` and no longer: the platform would kill the process.
        """
        self._ledger.stop_waiting_within(STOP_S)
        # What is recorded last may have members to be told: one thread after the other.
        self._due.put(None)
        if self._recorder.is_alive():
            self._recorder.join()
        self._ended.put(None)
        if self._teller.is_alive():
            self._teller.join()

    def put(self, attempt: Attempt) -> None:
        """Record an attempt soon."""
        self._due.put(attempt)

    def put_ended_calls(self, calls: Batch) -> None:
        """Tell their members soon of shared calls that have ended, here or elsewhere."""
        self._ended.put(calls)

    def _run(self) -> None:
        while due := self._take():
            self._record(due)

    def _take(self) -> list[Attempt]:
        """Wait for an attempt and take along what else is due; nothing when the recorder stops."""
        due: list[Attempt] = []
        item = self._due.get()
        while item is not None:
            due.append(item)
            if len(due) >= AT_ONCE:
                return due
            try:
                item = self._due.get_nowait()
            except Empty:
                return due
        if due:
            # These first; the next look finds the order to stop again.
            self._due.put(None)
        return due

    def _record(self, due: Sequence[Attempt]) -> None:
        try:
            # Whoever sends next shall wait before these messages come back: none shall meet the same trouble.
            self._warn_all(due)
            states = self._ledger.finish([each.result for each in due])
            self._release(due, states)
            for each, state in zip(due, states, strict=True):
                each.end(state or "fenced")
                self._report.write_attempt(each, state)
        except Exception as error:  # noqa: BLE001 - this thread must outlive whatever went wrong with some
            # The leases run out: attempts that were not recorded will count as ones of unknown outcome.
            self._log.error("ledger.not_recorded", reason=type(error).__name__)
            self._ledger.abandon([each.claim for each in due])
            for each in due:
                each.end("not_recorded")
                each.holder.forget([each.claim.entry])

    def _warn_all(self, due: Sequence[Attempt]) -> None:
        """Hold or pause all sending, shut gates, and tell of strain, as these attempts ask for it.

        Without Redis nobody is warned, but what the gateway said is still recorded: that is tried for longer.
        """
        observed = [each.observed for each in due]
        self._strain.observe(observed)
        try:
            for each in due:
                self._warn(each.outcome)
            self._gates.observe(observed)
        except redis.RedisError as error:
            if not is_told(error):  # an outage is told once, by the connection
                self._log.warning("account.nobody_warned", reason=type(error).__name__)

    def _warn(self, outcome: Outcome) -> None:
        if holds_all(outcome):
            if self._throttle.hold(outcome.code):
                self._log.error("account.held", code=outcome.code)
        elif isinstance(outcome, Deferred | Unknown) and (pause := pause_ms(outcome)):
            self._throttle.pause(outcome.code, pause)
            self._log.warning("account.paused", code=outcome.code, retry_in_s=pause / 1000)

    def _release(self, due: Sequence[Attempt], states: Sequence[str | None]) -> None:
        """Free the places of what is over, all of a holder at once: its next fetch finds room for many."""
        over: dict[int, tuple[Holder, list[Entry]]] = {}
        for each, state in zip(due, states, strict=True):
            entry = each.claim.entry
            if is_call(entry.id) and state in ENDS:
                self._ended.put(Batch(each.claim.queue, [entry], each.holder))
            else:
                over.setdefault(id(each.holder), (each.holder, []))[1].append(entry)
        for holder, entries in over.values():
            holder.forget(entries)

    def _tell(self) -> None:
        while (calls := self._ended.get()) is not None:
            for call in calls.entries:
                self._end_members(call, calls.queue, calls.holder)

    def _end_members(self, call: Entry, queue: str, holder: Holder) -> None:
        try:
            self._ledger.end_members(call, queue)
        except Exception as error:  # noqa: BLE001 - this thread must outlive it, too
            # The call's lease runs out, and whoever fetches the call then goes on.
            self._log.error("ledger.members_not_ended", reason=type(error).__name__)
        finally:
            holder.forget([call])
