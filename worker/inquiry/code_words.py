"""What codes mean, in words for people: those of the gateway, and our own. Pure."""

from typing import Final

from worker.gateway.codes import CODES, Code, CodeClass

#: Our own codes of what ended for a rule; docs/rules.md says which.
_OURS: Final = {
    "suppressed": "whoever was to get it wants no more SMS",
    "suppressed_in_doubt": "it may have been sent, and whoever was to get it wants no more SMS",
    "no_consent": "whoever was to get it has not agreed to marketing",
    "quiet_hours": "marketing may not leave at that hour",
    "over_budget": "the budget is used up",
    "number_cap": "the number had its alerts for this hour or day",
    "prefix_blocked": "too many numbers of its block of 10,000 got alerts",
    "not_allowed": "somebody is not among the numbers that may be texted",
    "answer_is_no_object": "something else answers in its place",
    "answer_without_callbacks": "something else answers in its place",
    "no_amount_of_euros": "it names no amount, or something else answers in its place",
    "erased": "whoever was to get it was erased",
}


def meaning_of(code: str) -> str:
    """Say what a code means; empty if nobody knows."""
    known = _known(code)
    return _OURS.get(code, "") if known is None else known.meaning


def is_duplicate(code: str) -> bool:
    """Say whether the gateway means by a code that it has seen the request_id before."""
    known = _known(code)
    return known is not None and known.kind is CodeClass.DUPLICATE


def _known(code: str) -> Code | None:
    return CODES.get(int(code)) if code.isascii() and code.isdigit() else None
