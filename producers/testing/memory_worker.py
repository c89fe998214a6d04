"""A worker without threads, time-outs and gateway: it works when it is told to, and then at once.

Its ledger, its publisher and its reading of callbacks are those of a real worker. Only the POST is left out:
whoever makes a worker in memory says what the gateway answers. Messages of one template leave one by one: no
person can tell.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import redis
from structlog.testing import capture_logs

from worker import queue as room_of_queue
from worker.callbacks.inbound import Inbound
from worker.callbacks.publisher import Publisher
from worker.gateway.outcomes import Outcome
from worker.ledger.budgets import Budgets
from worker.ledger.claims import Claim, Over, Result, Wait
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import Ledger
from worker.queue.entries import Batch, Delayed, Entry
from worker.queue.leases import LEASE_MS, Leases
from worker.sending.next_attempt import next_attempt_ms

from ..contract.jobs import QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING, RECORD_VERSION
from ..contract.keys import Keys
from ..contract.scripts import Command, Script
from ..intake.raw_callback import RawCallback
from ..rules.settings import ACCOUNT
from ..settings import ProducerSettings

_FETCH = Script(room_of_queue.__name__, "fetch", when_full=True)
_ACK = Script(room_of_queue.__name__, "ack", when_full=True)
_DELAY = Script(room_of_queue.__name__, "delay", when_full=True)

#: Entries that are fetched at once.
_AT_ONCE: Final = 100
#: Bytes of callbacks in a minute: no test meets the bound.
_NO_BOUND: Final = 2**40


class MemoryWorker:
    """Sends what waits, and publishes what came back.

    Args:
        client: Redis, in memory or real.
        settings: of the application, whose worker this is.
    """

    def __init__(self, client: redis.Redis, settings: ProducerSettings) -> None:
        self._redis = client
        self.keys = Keys(settings.namespace)
        self._ledger = Ledger(
            client,
            settings,
            Leases(client, self.keys),
            Confirmation(client, self.keys),
            budgets=Budgets(settings),
        )
        publisher = Publisher(client, settings, scoped=settings.optout_scope != ACCOUNT)
        self._inbound = Inbound(client, self.keys, self._ledger, publisher)
        self._fetches = itertools.count()

    def send(self, post: Callable[[Claim], Outcome]) -> None:
        """Send what is due now, alerts first; what must wait comes again by itself.

        Args:
            post: says what the gateway answers to the POST of a claim.
        """
        # A worker's log is nothing that an application's tests should have to look at.
        with capture_logs():
            for queue in (QUEUE_ALERT, QUEUE_MARKETING):
                waits: list[Delayed] = []
                while batch := self._fetch(queue):
                    waits += self._send(batch, post)
                # Only now: what comes again at once would keep the loop going for ever.
                self._run(_DELAY, queue, waits)

    def receive(self, callback: bytes) -> None:
        """Take a callback as it comes from the gateway, and publish what it says."""
        raw = RawCallback(str(uuid4()), "", callback, "", "testing", "replies")
        raw.store(self.keys.prefix, _NO_BOUND).run(self._redis)
        self.publish()

    def publish(self) -> None:
        """Publish what callbacks say that were taken; one that has to wait for its message comes again."""
        with capture_logs():
            while batch := self._fetch(QUEUE_CALLBACKS):
                self._inbound.process_callbacks(batch)
                # An entry that waits lies among the delayed by now, and stays there.
                self._run(_ACK, QUEUE_CALLBACKS, batch.entries)

    def next_due(self) -> datetime | None:
        """Say when the next thing falls due that waits now; None if nothing waits."""
        due: list[float] = []
        for queue in (QUEUE_ALERT, QUEUE_MARKETING, QUEUE_CALLBACKS):
            first: list[Any] = self._redis.zrange(self.keys.queue(queue).delayed, 0, 0, withscores=True)
            due += [score for _, score in first]
        return datetime.fromtimestamp(min(due) / 1000, UTC) if due else None

    def _run(self, script: Script, queue: str, entries: Sequence[Entry]) -> None:
        if entries:
            Command(script, self.keys.prefix, {"queue": queue, "entries": entries}, int).run(self._redis)

    def _send(self, batch: Batch, post: Callable[[Claim], Outcome]) -> list[Delayed]:
        found = self._ledger.claim(batch, ())
        claims = [each for each in found if isinstance(each, Claim)]
        pairs = list(zip(batch.entries, found, strict=True))
        self._run(_ACK, batch.queue, [entry for entry, each in pairs if isinstance(each, Over)])
        if claims:
            self._ledger.finish([_result(claim, post(claim)) for claim in claims])
        return [entry.delayed(each.ms) for entry, each in pairs if isinstance(each, Wait)]

    def _fetch(self, queue: str) -> Batch | None:
        owner = f"memory.{next(self._fetches)}"
        given = {
            "queue": queue,
            "of_sends": queue != QUEUE_CALLBACKS,
            "owner": owner,
            "most": _AT_ONCE,
            "lease_ms": LEASE_MS,
            "rate": 0,
            "in_flight": 0,
            "share_max": 1,
            "version": RECORD_VERSION,
        }
        _, *reply = Command(_FETCH, self.keys.prefix, given, list[Any]).run(self._redis)
        entries = [Entry(each.decode(), f"{owner}:{each.decode()}") for each in reply[::2]]
        return Batch(queue, entries, _Holder(self._run, queue)) if entries else None


class _Holder:
    """Ends entries of one queue; nothing is held for longer than a call of the worker."""

    def __init__(self, run: Callable[[Script, str, Sequence[Entry]], None], queue: str) -> None:
        self._run, self._queue = run, queue

    def ack(self, entries: Sequence[Entry]) -> None:
        self._run(_ACK, self._queue, entries)

    def delay(self, entries: Sequence[Delayed]) -> None:
        self._run(_DELAY, self._queue, entries)

    def forget(self, entries: Sequence[Entry]) -> None:
        """Do nothing: no lease is renewed here."""


def _result(claim: Claim, outcome: Outcome) -> Result:
    delay_ms = next_attempt_ms(claim.earlier_posts + 1, outcome)
    if claim.ttl_s is not None:
        # A message whose time runs out before the next attempt ends when its time does.
        delay_ms = min(delay_ms, math.ceil(1000 * claim.ttl_s))
    return Result(claim, outcome, 1, claim.in_doubt, id_used_up=False, delay_ms=delay_ms)
