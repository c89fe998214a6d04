"""What one POST adds to the metrics: what it came to, in one word of few, how long it took, and its code."""

import re
from bisect import bisect_left
from typing import Final, NamedTuple

from producers.contract.metric_table import CALL_MS, OTHER
from worker.gateway.codes import CODES, STRAIN
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unexplained, Unknown

#: Our words for what went wrong that are told apart; all other words are `OTHER`.
_WORDS: Final = frozenset(
    {
        *("answer_without_ticket", "illegible", "socket_timeout_error", "timeout_error"),
        *("client_connector_error", "client_connector_d_n_s_error", "connection_timeout_error"),
        *("client_connector_certificate_error", "server_disconnected_error", "client_os_error"),
    }
)
_STATUS: Final = re.compile("http_[1-5][0-9]{2}", re.ASCII)
_KNOWN: Final = frozenset(map(str, CODES)) | _WORDS


class CallFigures(NamedTuple):
    """What is counted of one POST.

    Attributes:
        outcome: one of `producers.contract.metric_table.CALL_OUTCOMES`.
        within: the class of its duration: milliseconds at most, or ``more``.
        ms: its duration in milliseconds.
        code: the gateway's code or our word, one of few; empty if it was accepted.
    """

    outcome: str
    within: str
    ms: int
    code: str


def figures_of(outcome: Outcome, seconds: float) -> CallFigures:
    """Say what is counted of a POST that has ended."""
    ms = max(0, round(seconds * 1000))
    at = bisect_left(CALL_MS, ms)
    within = str(CALL_MS[at]) if at < len(CALL_MS) else "more"
    code = "" if isinstance(outcome, Accepted) else _known(outcome.code)
    return CallFigures(_outcome(outcome), within, ms, code)


def _known(code: str) -> str:
    return code if code in _KNOWN or _STATUS.fullmatch(code) else OTHER


def _outcome(outcome: Outcome) -> str:
    if isinstance(outcome, Accepted):
        return "accepted"
    if isinstance(outcome, Duplicate):
        return "duplicate"
    if outcome.code in STRAIN:
        return "throttled"
    if isinstance(outcome, Refused | Unexplained):
        return "refused"
    if isinstance(outcome, Unknown):
        return "lost"
    return _deferred(outcome)


def _deferred(outcome: Deferred) -> str:
    """A no for now; or an answer that was not the gateway's; or a call that never left."""
    if outcome.may_use_up_id or outcome.account:
        return "refused"
    return "unreachable" if outcome.proven else "lost"
