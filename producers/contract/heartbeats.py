"""Which worker processes live: each says so every few seconds, in one sorted set, by Redis's clock."""

from collections.abc import Iterable
from typing import Any, Final

#: Seconds between two signs of life of a process.
BEAT_S: Final = 5.0
#: Milliseconds after its last sign of life for which a process is taken to be alive: three may be late.
ALIVE_MS: Final = 20_000
#: Milliseconds after which a process that never said goodbye is forgotten.
FORGOTTEN_MS: Final = 3_600_000
#: Processes that are looked at, those with the latest signs of life: more than anybody runs.
WORKERS_MAX: Final = 1_000


def count_alive(found: Iterable[tuple[Any, float]], now_ms: int) -> int:
    """Count the processes that are alive.

    Args:
        found: names and last signs of life, as epoch milliseconds.
        now_ms: epoch milliseconds by Redis's clock. A sign of life that lies far ahead was left before the
            clock went back, and says nothing.
    """
    return sum(abs(now_ms - at) <= ALIVE_MS for _, at in found)
