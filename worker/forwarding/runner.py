"""The loop of a forwarder's process: take in, hand out to threads, record; through outages, until a stop."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import redis
import structlog

from producers.contract.outages import passes
from producers.contract.scripts import REDIS_ERRORS
from worker.forwarding.outcomes import Deliver, Later, Outcome, OutgoingEvent
from worker.forwarding.store import Settled, Store

#: Longest wait in ms for something to do; a stop takes as long.
_LOOK_MS: Final = 1_000
#: First and longest pause in seconds while Redis is away.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
#: Seconds for which a stopping process tries to record what it has delivered.
RECORD_S: Final = 10.0


class Runner:
    """Runs one forwarder in this process. Several processes may run the same.

    Args:
        client: Redis client that repeats nothing by itself.
        store: of the forwarder.
        deliver: delivers one event; called from as many threads as there are places.
        places: deliveries at a time.
        receiver: where events go, for people; nothing secret.
    """

    def __init__(
        self, client: redis.Redis, store: Store, deliver: Deliver, *, places: int = 8, receiver: str = ""
    ) -> None:
        self._redis, self._store, self._deliver, self._places = client, store, deliver, places
        self._receiver, self._is_shown = receiver, False
        self._stopping = threading.Event()
        self._free = places
        self._changed = threading.Condition()
        #: By stream, up to where it was taken in; known after the first round.
        self._last_ids: Mapping[str, str] = {}
        self._log = structlog.get_logger().bind(forwarder=store.name)

    def stop(self) -> None:
        """End `run` after the deliveries under way. From any thread or signal handler; safe to repeat."""
        self._stopping.set()

    def run(self) -> None:
        """Forward until `stop`, and wait for the deliveries that are under way then.

        Raises:
            redis.RedisError: trouble that does not pass: wrong password, no permission, wrong type of key.
        """
        pause_s = _FIRST_PAUSE_S
        with ThreadPoolExecutor(self._places, thread_name_prefix="deliver") as pool:
            try:
                while not self._stopping.is_set():
                    try:
                        self._round(pool)
                        pause_s = _FIRST_PAUSE_S
                    except (*REDIS_ERRORS, OSError) as error:
                        if not passes(error):
                            raise
                        self._stopping.wait(pause_s)
                        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                # The deliveries under way may take a while.
                self._log.info("forward.stopping", in_flight=self._places - self._free)
            finally:
                self._stopping.set()

    def _round(self, pool: ThreadPoolExecutor) -> None:
        if not self._is_shown:
            shown: dict[Any, Any] = {"streams": ",".join(self._store.streams), "receiver": self._receiver}
            self._redis.hset(self._store.keys.forward(self._store.name), mapping=shown)
            self._is_shown = True
        taken_in = self._store.take_in(self._last_ids).run(self._redis)
        self._last_ids = taken_in.last_ids
        free = self._free
        taken = self._store.take(free).run(self._redis)
        for event in taken.events:
            self._occupy(1)
            pool.submit(self._handle, event)
        if taken.events or (taken_in.entries and not taken_in.is_full):
            return
        wait_ms = _LOOK_MS if not taken.wait_ms else min(taken.wait_ms, _LOOK_MS)
        if free and not taken_in.is_full:
            self._wait_for_entries(wait_ms)
        else:
            self._wait_for_place(wait_ms / 1000)

    def _wait_for_entries(self, wait_ms: int) -> None:
        """Sleep until a stream grows: another reader of the streams, which takes nothing."""
        keys = self._store.keys
        ids: dict[Any, Any] = {keys.stream(name): last for name, last in self._last_ids.items()}
        self._redis.xread(ids, count=1, block=max(1, wait_ms))

    def _wait_for_place(self, wait_s: float) -> None:
        with self._changed:
            before = self._free
            self._changed.wait_for(lambda: self._free > before or self._stopping.is_set(), wait_s)

    def _occupy(self, places: int) -> None:
        with self._changed:
            self._free -= places
            self._changed.notify_all()

    def _handle(self, event: OutgoingEvent) -> None:
        began = time.monotonic()
        try:
            outcome = self._outcome(event)
            duration_ms = round(1000 * (time.monotonic() - began))
            settled = self._record(event, outcome)
            self._tell(event, outcome, settled, duration_ms)
        finally:
            self._occupy(-1)

    def _outcome(self, event: OutgoingEvent) -> Outcome:
        try:
            return self._deliver(event)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the process, nor lose the event
            return Later(type(error).__name__)

    def _record(self, event: OutgoingEvent, outcome: Outcome) -> Settled | None:
        """Record an outcome, however long Redis is away; None if the process had to end before."""
        command, until = self._store.settle(event, outcome), None
        while True:
            try:
                return command.run(self._redis)
            except (*REDIS_ERRORS, OSError) as error:
                if until is None and self._stopping.is_set():
                    until = time.monotonic() + RECORD_S
                if not passes(error) or (until is not None and time.monotonic() > until):
                    self._log.warning(
                        "forward.unrecorded", event_id=event.event_id, reason=type(error).__name__
                    )
                    return None
            time.sleep(_FIRST_PAUSE_S)

    def _tell(
        self, event: OutgoingEvent, outcome: Outcome, settled: Settled | None, duration_ms: int
    ) -> None:
        if settled is None:
            return
        line = self._log.bind(event_id=event.event_id, stream=event.stream, attempt=event.attempts)
        why = getattr(outcome, "why", None)
        level = {"delivered": line.info, "dead": line.error}.get(settled.event, line.warning)
        level("forward." + settled.event, result=why, duration_ms=duration_ms)
        if settled.forwarder:
            (self._log.info if settled.forwarder == "released" else self._log.error)(
                "forward." + settled.forwarder, reason=why
            )
