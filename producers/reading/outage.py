"""How a feed waits while Redis is away."""

import logging
import random
import time
from collections.abc import Callable
from typing import Final

from ..contract.outages import log_to, passes, unserved_layout, what_is_refused
from ..contract.steps import Sleep, Steps
from ..errors import QueueRefused, UnservedLayout

_log = logging.getLogger("producers.feeds")

#: First and longest pause in seconds; each is double the one before.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
#: Longest sleep in one piece, in seconds, so that a stop is noticed.
_NAP_S: Final = 0.1


class Outage:
    """Waits between the tries while Redis is away, ever longer.

    Args:
        clock: seconds that only grow.
        server: address of Redis without user and password; empty if it is not known.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, server: str = "") -> None:
        self._clock = clock
        self._pause_s = _FIRST_PAUSE_S
        self._server = server
        self._outages = log_to(_log, server)

    def over(self) -> None:
        """Note that Redis answered."""
        self._pause_s = _FIRST_PAUSE_S
        self._outages.answered()

    def wait(self, error: Exception, stopping: Callable[[], bool]) -> Steps[None]:
        """Wait before the next try, or until ``stopping``.

        Raises:
            UnservedLayout: the data are too new for this release.
            QueueRefused: Redis refuses user or password, or allows this user too little.
            Exception: the error itself, if it does not pass by waiting.
        """
        if what := what_is_refused(error):
            kind = QueueRefused if unserved_layout(error) is None else UnservedLayout
            raise kind((), what, server=self._server) from error
        if not passes(error):
            raise error
        self._outages.failed(error)
        seconds = self._pause_s * random.uniform(0.5, 1)  # noqa: S311 - spreads tries, guards nothing
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        resume = self._clock() + seconds
        while not stopping() and self._clock() < resume:
            yield Sleep(min(_NAP_S, seconds))
