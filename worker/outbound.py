"""The whole life of one SMS in a worker: claim, POST, record, log, and come back later if need be."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
import structlog
from dramatiq.errors import Retry

from producers.phone import mask
from worker import retrying
from worker.gateway import Gateway
from worker.ledger import Claim, Ledger, Over, Wait
from worker.outcomes import Accepted, Deferred, Outcome, Refused, Unknown
from worker.throttle import Throttle

#: Milliseconds after which a message that ran into an account in trouble is back in its queue.
HELD_MS: Final = 1_000
#: What a claim comes to whose time is over before its first POST; the next claim says what becomes of it.
NOT_TRIED: Final = Deferred("too_late")


class _Body(msgspec.Struct):
    """The parts of a frozen body that the worker looks at."""

    recipients: list[dict[str, str]]
    simulation_mode: bool = False


class _TooLateError(Exception):
    """The message's time to live, or the time of this run, is over."""


class Attempt:
    """The POSTs of one claim. Knows how many left and whether one of them may have been accepted.

    Args:
        claim: the right to make them.
        submit: one POST of the claim's bytes.
        started: when the claim was asked for, by the same clock; a freeze since then counts.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        claim: Claim,
        submit: Callable[[], Outcome],
        started: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._submit = submit
        self._clock = clock
        self._started = started
        self._lives_s = math.inf if claim.ttl_s is None else claim.ttl_s
        self.posts = 0
        self.outcome: Outcome = NOT_TRIED
        self.in_doubt = claim.in_doubt

    @property
    def elapsed_s(self) -> float:
        """Seconds since the claim was asked for."""
        return self._clock() - self._started

    def post(self) -> Outcome:
        """Make one POST unless time is up: the check stands right before the wire.

        A process that was frozen since its claim must not send on a right that others have taken over.
        """
        if self.elapsed_s >= min(self._lives_s, retrying.RUN_BUDGET_S):
            raise _TooLateError
        self.posts += 1
        # An outcome that is open stays open, whatever later POSTs of this claim come to.
        self.in_doubt = self.in_doubt or isinstance(self.outcome, Unknown)
        self.outcome = self._submit()
        return self.outcome


class Outbound:
    """Sends SMS.

    Args:
        ledger: decides what may be sent and remembers what came of it.
        gateway: makes the POSTs.
        throttle: told when all sending has to wait.
        post_max_s: longest that one POST can take.
    """

    def __init__(self, ledger: Ledger, gateway: Gateway, throttle: Throttle, post_max_s: float) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._throttle = throttle
        self._post_max_s = post_max_s
        self._log = structlog.get_logger()

    def send_sms(self, request_id: str) -> None:
        """Bring one send as far as it goes now. Safe to repeat: the ledger decides what is left to do.

        Raises:
            Retry: the message is not over yet; Dramatiq runs this again after the delay.
            redis.RedisError: Redis stayed away; Dramatiq runs this again.
        """
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.monotonic()
        claim = self._ledger.claim(request_id)
        if isinstance(claim, Over):
            self._report_over(claim)
            return
        if isinstance(claim, Wait):
            if claim.newer:
                self._log.error("sms.record_of_newer_version", retry_in_s=claim.ms / 1000)
            raise Retry(delay=claim.ms)
        with self._ledger.holding(claim):
            body = msgspec.json.decode(claim.body, type=_Body)
            attempt = self._attempt(claim, started, simulated=body.simulation_mode)
            state = self._ledger.finish(
                claim, attempt.outcome, posts=attempt.posts, in_doubt=attempt.in_doubt
            )
        self._warn_all(attempt.outcome)
        delay_ms = self._delay_ms(claim, attempt, state)
        self._report(attempt, claim, body, state, delay_ms)
        if delay_ms is not None:
            raise Retry(delay=delay_ms)

    def _attempt(self, claim: Claim, started: float, *, simulated: bool) -> Attempt:
        attempt = Attempt(claim, lambda: self._gateway.submit(claim.body, simulated=simulated), started)
        with suppress(_TooLateError):
            retrying.submit_with_tries(attempt.post, self._post_max_s)
        return attempt

    def _warn_all(self, outcome: Outcome) -> None:
        """Hold or pause all sending before this message goes back: no other shall run into the same wall."""
        if isinstance(outcome, Deferred) and outcome.account:
            if self._throttle.hold(outcome.code):
                self._log.error("account.held", code=outcome.code)
        elif isinstance(outcome, Deferred | Unknown) and (pause := retrying.pause_ms(outcome)):
            self._throttle.pause(outcome.code, pause)
            self._log.warning("account.paused", code=outcome.code, retry_in_s=pause / 1000)

    def _delay_ms(self, claim: Claim, attempt: Attempt, state: str | None) -> int | None:
        """Milliseconds until the next run; None when there is none to plan."""
        if state not in {"queued", "sending"}:
            return None
        outcome = attempt.outcome
        if outcome is NOT_TRIED:
            return 0
        if isinstance(outcome, Deferred) and outcome.account:
            # Back into the queue, which nobody fetches from while sending is held.
            return HELD_MS
        delay_ms = retrying.next_run_ms(claim.run, outcome)
        if claim.ttl_s is None:
            return delay_ms
        # A message whose time runs out before the next run ends when its time does.
        return min(delay_ms, max(0, math.ceil(1000 * (claim.ttl_s - attempt.elapsed_s))))

    def _report_over(self, claim: Over) -> None:
        """Write the canonical line of a send that ended by time, or was over before."""
        if not claim.just_now:
            self._log.debug("sms.nothing_to_do", state=claim.state)
        elif claim.state == "expired":
            self._log.warning("sms.expired", state=claim.state, code=claim.code)
        else:
            self._log.error("sms." + claim.state, state=claim.state, code=claim.code)

    def _report(
        self, attempt: Attempt, claim: Claim, body: _Body, state: str | None, delay_ms: int | None
    ) -> None:
        """Write the canonical line of this run."""
        outcome = attempt.outcome
        fields: dict[str, str | int | float | None] = {
            "state": state or "fenced",
            "outcome": type(outcome).__name__.lower(),
            "code": None if isinstance(outcome, Accepted) else outcome.code,
            "recipients": len(body.recipients),
            "to": mask(body.recipients[0]["phone_number"]),
            "posts": attempt.posts,
            "run": claim.run,
            "duration_ms": round(attempt.elapsed_s * 1000),
        }
        if isinstance(outcome, Accepted):
            fields |= {"ticket": outcome.ticket, "segments": outcome.segments, "cost": outcome.cost}
        if delay_ms is not None:
            fields["retry_in_s"] = round(delay_ms / 1000, 1)
        shown = {name: value for name, value in fields.items() if value is not None}
        self._level(outcome, state)("sms." + (state or "fenced"), **shown)

    def _level(self, outcome: Outcome, state: str | None) -> Callable[..., None]:
        """Errors are what somebody must look at; warnings are what went wrong for one message."""
        strange = isinstance(outcome, Refused) and not outcome.known
        if strange or state in {"unknown", None}:
            return self._log.error  # type: ignore[no-any-return]
        if state == "accepted":
            return self._log.info  # type: ignore[no-any-return]
        return self._log.warning  # type: ignore[no-any-return]
