"""How many sends the gateway takes: a token bucket, and a count of the sends under way at once.

Octopush documents no rate; one client reports that Octopush asks for one request after another. Both limits
are off by default.
"""

import math
import time
from collections.abc import Callable

from worker.sandbox.simulator.settings import SimulatorSettings


class SendLimits:
    """Token bucket in real time, full at the start, and gauge of the sends under way.

    Args:
        settings: The limits.
        clock: Monotonic seconds, from any start: near zero on a machine that has just been started.
    """

    def __init__(self, settings: SimulatorSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = 0.0
        self._refilled_at = -math.inf
        self.under_way = 0
        self.most_under_way = 0

    def enter(self) -> None:
        """Count a send that begins."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

    def leave(self) -> None:
        """Count a send that was answered, or whose connection is gone."""
        self.under_way -= 1

    @property
    def is_crowded(self) -> bool:
        """Whether more sends are under way than the settings allow."""
        return 0 < self._settings.max_parallel < self.under_way

    def take_token(self) -> float:
        """Take one token.

        Returns:
            0 when there was one, else the seconds until the next.
        """
        rate = self._settings.rate_limit_per_s
        if not rate:
            return 0.0
        now = self._clock()
        burst = max(self._settings.rate_limit_burst, 1)
        self._tokens = min(burst, self._tokens + (now - self._refilled_at) * rate)
        self._refilled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / rate

    def reset(self) -> None:
        """Fill the bucket and forget the highest count; sends under way still count."""
        self._tokens, self._refilled_at = 0.0, -math.inf
        self.most_under_way = self.under_way
