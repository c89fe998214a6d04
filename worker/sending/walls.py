"""What a process has just run into, so that what the process claimed before does not run into it as well.

A wall stands for the time that a hold, a pause or a gate in Redis takes to stop the claims, no longer.
"""

from collections import Counter
from collections.abc import Hashable
from typing import Final

from worker.account.gates import SUSPECTS
from worker.gateway.demands import holds_all, is_unpaid, pause_ms
from worker.gateway.outcomes import Unexplained
from worker.sending.attempt import Attempt

#: Seconds for which a process posts nothing after it has run into trouble that concerns all messages.
WALL_S: Final = 0.5


class Walls:
    """The walls of one process. To be used in one thread."""

    def __init__(self) -> None:
        self._until = 0.0
        self._unpaid: dict[str, tuple[float, int]] = {}
        self._unexplained: dict[Hashable, float] = {}
        self._suspects: Counter[Hashable] = Counter()

    def stop(self, attempt: Attempt, now: float) -> bool:
        """Say whether a message shall go back to be claimed again, where the gates are looked at.

        Args:
            attempt: its attempt, which has made no POST yet.
            now: monotonic seconds.
        """
        if now < self._until:
            return True
        at, refused = self._unpaid.get(attempt.body.type, (0.0, 0))
        if attempt.started < at and attempt.size >= refused:
            return True
        return attempt.started < self._unexplained.get(_kind(attempt), 0.0)

    def meet(self, attempt: Attempt, now: float) -> None:
        """Remember what a message came to."""
        outcome = attempt.outcome
        if isinstance(outcome, Unexplained):
            alike = (*_kind(attempt), outcome.code)
            self._suspects[alike] += 1
            if self._suspects[alike] >= SUSPECTS:
                del self._suspects[alike]
                self._unexplained[_kind(attempt)] = now
        elif is_unpaid(outcome):
            self._unpaid[attempt.body.type] = (now, attempt.size)
        elif holds_all(outcome) or pause_ms(outcome):
            self._until = max(self._until, now + WALL_S)


def _kind(attempt: Attempt) -> tuple[str, str, str]:
    return attempt.claim.queue, attempt.body.sender, attempt.body.type
