"""The spans of an attempt: one of the attempt, in the trace of its message, and one of each POST in it.

Only what an application has chosen to record is recorded here: docs/tracing.md.
"""

from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from producers.contract import span_names, tracing
from worker.gateway.client import Gateway, Tried
from worker.gateway.outcomes import Accepted, Outcome
from worker.ledger.claims import Claim

#: States of a message in which nothing was sent, or nobody knows.
_FAILED: Final = frozenset({"rejected", "failed", "unknown", "expired", "fenced"})


class AttemptSpan:
    """The span of one attempt. A message that was queued alone has it in its own trace.

    An attempt of a message that was queued among others, and one of a shared call, begins a trace, and is
    linked to the spans in which they were queued.

    Args:
        claim: the right to make the attempt.
        size: recipients of each POST.
    """

    def __init__(self, claim: Claim, size: int) -> None:
        attributes = {
            **span_names.of_messaging("process", claim.queue),
            span_names.COUNT: size,
            span_names.ATTEMPT: claim.attempt,
        }
        name = span_names.name_of("process", claim.queue)
        around: dict[str, Any] = (
            {"parent": claim.trace} if claim.trace else {"links": _sampled(claim.links.split())}
        )
        self._span = tracing.begin(name, "CONSUMER", attributes, **around)

    async def post(self, gateway: Gateway, body: bytes, *, simulated: bool, repeat: int) -> Outcome:
        """Make one POST as `Gateway.submit` does, in a span of its own.

        Args:
            gateway: makes it.
            body: the JSON bytes.
            simulated: the call asks for simulation_mode.
            repeat: which repeat it is within the attempt, from 1; 0 for the first POST.
        """
        span = tracing.begin(span_names.POST, "CLIENT", _of_post(gateway.root, repeat), parent=self._span)
        try:
            tried = await gateway.try_out(body, simulated=simulated)
            # What an exporter makes of a span must not take the outcome away.
            with suppress(Exception):
                _tell(span, tried)
        finally:
            tracing.end(span)
        return tried.outcome

    def end(self, state: str, posts: int, outcome: Outcome) -> None:
        """End the span.

        Args:
            state: what the ledger recorded; ``fenced`` when a later claim had taken over, ``not_recorded``
                when Redis stayed away.
            posts: POSTs of the attempt.
            outcome: of the last one.
        """
        self._span.set_attributes({span_names.STATE: state, span_names.POSTS: posts})
        if not isinstance(outcome, Accepted):
            self._span.set_attribute(span_names.CODE, outcome.code)
        if state in _FAILED or state == "not_recorded":
            tracing.fail(self._span, state)
        tracing.end(self._span)


def span_of(claim: Claim, size: int) -> AttemptSpan | None:
    """Begin the span of an attempt; None if this process has no traces, or nobody records the message's."""
    if tracing.api() is None or not _sampled([claim.trace, *claim.links.split()]):
        return None
    return AttemptSpan(claim, size)


def _sampled(parents: list[str]) -> list[str]:
    return [each for each in parents if tracing.is_sampled(each)]


def _of_post(root: str, repeat: int) -> dict[str, Any]:
    url = urlsplit(root)
    found: dict[str, Any] = {
        span_names.METHOD: "POST",
        span_names.TEMPLATE: span_names.SEND_PATH,
        span_names.ADDRESS: url.hostname or "",
        span_names.PORT: url.port or (443 if url.scheme == "https" else 80),
    }
    return {**found, span_names.RESENT: repeat} if repeat else found


def _tell(span: Any, tried: Tried) -> None:
    outcome = tried.outcome
    span.set_attribute(span_names.OUTCOME, type(outcome).__name__.lower())
    code = "" if isinstance(outcome, Accepted) else outcome.code
    if code:
        span.set_attribute(span_names.CODE, code)
    if tried.status is not None:
        span.set_attribute(span_names.STATUS_CODE, tried.status)
    if tried.status is None or tried.status >= 400:
        tracing.fail(span, str(tried.status or code))
