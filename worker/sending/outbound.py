"""The way of messages out: claim those that were fetched together, end or delay the rest, make the POSTs.

Read on downward: an `Attempt` makes the POSTs of one claim, the `Recorder` records what came of it, the
`Ledger` decides what that means for the message.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import structlog

from producers.contract.jobs import ENDS
from producers.contract.scripts import REDIS_ERRORS
from worker.gateway.client import Gateway
from worker.gateway.outcomes import Deferred
from worker.ledger.claims import Claim, Over, Wait
from worker.ledger.ledger import Ledger
from worker.ledger.may_post import ASK_S, Recheck
from worker.queue.entries import Batch, is_call
from worker.sending.attempt import Attempt
from worker.sending.engine import Engine
from worker.sending.recorder import Recorder
from worker.sending.report import Report
from worker.sending.walls import Walls


class Outbound:
    """Sends messages.

    Args:
        ledger: decides what may be sent.
        gateway: makes the POSTs.
        recheck: asked whether a POST may follow.
        recorder: takes attempts that have ended.
        engine: runs the attempts of this process.
        calls: how many attempts make POSTs at a time, by queue.
    """

    def __init__(
        self,
        ledger: Ledger,
        gateway: Gateway,
        recheck: Recheck,
        recorder: Recorder,
        engine: Engine,
        calls: Mapping[str, int],
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._recheck = recheck
        self._recorder = recorder
        self._engine = engine
        self._calls = {queue: asyncio.Semaphore(count) for queue, count in calls.items()}
        self._walls = Walls()
        self._report = Report()
        self._log = structlog.get_logger()

    def send_sms(self, batch: Batch) -> None:
        """Claim entries and begin their attempts. Safe to repeat: the ledger decides what is left to do.

        Returns as soon as the entries are claimed; each attempt ends in the recorder.

        Raises:
            redis.RedisError: Redis stayed away; Dramatiq runs this again.
        """
        started = time.monotonic()
        stuck = self._ledger.compose(batch)
        found = self._ledger.claim(batch, stuck)
        claims = [each for each in found if isinstance(each, Claim)]
        self._engine.spawn([self._send(Attempt(claim, batch.holder, started)) for claim in claims])
        if len(claims) < len(found):
            self._dismiss(batch, found)

    async def _send(self, attempt: Attempt) -> None:
        try:
            async with self._calls[attempt.claim.queue]:
                # What was claimed ahead does not run into a wall that another message has just met.
                if not self._walls.stop(attempt, time.monotonic()):
                    await attempt.make_posts(self._gateway, self._may_post)
                    self._walls.meet(attempt, time.monotonic())
        except Exception as error:  # noqa: BLE001 - a mistake of ours must cost no message
            self._log.error("sms.crashed", request_id=attempt.claim.entry.id, reason=type(error).__name__)
            if not attempt.posts:
                attempt.outcome = Deferred("crashed")
        finally:
            self._recorder.put(attempt)

    async def _may_post(self, attempt: Attempt) -> bool:
        """Ask Redis whether a POST may leave now. Without an answer it may not: a STOP may be there."""
        try:
            # Many may wait for a Redis that hangs, and few threads ask.
            async with asyncio.timeout(ASK_S):
                return await asyncio.to_thread(
                    self._recheck.may_post, attempt.claim, in_doubt=attempt.may_be_taken
                )
        except (TimeoutError, *REDIS_ERRORS):
            return False

    def _dismiss(self, batch: Batch, found: Sequence[Claim | Wait | Over]) -> None:
        """End the entries that have nothing to do, and let those that must wait come again."""
        pairs = list(zip(batch.entries, found, strict=True))
        waits = [entry.delayed(each.ms) for entry, each in pairs if isinstance(each, Wait)]
        over = [(entry, each) for entry, each in pairs if isinstance(each, Over)]
        if any(isinstance(each, Wait) and each.newer for each in found):
            self._log.error("sms.record_of_newer_version", queue=batch.queue)
        if any(isinstance(each, Wait) and each.foreign for each in found):
            self._log.error("sms.namespace_of_another_account", queue=batch.queue)
        for entry, each in over:
            self._report.write_over(entry.id, each)
        # A call that has ended may have members that do not know it yet.
        calls = [entry for entry, each in over if is_call(entry.id) and each.state in ENDS]
        if calls:
            self._recorder.put_ended_calls(Batch(batch.queue, calls, batch.holder))
        try:
            batch.holder.ack([entry for entry, _ in over if entry not in calls])
        finally:
            batch.holder.delay(waits)
