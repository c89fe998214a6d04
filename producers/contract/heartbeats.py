"""Which worker processes live: each says so every few seconds, in one sorted set, by Redis's clock."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

#: Seconds between two signs of life of a process.
BEAT_S: Final = 5.0
#: Milliseconds after its last sign of life for which a process is taken to be alive: three may be late.
ALIVE_MS: Final = 20_000
#: Milliseconds after which a process that never said goodbye is forgotten.
FORGOTTEN_MS: Final = 3_600_000
#: Processes that are looked at, those with the latest signs of life: more than anybody runs.
WORKERS_MAX: Final = 1_000


class Rules(NamedTuple):
    """By which hours of marketing a worker goes.

    Attributes:
        version: of the code that decides.
        tzdata: version of its time zones.
        fingerprint: of all that decides: workers that have the same agree.
    """

    version: str
    tzdata: str
    fingerprint: str


def name_worker(process: str, rules: Rules) -> str:
    """Name a worker process in the set of all: its signs of life tell its rules as well.

    Args:
        process: names it among all processes, without a space.
        rules: by which it goes.
    """
    return " ".join((process, *rules))


def rules_of(names: Iterable[str]) -> dict[Rules, int]:
    """Count the worker processes by their rules; names that tell none are left out."""
    found: dict[Rules, int] = {}
    for name in names:
        told = name.split(" ")[1:]
        if len(told) == len(Rules._fields):
            found[Rules(*told)] = found.get(Rules(*told), 0) + 1
    return found


def alive(found: Iterable[tuple[Any, float]], now_ms: int) -> list[Any]:
    """Name the processes that are alive; as `count_alive`."""
    return [name for name, at in found if abs(now_ms - at) <= ALIVE_MS]


def count_alive(found: Iterable[tuple[Any, float]], now_ms: int) -> int:
    """Count the processes that are alive.

    Args:
        found: names and last signs of life, as epoch milliseconds.
        now_ms: epoch milliseconds by Redis's clock. A sign of life that lies far ahead was left before the
            clock went back, and says nothing.
    """
    return len(alive(found, now_ms))
