"""The whole life of one SMS in a worker: claim, POST, record, log, and come back later if need be.

Dramatiq calls `Outbound.send_sms` with all the sends that were fetched together. They are claimed in one
step, then each goes its own way in the engine's loop, and the recorder records what came of them, again
many in a step.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec
import redis
import structlog

from producers.phone import mask
from worker import retrying
from worker.claims import ENDS, Claim, Over, Result, Wait
from worker.codes import LOUD, STRAIN
from worker.engine import Engine
from worker.entries import Batch, Holder, is_call
from worker.flight import Flight
from worker.gates import Answer, Gates
from worker.gateway import Gateway
from worker.ledger import Ledger
from worker.outcomes import NOT_TRIED, Accepted, Deferred, Outcome, Unknown
from worker.recorder import Recorder
from worker.throttle import Throttle
from worker.walls import Walls


class _To(msgspec.Struct):
    phone_number: str


class _Body(msgspec.Struct):
    """The parts of a frozen body that the worker looks at."""

    recipients: list[_To]
    sender: str = ""
    type: str = ""
    simulation_mode: bool = False


_BODY: Final = msgspec.json.Decoder(_Body)


class _TooLateError(Exception):
    """The message's time to live, or the time of this run, is over."""


class Attempt:
    """The POSTs of one claim. Knows how many left and whether one of them may have been accepted.

    Args:
        claim: the right to make them.
        holder: answers for the claim's entry.
        started: when the claim was asked for, by the same clock; a freeze since then counts.
        clock: monotonic seconds.
    """

    def __init__(
        self, claim: Claim, holder: Holder, started: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.claim = claim
        self.holder = holder
        self.damage: msgspec.MsgspecError | None = None
        try:
            self.body = _BODY.decode(claim.body)
        except msgspec.MsgspecError as error:
            self.body, self.damage = _Body([]), error
        self._clock = clock
        self.started = started
        self._lives_s = math.inf if claim.ttl_s is None else claim.ttl_s
        self.posts = 0
        self.post_s = 0.0
        self.strained = False
        self.outcome: Outcome = NOT_TRIED
        self.in_doubt = claim.in_doubt
        self.id_used_up = False
        self.elapsed_s = 0.0

    async def run(self, submit: Callable[[bytes], Awaitable[Outcome]], post_max_s: float) -> None:
        """Make POSTs until one is answered for good or the time of the run is over.

        Raises:
            msgspec.MsgspecError: somebody damaged the body; nothing was posted.
        """
        if self.damage is not None:
            raise self.damage
        with suppress(_TooLateError):
            await retrying.submit_with_tries(partial(self._post, submit), post_max_s)
        self.elapsed_s = self._clock() - self.started

    async def _post(self, submit: Callable[[bytes], Awaitable[Outcome]]) -> Outcome:
        """Make one POST unless time is up: the check stands right before the wire.

        A process that was frozen since its claim must not send on a right that others have taken over.
        """
        if self._clock() - self.started >= min(self._lives_s, retrying.RUN_BUDGET_S):
            raise _TooLateError
        self.posts += 1
        # An outcome that is open stays open, whatever later POSTs of this claim come to.
        self.in_doubt = self.in_doubt or self.outcome.leaves_open
        self.id_used_up = self.id_used_up or self.outcome.may_use_up_id
        # Whatever cuts this short, the POST may have left.
        self.outcome = Unknown("cut_short")
        left = self._clock()
        self.outcome = await submit(self.claim.body)
        self.post_s = self._clock() - left
        strains = isinstance(self.outcome, Deferred | Unknown) and self.outcome.code in STRAIN
        self.strained = self.strained or strains
        return self.outcome

    @property
    def result(self) -> Result:
        """What the ledger is told."""
        return Result(self.claim, self.outcome, self.posts, self.in_doubt, self.id_used_up, self.delay_ms)

    @property
    def answer(self) -> Answer:
        """What the gates are told."""
        entry, body, to = self.claim.entry, self.body, self.body.recipients
        number = to[0].phone_number if to else ""
        return Answer(entry.id, self.claim.queue, body.sender, body.type, number, self.outcome)

    @property
    def size(self) -> int:
        """How many recipients each POST has."""
        return len(self.body.recipients)

    @property
    def delay_ms(self) -> int:
        """Milliseconds until the next run, if the message is not over."""
        outcome, claim = self.outcome, self.claim
        if outcome is NOT_TRIED:
            return 0
        if retrying.holds_all(outcome):
            # Back into the queue, which nobody fetches from while sending is held.
            return retrying.HELD_MS
        aside = retrying.unpaid(outcome) and not (self.in_doubt or outcome.leaves_open)
        delay_ms = retrying.ASIDE_MS if aside else retrying.next_run_ms(claim.run, outcome)
        if claim.ttl_s is None:
            return delay_ms
        # A message whose time runs out before the next run ends when its time does.
        return min(delay_ms, max(0, math.ceil(1000 * (claim.ttl_s - self.elapsed_s))))


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
        found = self._ledger.claim(batch)
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
        level = self._log.warning if claim.state == "expired" else self._log.error
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
            fields |= {name: value for name, value in facts.items() if value is not None}
        else:
            fields["code"] = outcome.code
        if state in {"queued", "sending"}:
            fields["retry_in_s"] = round(result.delay_ms / 1000, 1)
        self._level(outcome, state)("sms." + (state or "fenced"), **fields)

    def _level(self, outcome: Outcome, state: str | None) -> Callable[..., None]:
        """Errors are what somebody must look at; warnings are what went wrong for one message."""
        if state in {"unknown", None} or (not isinstance(outcome, Accepted) and outcome.code in LOUD):
            return self._log.error  # type: ignore[no-any-return]
        if state == "accepted":
            return self._log.info  # type: ignore[no-any-return]
        return self._log.warning  # type: ignore[no-any-return]
