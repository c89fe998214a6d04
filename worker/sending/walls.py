"""What a process has just run into, so that what it claimed before does not run into it as well.

For the time that it takes a hold, a pause or a gate in Redis to stop the claims, no longer.
"""

from collections import Counter
from collections.abc import Hashable
from typing import Final

from worker.account.gates import SUSPECTS, Observed
from worker.gateway import retrying
from worker.gateway.outcomes import Unexplained

#: Seconds for which a process posts nothing after it has run into trouble that concerns all messages.
WALL_S: Final = 0.5


class Walls:
    """The walls of one process. To be used in one thread."""

    def __init__(self) -> None:
        self._until = 0.0
        self._unpaid: dict[str, tuple[float, int]] = {}
        self._unexplained: dict[Hashable, float] = {}
        self._suspects: Counter[Hashable] = Counter()

    def stops(self, answer: Observed, size: int, claimed: float, now: float) -> bool:
        """Say whether a message shall go back to be claimed again, where the gates are looked at.

        Args:
            answer: what is known of the message.
            size: its recipients.
            claimed: when its claim was asked for, in monotonic seconds.
            now: monotonic seconds.
        """
        if now < self._until:
            return True
        at, refused = self._unpaid.get(answer.type, (0.0, 0))
        if claimed < at and size >= refused:
            return True
        return claimed < self._unexplained.get(_kind(answer), 0.0)

    def meet(self, answer: Observed, size: int, now: float) -> None:
        """Remember what a message came to."""
        outcome = answer.outcome
        if isinstance(outcome, Unexplained):
            alike = (*_kind(answer), outcome.code)
            self._suspects[alike] += 1
            if self._suspects[alike] >= SUSPECTS:
                del self._suspects[alike]
                self._unexplained[_kind(answer)] = now
        elif retrying.unpaid(outcome):
            self._unpaid[answer.type] = (now, size)
        elif retrying.holds_all(outcome) or retrying.pause_ms(outcome):
            self._until = max(self._until, now + WALL_S)


def _kind(answer: Observed) -> tuple[str, str, str]:
    return answer.queue, answer.sender, answer.type
