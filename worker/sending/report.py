"""The canonical log lines of sending: one for each attempt, one for each message that ends without one."""

from collections.abc import Callable

import structlog

from producers.contract.phone import mask
from worker.gateway.codes import LOUD
from worker.gateway.outcomes import Accepted, Outcome
from worker.ledger.claims import Over
from worker.sending.attempt import Attempt


class Report:
    """Writes the canonical lines. Thread-safe."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def write_attempt(self, attempt: Attempt, state: str | None) -> None:
        """Write the line of an attempt; one line for a shared call, whose id stands in its members' records.

        Args:
            attempt: what was done.
            state: what the ledger recorded; None when a later claim had taken over.
        """
        outcome, state = attempt.outcome, state or "fenced"
        fields: dict[str, str | int | float | None] = {
            "request_id": attempt.claim.entry.id,
            "state": state,
            "outcome": type(outcome).__name__.lower(),
            "recipients": attempt.size,
            "to": mask(attempt.number) if attempt.size else None,
            "posts": attempt.posts,
            "attempt": attempt.claim.attempt,
            "duration_ms": round(attempt.elapsed_s * 1000),
        }
        if isinstance(outcome, Accepted):
            facts = {"ticket": outcome.ticket, "segments": outcome.segments, "cost": outcome.cost}
            facts["contacts"] = outcome.contacts if _leaves_out(attempt) else None
            fields |= {name: value for name, value in facts.items() if value is not None}
        else:
            fields["code"] = outcome.code
        if state in {"queued", "sending"}:
            fields["retry_in_s"] = round(attempt.delay_ms / 1000, 1)
        level = self._log.error if _leaves_out(attempt) else self._level(outcome, state)
        level("sms." + state, **fields)

    def write_over(self, request_id: str, over: Over) -> None:
        """Write the line of a message that its claim ended, or that was over before."""
        if not over.just_now:
            self._log.debug("sms.nothing_to_do", request_id=request_id, state=over.state)
            return
        levels = {"accepted": self._log.info, "expired": self._log.warning, "cancelled": self._log.warning}
        levels.get(over.state, self._log.error)(
            "sms." + over.state, request_id=request_id, state=over.state, code=over.code
        )

    def _level(self, outcome: Outcome, state: str) -> Callable[..., None]:
        """Errors are what somebody must look at; warnings are what went wrong for one message."""
        if state in {"unknown", "fenced"} or (not isinstance(outcome, Accepted) and outcome.code in LOUD):
            return self._log.error  # type: ignore[no-any-return]
        if state == "accepted":
            return self._log.info  # type: ignore[no-any-return]
        return self._log.warning  # type: ignore[no-any-return]


def _leaves_out(attempt: Attempt) -> bool:
    """Whether the gateway took fewer recipients than it was given; nobody says whom it left out."""
    outcome, size = attempt.outcome, attempt.size
    return isinstance(outcome, Accepted) and outcome.contacts is not None and outcome.contacts < size
