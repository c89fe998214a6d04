"""The repeats of a POST within one attempt: seconds apart, by tenacity."""

from collections.abc import Awaitable, Callable
from typing import Final

import tenacity

from worker.gateway.demands import pause_ms, wants_no_more
from worker.gateway.outcomes import Deferred, Outcome, Unknown

#: POSTs in one attempt.
TRIES: Final = 3
#: Seconds an attempt may last; below the workers' shutdown time-out (23 s), below the platform's 30 s.
ATTEMPT_BUDGET_S: Final = 22.0
#: Seconds before the second POST of an attempt at most; twice as many before the third.
WAIT_FIRST_S: Final = 0.5


def is_worth_repeating(outcome: Outcome) -> bool:
    """Say whether another POST within seconds may bring more; not when all sending has to wait first."""
    if wants_no_more(outcome) or (isinstance(outcome, Deferred) and outcome.account):
        return False
    return isinstance(outcome, Deferred | Unknown) and pause_ms(outcome) == 0


def further_posts(
    left_s: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
) -> tenacity.AsyncRetrying:
    """Make the loop over all POSTs of an attempt but the first; the result of each turn is an outcome.

    Args:
        left_s: says how many seconds are left in which a POST may begin.
        sleep: takes seconds.
    """
    enough = tenacity.stop_after_attempt(TRIES - 1)
    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_result(is_worth_repeating),
        stop=lambda state: enough(state) or state.upcoming_sleep >= left_s(),
        wait=tenacity.wait_random(0, 2 * WAIT_FIRST_S),
        sleep=sleep,
        retry_error_callback=lambda state: state.outcome,
    )
