"""What `finish.lua` is told of an attempt: its outcome in one word, what that proves, the facts. No I/O."""

from collections.abc import Sequence
from typing import Any, Final

from worker.gateway.codes import NOT_ALLOWED, SPLITTING
from worker.gateway.demands import is_unpaid, wants_no_more
from worker.gateway.outcomes import (
    NOT_TRIED,
    Accepted,
    Deferred,
    Duplicate,
    Outcome,
    Refused,
    Unexplained,
    Unknown,
)
from worker.ledger.claims import Result

#: The outcomes that always have the same word.
_WORDS: Final[dict[type, str]] = {
    Accepted: "accepted",
    Duplicate: "duplicate",
    Refused: "refused",
    Unexplained: "unexplained",
    Unknown: "unknown",
}


def evidence(result: Result) -> dict[str, Any]:
    """Name everything about an attempt that its record may need; what is None is left out in Lua."""
    claim, outcome = result.claim, result.outcome
    return {
        "id": claim.entry.id,
        "token": claim.token,
        "queue": claim.queue,
        "lease": claim.entry.lease,
        "outcome": _word(outcome),
        "posts": result.posts,
        "in_doubt": result.in_doubt or outcome.leaves_doubt,
        "id_used_up": result.id_used_up or outcome.may_use_up_id,
        "splits": isinstance(outcome, Refused) and outcome.code in SPLITTING,
        "delay_ms": result.delay_ms,
        "calls": result.calls,
        "countries": result.countries,
        **_facts(outcome),
    }


def credit_seen(results: Sequence[Result]) -> str | None:
    """Return what is left on the account, as the last answer said that named it; None if none did."""
    said = (each.outcome.credit for each in reversed(results) if isinstance(each.outcome, Accepted))
    return next((credit for credit in said if credit is not None), None)


def _word(outcome: Outcome) -> str:
    if outcome is NOT_TRIED:
        return "untried"
    if wants_no_more(outcome):
        return "seldom"
    if isinstance(outcome, Refused) and outcome.code == NOT_ALLOWED:
        return "forbidden"
    if isinstance(outcome, Deferred):
        return "unpaid" if is_unpaid(outcome) else "held" if outcome.account else "deferred"
    return _WORDS[type(outcome)]


def _facts(outcome: Outcome) -> dict[str, str | int | None]:
    """What the gateway said: of an acceptance its ticket and numbers, else its code and its message."""
    if not isinstance(outcome, Accepted):
        return {"code": outcome.code, "message": outcome.message}
    return {
        "ticket": outcome.ticket,
        "cost": outcome.cost,
        "segments": outcome.segments,
        "contacts": outcome.contacts,
    }
