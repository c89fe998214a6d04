"""The whole life of one SMS in a worker: claim, POST, record, log, and come back later if need be.

Dramatiq calls `Outbound.send_sms` with all the sends that were fetched together. They are claimed in one
step, then each goes its own way in the engine's loop, and the recorder records what came of them, again
many in a step.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import redis
import structlog

from producers.contract.outages import passes
from producers.contract.phone import mask
from worker.account.flight import Flight
from worker.account.gates import Gates
from worker.account.throttle import Throttle
from worker.gateway import retrying
from worker.gateway.client import Gateway
from worker.gateway.codes import LOUD
from worker.gateway.outcomes import Accepted, Deferred, Outcome, Unknown
from worker.ledger.claims import ENDS, Claim, Over, Wait
from worker.ledger.ledger import Ledger
from worker.queue.entries import Batch, is_call
from worker.sending.attempt import Attempt
from worker.sending.engine import Engine
from worker.sending.recorder import Recorder
from worker.sending.walls import Walls


class Outbound:
    """Sends SMS.

    Args:
        ledger: decides what may be sent and remembers what came of it.
        gateway: makes the POSTs.
        throttle: told when all sending has to wait.
        flight: told what calls came to.
        gates: told what may keep other messages.
        engine: runs the POSTs of this process.
        calls: how many POSTs at a time, by queue.
        post_max_s: longest that one POST can take.
    """

    def __init__(
        self,
        ledger: Ledger,
        gateway: Gateway,
        throttle: Throttle,
        flight: Flight,
        gates: Gates,
        engine: Engine,
        calls: Mapping[str, int],
        post_max_s: float,
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._throttle = throttle
        self._flight = flight
        self._gates = gates
        self._engine = engine
        self._places = {queue: asyncio.Semaphore(count) for queue, count in calls.items()}
        self._post_max_s = post_max_s
        self._walls = Walls()
        self.recorder: Recorder[Attempt] = Recorder(ledger, self._warn_all, self._report)
        self._log = structlog.get_logger()

    def send_sms(self, batch: Batch) -> None:
        """Bring sends as far as they go now. Safe to repeat: the ledger decides what is left to do.

        Returns as soon as they are claimed; what was claimed ends in the recorder.

        Raises:
            redis.RedisError: Redis stayed away; Dramatiq runs this again.
        """
        started = time.monotonic()
        stuck = self._ledger.compose(batch)
        found = self._ledger.claim(batch, stuck)
        batch.taken = True
        claims = [each for each in found if isinstance(each, Claim)]
        self._engine.spawn([self._send(Attempt(claim, batch.holder, started)) for claim in claims])
        if len(claims) < len(found):
            self._dismiss(batch, found)

    async def _send(self, attempt: Attempt) -> None:
        try:
            submit = partial(self._gateway.submit, simulated=attempt.body.simulation_mode)
            async with self._places[attempt.claim.queue]:
                # What was claimed ahead does not run into a wall that another has just met.
                if not self._walls.stops(attempt.answer, attempt.size, attempt.started, time.monotonic()):
                    await attempt.run(submit, self._post_max_s)
                    self._walls.meet(attempt.answer, attempt.size, time.monotonic())
        except Exception as error:  # noqa: BLE001 - a mistake of ours must cost no message
            self._log.error("sms.crashed", request_id=attempt.claim.entry.id, reason=type(error).__name__)
            if not attempt.posts:
                attempt.outcome = Deferred("crashed")
        finally:
            self.recorder.put(attempt)

    def _dismiss(self, batch: Batch, found: Sequence[Claim | Wait | Over]) -> None:
        """End the entries that have nothing to do, let those that must wait come again."""
        pairs = list(zip(batch.entries, found, strict=True))
        waits = [(entry, each.ms) for entry, each in pairs if isinstance(each, Wait)]
        over = [(entry, each) for entry, each in pairs if isinstance(each, Over)]
        if any(isinstance(each, Wait) and each.newer for each in found):
            self._log.error("sms.record_of_newer_version", queue=batch.queue)
        for entry, each in over:
            self._report_over(entry.id, each)
        # A call that has ended may have members that do not know it yet.
        calls = [entry for entry, each in over if is_call(entry.id) and each.state in ENDS]
        if calls:
            self.recorder.put_ended_calls(Batch(batch.queue, calls, batch.holder))
        try:
            batch.holder.settle([entry for entry, _ in over if entry not in calls])
        finally:
            batch.holder.put_off(waits)

    def _warn_all(self, finished: Sequence[Attempt]) -> None:
        """Hold or pause all sending before these messages go back: no other shall run into the same wall.

        Without Redis nobody is warned, but what the gateway said is still recorded: that is tried for longer.
        """
        self._flight.observe(finished)
        try:
            for each in finished:
                self._warn(each.outcome)
            self._gates.observe(each.answer for each in finished)
        except redis.RedisError as error:
            if not passes(error):  # an outage is told once, by the connection
                self._log.warning("account.nobody_warned", reason=type(error).__name__)

    def _warn(self, outcome: Outcome) -> None:
        if retrying.holds_all(outcome):
            if self._throttle.hold(outcome.code):
                self._log.error("account.held", code=outcome.code)
        elif isinstance(outcome, Deferred | Unknown) and (pause := retrying.pause_ms(outcome)):
            self._throttle.pause(outcome.code, pause)
            self._log.warning("account.paused", code=outcome.code, retry_in_s=pause / 1000)

    def _report_over(self, request_id: str, claim: Over) -> None:
        """Write the canonical line of a send that ended by time, or was over before."""
        if not claim.just_now:
            self._log.debug("sms.nothing_to_do", request_id=request_id, state=claim.state)
            return
        level = self._log.warning if claim.state in {"expired", "cancelled"} else self._log.error
        level("sms." + claim.state, request_id=request_id, state=claim.state, code=claim.code)

    def _report(self, attempt: Attempt, state: str | None) -> None:
        """Write the canonical line of this run; one for a shared call, whose id its members' records bear."""
        outcome = (result := attempt.result).outcome
        fields: dict[str, str | int | float | None] = {
            "request_id": result.claim.entry.id,
            "state": state or "fenced",
            "outcome": type(outcome).__name__.lower(),
            "recipients": attempt.size,
            "to": mask(to[0].phone_number) if (to := attempt.body.recipients) else None,
            "posts": result.posts,
            "run": result.claim.run,
            "duration_ms": round(attempt.elapsed_s * 1000),
        }
        if isinstance(outcome, Accepted):
            facts = {"ticket": outcome.ticket, "segments": outcome.segments, "cost": outcome.cost}
            facts["contacts"] = outcome.contacts if _leaves_out(attempt) else None
            fields |= {name: value for name, value in facts.items() if value is not None}
        else:
            fields["code"] = outcome.code
        if state in {"queued", "sending"}:
            fields["retry_in_s"] = round(result.delay_ms / 1000, 1)
        level = self._log.error if _leaves_out(attempt) else self._level(outcome, state)
        level("sms." + (state or "fenced"), **fields)

    def _level(self, outcome: Outcome, state: str | None) -> Callable[..., None]:
        """Errors are what somebody must look at; warnings are what went wrong for one message."""
        if state in {"unknown", None} or (not isinstance(outcome, Accepted) and outcome.code in LOUD):
            return self._log.error  # type: ignore[no-any-return]
        if state == "accepted":
            return self._log.info  # type: ignore[no-any-return]
        return self._log.warning  # type: ignore[no-any-return]


def _leaves_out(attempt: Attempt) -> bool:
    """Whether the gateway took fewer recipients than it was given; nobody says whom it left out."""
    outcome, size = attempt.outcome, attempt.size
    return isinstance(outcome, Accepted) and outcome.contacts is not None and outcome.contacts < size
