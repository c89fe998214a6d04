"""The only retry policies, one owner per time scale, with their arithmetic.

Seconds: tenacity repeats a POST inside one run of `send_sms`, at most `TRIES` times and never past
`RUN_BUDGET_S`. Minutes: Dramatiq runs the actor again after `later_ms`, until the ledger ends the message
(`WINDOW_S` after its first attempt, or its ttl). Nothing else repeats a POST: httpx does not, and Redis
commands are repeated only where the script makes that harmless.

Worst case of POSTs for one request_id (`worst_case_posts`): a gateway that never gives a definite answer,
each delay at the short end of its jitter, every run using all its tries.
"""

import random
from collections.abc import Callable
from typing import Final, TypeVar

import redis
import tenacity

from worker.outcomes import Deferred, Outcome, Unknown

T = TypeVar("T")

#: POSTs in one run.
TRIES: Final = 3
#: Seconds a run may last; below the workers' shutdown time-out (26 s), below the platform's 30 s.
RUN_BUDGET_S: Final = 25.0
#: Seconds between POSTs of one run: random up to 0.5, 1, 2 … at most this.
WAIT_MAX_S: Final = 4.0
#: Seconds after the first attempt in which a repeat is safe. The gateway forgets a request_id after 24 h
#: (Octopush docs, send page); four hours are left for clocks, queues and a slow last attempt.
WINDOW_S: Final = 20 * 3600
#: Seconds before the second run, doubling with each run up to the ceiling.
LATER_FIRST_S: Final = 10.0
LATER_MAX_S: Final = 1800.0
#: Longest Retry-After that is obeyed.
RETRY_AFTER_MAX_S: Final = 3600.0
#: Share by which a delay between runs may fall short of or exceed its nominal value.
JITTER: Final = 0.2


def submit_with_tries(
    submit: Callable[[], Outcome],
    post_max_s: float,
    *,
    sleep: Callable[[float], None] = tenacity.nap.sleep,
) -> Outcome:
    """Repeat a POST within seconds while its outcome is deferred or unknown.

    Stops early when the next try might outlive `RUN_BUDGET_S`, when the gateway asks for a longer wait than
    the run has left, or when the account is the cause.

    Args:
        submit: one POST with the same bytes each time.
        post_max_s: longest that one POST can take.
        sleep: takes seconds; replaced in tests.

    Returns:
        The last outcome.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(_worth_repeating),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(TRIES),
            tenacity.stop_before_delay(RUN_BUDGET_S - post_max_s),
        ),
        wait=_wait,
        sleep=sleep,
        retry_error_callback=lambda state: state.outcome.result(),  # type: ignore[union-attr]
    )
    outcome: Outcome = retrying(submit)
    return outcome


def _worth_repeating(outcome: Outcome) -> bool:
    return isinstance(outcome, Unknown) or (isinstance(outcome, Deferred) and not outcome.account)


_jittered = tenacity.wait_random_exponential(multiplier=0.5, max=WAIT_MAX_S)


def _wait(state: tenacity.RetryCallState) -> float:
    """Exponential with full jitter; the gateway's Retry-After wins."""
    outcome = state.outcome.result()  # type: ignore[union-attr]
    return outcome.retry_after_s if outcome.retry_after_s is not None else _jittered(state)


def later_ms(runs: int, retry_after_s: float | None, rng: random.Random | None = None) -> int:
    """Milliseconds until the next run.

    ``min(10 s · 2^(runs-1), 30 min)``, ± 20 %; a longer Retry-After wins, up to an hour.

    Args:
        runs: runs so far, at least 1.
        retry_after_s: what the gateway asked for, or None.
        rng: source of the jitter.
    """
    nominal = min(LATER_FIRST_S * 2 ** min(runs - 1, 30), LATER_MAX_S)
    delay = nominal * (rng or random).uniform(1 - JITTER, 1 + JITTER)
    return int(1000 * max(delay, min(retry_after_s or 0.0, RETRY_AFTER_MAX_S)))


def worst_case_posts() -> int:
    """POSTs for one request_id if no answer is ever definite."""
    runs, at = 0, 0.0
    while at <= WINDOW_S:
        runs += 1
        at += min(LATER_FIRST_S * 2 ** (runs - 1), LATER_MAX_S) * (1 - JITTER)
    return runs * TRIES


def record(
    transition: Callable[[], T], *, give_up_s: float, sleep: Callable[[float], None] = tenacity.nap.sleep
) -> T:
    """Repeat a ledger transition while Redis is away: what the gateway said must not be forgotten.

    Args:
        transition: a script call that is safe to repeat.
        give_up_s: seconds after which somebody else may hold the lease.
        sleep: takes seconds; replaced in tests.

    Raises:
        redis.RedisError: the last one, when time is up.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(redis.RedisError),
        stop=tenacity.stop_after_delay(give_up_s),
        wait=tenacity.wait_random_exponential(multiplier=0.1, max=1.0),
        sleep=sleep,
        reraise=True,
    )
    return retrying(transition)
