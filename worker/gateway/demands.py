"""What an outcome asks of others than its own message: a hold, a pause, a wait aside, or silence. Pure."""

from typing import Final, TypeGuard

from worker.gateway.codes import UNPAID
from worker.gateway.outcomes import Deferred, Outcome, Unknown

#: Longest Retry-After that is obeyed, in seconds.
RETRY_AFTER_MAX_S: Final = 3600.0
#: Milliseconds to pause when the gateway says "too many requests" without saying for how long.
PAUSE_MS: Final = 2_000
#: Code with which the gateway asks for no more POSTs of this one message.
SELDOM_CODE: Final = "128"


def holds_all(outcome: Outcome) -> TypeGuard[Deferred]:
    """Say whether the account is in trouble for every message: all sending is held."""
    return isinstance(outcome, Deferred) and outcome.account and outcome.code not in UNPAID


def is_unpaid(outcome: Outcome) -> bool:
    """Say whether the account cannot pay this call: the message waits aside, and no other waits for it."""
    return isinstance(outcome, Deferred) and outcome.account and outcome.code in UNPAID


def pause_ms(outcome: Outcome) -> int:
    """Return the milliseconds for which all sending should pause after this outcome; 0 for none.

    The gateway's Retry-After wins, up to an hour; "too many requests" without one counts as two seconds.
    """
    if not isinstance(outcome, Deferred | Unknown):
        return 0
    if outcome.retry_after_s is not None:
        return max(1, int(1000 * min(outcome.retry_after_s, RETRY_AFTER_MAX_S)))
    return PAUSE_MS if outcome.code == "http_429" else 0


def wants_no_more(outcome: Outcome) -> bool:
    """Say whether the gateway wants no more POSTs of this message for now, and goes on taking others."""
    return isinstance(outcome, Deferred) and outcome.code == SELDOM_CODE and not outcome.account
