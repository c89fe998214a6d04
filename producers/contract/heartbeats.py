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


def name_worker(process: str, rules: Rules, layout: int) -> str:
    """Name a worker process in the set of all: its signs of life tell its rules and its layout as well.

    Args:
        process: names it among all processes, without a space or a slash.
        rules: by which it goes.
        layout: newest layout of the data that it serves; as ``raise_layout.lua``.
    """
    return " ".join((f"{process}/{layout}", *rules))


def layouts_of(names: Iterable[str]) -> dict[int, int]:
    """Count the worker processes by the newest layout that each serves; 1 where a name tells none."""
    found: dict[int, int] = {}
    for name in names:
        told = name.split(" ")[0].partition("/")[2]
        layout = int(told) if told.isdecimal() else 1
        found[layout] = found.get(layout, 0) + 1
    return found


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
