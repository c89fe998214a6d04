"""How long the ledger repeats a transition while Redis is away."""

import math
import time
from collections.abc import Callable
from typing import Final, TypeVar

import redis
import tenacity

T = TypeVar("T")

#: Seconds for which a transition is repeated while Redis is away. A successor may claim the message when the
#: lease has run out; then the fencing token turns the late result away.
RECORD_S: Final = 20.0


class Patience:
    """Repeats transitions while Redis is away. Thread-safe; a process has one.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = math.inf
        self._gave_up = False

    def end_within(self, seconds: float) -> None:
        """Leave so many seconds to all transitions together, because the process stops."""
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
