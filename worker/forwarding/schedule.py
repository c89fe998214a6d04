"""When a failed delivery is tried again. Pure."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: How far each wait may be off, as a part of it: events that failed together do not come back together.
_SPREAD: Final = 0.1


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long an event waits before each attempt.

    Attributes:
        waits_s: seconds before the first attempt, the second, and so on. After the last one an event is a
            dead letter.
    """

    waits_s: tuple[float, ...]

    def waits_ms(self, chance: Callable[[], float] = random.random) -> list[int]:
        """Give the waits in ms, each spread by up to a tenth.

        Args:
            chance: a number from 0 to 1, anew for each wait.
        """
        return [round(1000 * wait * (1 + _SPREAD * (2 * chance() - 1))) for wait in self.waits_s]

    def next_ms(
        self, attempts: int, asked_s: float | None = None, chance: Callable[[], float] = random.random
    ) -> int | None:
        """Say how many ms an event waits after an attempt; None after the last one.

        Args:
            attempts: how many were made.
            asked_s: seconds that the receiver asked for. Never shortens a wait.
            chance: as in `waits_ms`.
        """
        waits = self.waits_ms(chance)
        if attempts >= len(waits):
            return None
        return max(waits[attempts], round(1000 * (asked_s or 0)))


#: For a server of one's own: at once, then for about a day.
A_DAY: Final = Schedule((0, 5, 300, 1_800, 7_200, 18_000, 28_800, 28_800))
