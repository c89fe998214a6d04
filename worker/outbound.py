"""The whole life of one SMS in a worker: claim, POST, record, log, and come back later if need be."""

import time
from collections.abc import Callable

import msgspec
import structlog
from dramatiq.errors import Retry

from producers.phone import mask
from worker import retrying
from worker.gateway import Gateway
from worker.ledger import Claim, Ledger, Over, Wait
from worker.outcomes import Accepted, Deferred, Outcome, Refused, Unknown


class _Body(msgspec.Struct):
    """The parts of a frozen body that the worker looks at."""

    recipients: list[dict[str, str]]
    simulation_mode: bool = False


class _ExpiredError(Exception):
    """The message's time ran out between two POSTs."""


class Attempt:
    """The POSTs of one claim. Knows how many left and whether one of them may have been accepted.

    Args:
        claim: the right to make them.
        submit: one POST of the claim's bytes.
        clock: monotonic seconds.
    """

    def __init__(
        self, claim: Claim, submit: Callable[[], Outcome], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._submit = submit
        self._clock = clock
        self._started = clock()
        self._expires = None if claim.ttl_s is None else clock() + claim.ttl_s
        self.posts = 0
        self.outcome: Outcome = Deferred("expired")
        self.in_doubt = claim.in_doubt

    @property
    def elapsed_s(self) -> float:
        """Seconds since the claim."""
        return self._clock() - self._started

    def post(self) -> Outcome:
        """Make one POST unless the message's time is up: the check stands right before the wire."""
        if self._expires is not None and self._clock() >= self._expires:
            raise _ExpiredError
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
        post_max_s: longest that one POST can take.
    """

    def __init__(self, ledger: Ledger, gateway: Gateway, post_max_s: float) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._post_max_s = post_max_s
        self._log = structlog.get_logger()

    def send_sms(self, request_id: str) -> None:
        """Bring one send as far as it goes now. Safe to repeat: the ledger decides what is left to do.

        Raises:
            Retry: the message is not over yet; Dramatiq runs this again after the delay.
            redis.RedisError: Redis stayed away; Dramatiq runs this again.
        """
        structlog.contextvars.bind_contextvars(request_id=request_id)
        claim = self._ledger.claim(request_id)
        if isinstance(claim, Over):
            self._log.info("sms.nothing_to_do", state=claim.state)
            return
        if isinstance(claim, Wait):
            if claim.newer:
                self._log.error("sms.record_of_newer_version", retry_in_s=claim.ms / 1000)
            raise Retry(delay=claim.ms)
        body = msgspec.json.decode(claim.body, type=_Body)
        attempt = self._attempt(claim, simulated=body.simulation_mode)
        state = self._ledger.finish(claim, attempt.outcome, posts=attempt.posts, in_doubt=attempt.in_doubt)
        delay_ms = self._delay_ms(claim, attempt, state)
        self._report(attempt, claim, body, state, delay_ms)
        if delay_ms is not None:
            raise Retry(delay=delay_ms)

    def _attempt(self, claim: Claim, *, simulated: bool) -> Attempt:
        attempt = Attempt(claim, lambda: self._gateway.submit(claim.body, simulated=simulated))
        try:
            retrying.submit_with_tries(attempt.post, self._post_max_s)
        except _ExpiredError:
            pass
        except BaseException:
            self._ledger.release(claim)
            raise
        return attempt

    def _delay_ms(self, claim: Claim, attempt: Attempt, state: str | None) -> int | None:
        """Milliseconds until the next run; None when there is none to plan."""
        if state not in {"queued", "sending"}:
            return None
        outcome = attempt.outcome
        if outcome == Deferred("expired"):
            return 0
        retry_after_s = outcome.retry_after_s if isinstance(outcome, Deferred | Unknown) else None
        return retrying.later_ms(claim.run, retry_after_s)

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
        ours = isinstance(outcome, Deferred) and outcome.account
        strange = isinstance(outcome, Refused) and not outcome.known
        if ours or strange or state in {"unknown", None}:
            return self._log.error  # type: ignore[no-any-return]
        if state == "accepted":
            return self._log.info  # type: ignore[no-any-return]
        return self._log.warning  # type: ignore[no-any-return]
