"""The only retry policies, one owner per time scale, with their arithmetic.

Seconds: tenacity repeats a POST inside one run of `send_sms`, at most `TRIES` times and never past
`RUN_BUDGET_S`. Minutes: Dramatiq runs the actor again after `later_ms`, until the ledger ends the message
(`WINDOW_S` after its first attempt, or its ttl). Nothing else repeats a POST: httpx does not, and Redis
commands are repeated only where the script makes that harmless.

Worst case of POSTs for one request_id (`worst_case_posts`): a gateway that never gives a definite answer,
asks for the shortest of pauses as long as that counts, each delay at the short end of its jitter, every run
using all its tries. A POST that only finds the account in trouble is not counted: there is one per hold.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeGuard, TypeVar

import redis
import tenacity

from worker.gateway.codes import UNPAID
from worker.gateway.outcomes import Deferred, Outcome, Unknown

T = TypeVar("T")

#: POSTs in one run.
TRIES: Final = 3
#: Seconds a run may last; below the workers' shutdown time-out (23 s), below the platform's 30 s.
RUN_BUDGET_S: Final = 22.0
#: Seconds between POSTs of one run: random up to 0.5, 1, 2 … at most this.
WAIT_MAX_S: Final = 4.0
#: Seconds after the first attempt in which a repeat is safe. The gateway forgets a request_id after 24 h
#: (Octopush docs, send page); four hours are left for clocks, queues and a slow last attempt.
WINDOW_S: Final = 20 * 3600
#: Seconds before the second run, doubling with each run up to the ceiling.
LATER_FIRST_S: Final = 10.0
LATER_MAX_S: Final = 1800.0
#: Seconds for which a transition is repeated while Redis is away. Past the lease a successor may have claimed
#: the send; then the fencing token keeps the late word out.
RECORD_S: Final = 20.0
#: Seconds that a stopping process leaves to a Redis that is away, for all it still has to record.
STOP_S: Final = 5.0
#: Longest Retry-After that is obeyed.
RETRY_AFTER_MAX_S: Final = 3600.0
#: Milliseconds to pause when the gateway says "too many requests" without saying for how long.
PAUSE_MS: Final = 2_000
#: Milliseconds after which a message that ran into an account in trouble is back in its queue.
HELD_MS: Final = 1_000
#: Milliseconds after which what waits aside at a gate is looked at again, should nobody open it.
ASIDE_MS: Final = 600_000
#: Runs of a message that come back as soon as a pause is over. A gateway that goes on asking for short pauses
#: gets the ordinary, doubling delays after that: no message shall ask it every second for hours.
PAUSED_RUNS: Final = 10
#: Code of a gateway that wants to be asked no more for this message, the answer of this kind with which it
#: gets its way, and seconds between them at least.
SELDOM_CODE: Final = "128"
SELDOM_MOST: Final = 4
SELDOM_S: Final = 600.0
#: Share by which a delay between runs may fall short of or exceed its nominal value.
JITTER: Final = 0.2


async def submit_with_tries(
    submit: Callable[[], Awaitable[Outcome]],
    post_max_s: float,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Outcome:
    """Repeat a POST within seconds while its outcome is deferred or unknown.

    Stops early when the next try might outlive `RUN_BUDGET_S`, or when the wait concerns all messages: the
    account is in trouble, or the gateway asks for a pause.

    Args:
        submit: one POST with the same bytes each time.
        post_max_s: longest that one POST can take.
        sleep: takes seconds; replaced in tests.

    Returns:
        The last outcome.
    """
    started = time.monotonic()
    first = await submit()
    if not _worth_repeating(first):
        # The common case, without the price of a policy that it does not need.
        return first
    made = [first]

    async def next_try() -> Outcome:
        return made.pop() if made else await submit()

    spent = time.monotonic() - started
    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_result(_worth_repeating),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(TRIES),
            tenacity.stop_before_delay(RUN_BUDGET_S - post_max_s - spent),
        ),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=WAIT_MAX_S),
        sleep=sleep,
        retry_error_callback=lambda state: state.outcome.result(),  # type: ignore[union-attr]
    )
    outcome: Outcome = await retrying(next_try)
    return outcome


def _worth_repeating(outcome: Outcome) -> bool:
    if wants_no_more(outcome) or (isinstance(outcome, Deferred) and outcome.account):
        return False
    return isinstance(outcome, Deferred | Unknown) and pause_ms(outcome) == 0


def holds_all(outcome: Outcome) -> TypeGuard[Deferred]:
    """Say whether the account is in trouble for every message: all sending is held."""
    return isinstance(outcome, Deferred) and outcome.account and outcome.code not in UNPAID


def unpaid(outcome: Outcome) -> bool:
    """Say whether the account cannot pay this call: it waits aside, and nobody else waits for it."""
    return isinstance(outcome, Deferred) and outcome.account and outcome.code in UNPAID


def pause_ms(outcome: Outcome) -> int:
    """Milliseconds for which all sending should pause after this outcome; 0 for none.

    The gateway's Retry-After wins, up to an hour; "too many requests" without one counts as two seconds.
    """
    if not isinstance(outcome, Deferred | Unknown):
        return 0
    if outcome.retry_after_s is not None:
        return max(1, int(1000 * min(outcome.retry_after_s, RETRY_AFTER_MAX_S)))
    return PAUSE_MS if outcome.code == "http_429" else 0


def waits_for_redis() -> tenacity.Retrying:
    """Wait for Redis at the start of a process: for ever, with back-off up to 5 s."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(redis.RedisError),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5.0),
    )


def later_ms(runs: int, rng: random.Random | None = None) -> int:
    """Milliseconds until the next run.

    ``min(10 s · 2^(runs-1), 30 min)``, ± 20 %.

    Args:
        runs: runs so far, at least 1.
        rng: source of the jitter.
    """
    nominal = min(LATER_FIRST_S * 2 ** min(runs - 1, 30), LATER_MAX_S)
    return int(1000 * nominal * (rng or random).uniform(1 - JITTER, 1 + JITTER))


def next_run_ms(runs: int, outcome: Outcome, rng: random.Random | None = None) -> int:
    """Milliseconds until the next run after an outcome that was open or deferred.

    The pause that the gateway asked for, after the first `PAUSED_RUNS` runs; later on the ordinary delay too.
    """
    pause = pause_ms(outcome)
    if wants_no_more(outcome):
        return max(pause, int(1000 * SELDOM_S), later_ms(runs, rng))
    if not pause:
        return later_ms(runs, rng)
    return pause if runs <= PAUSED_RUNS else max(pause, later_ms(runs - PAUSED_RUNS, rng))


def wants_no_more(outcome: Outcome) -> bool:
    """Whether the gateway wants to be asked no more for this message, and not for all of the account."""
    return isinstance(outcome, Deferred) and outcome.code == SELDOM_CODE and not outcome.account


def worst_case_posts() -> int:
    """POSTs for one request_id if no answer is ever definite."""
    runs, at = 0, 0.0
    while at <= WINDOW_S:
        runs += 1
        at += min(LATER_FIRST_S * 2 ** (runs - 1), LATER_MAX_S) * (1 - JITTER)
    return (PAUSED_RUNS + runs) * TRIES


class Patience:
    """How long ledger transitions are repeated while Redis is away. Thread-safe; a process has one.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = math.inf
        self._gave_up = False

    def end_within(self, seconds: float) -> None:
        """Leave so much time to all transitions together, because the process stops."""
        self._ends = self._clock() + seconds

    def record(
        self, transition: Callable[[], T], *, sleep: Callable[[float], None] = tenacity.nap.sleep
    ) -> T:
        """Repeat a transition while Redis is away: what the gateway said must not be forgotten.

        Args:
            transition: a script call that is safe to repeat.
            sleep: takes seconds; replaced in tests.

        Raises:
            redis.RedisError: the last one, when time is up; at once, when the process stops and has given up.
        """
        if self._gave_up:
            raise redis.ConnectionError("no more time for a Redis that is away")
        too_long = tenacity.stop_after_delay(RECORD_S)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(redis.RedisError),
            stop=lambda state: too_long(state) or self._is_over(),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=1.0),
            sleep=sleep,
            reraise=True,
        )
        return retrying(transition)

    def _is_over(self) -> bool:
        """Judge after a failure: as long as Redis answers, everything is recorded however long it takes."""
        self._gave_up = self._clock() >= self._ends
        return self._gave_up
