"""What everything takes while it runs, every ten seconds, and whether that stays flat.

Flat means: the straight line through the samples, from the end of the warm-up on, rises by no more than its
bound. A process that was killed or replaced begins anew: each life that was long enough is judged for itself.
"""

import csv
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations, groupby
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from tests.soak.endurance.crew import Life

#: Seconds between two samples.
EVERY_S: Final = 10.0
#: Seconds at the beginning of a life in which it fills its caches, or a third of it, whichever is more; and
#: how long a life must have gone on after that to be judged.
WARM_UP_S, JUDGED_S = 180.0, 300.0


class Bound(NamedTuple):
    """How much a line may rise in the time that is judged: the larger of the two.

    Attributes:
        part: of where it begins.
        least: in its unit.
    """

    part: float
    least: float


#: Of each thing that is measured, by the name of its column.
BOUNDS: Final[Mapping[str, Bound]] = {
    "rss_mb": Bound(0.05, 6),
    "pss_mb": Bound(0.05, 6),
    "descriptors": Bound(0.0, 6),
    # A pool has as many as its process used at once.
    "connections": Bound(0.10, 10),
    "used_memory_mb": Bound(0.10, 5),
    "keys": Bound(0.10, 2_000),
}

#: Which of the values of each minute is judged of what comes and goes with calls. Of descriptors the least:
#: after an outage a worker has as many connections as calls, and what leaks never goes. Of the connections of
#: the primary the greatest: a new primary begins with none, so the least tells how long ago that was.
_OF_EACH_MINUTE: Final[Mapping[str, Callable[..., tuple[float, float]]]] = {
    "descriptors": min,
    "connections": max,
}
_MINUTE_S: Final = 60


@dataclass(frozen=True)
class Sample:
    """What one process took at a moment.

    Attributes:
        at: seconds since the soak began.
        name: of the process, or of the server.
        life: which of its lives that is.
        values: by column; those of `BOUNDS` that there are.
    """

    at: float
    name: str
    life: int
    values: Mapping[str, float]


class Samples:
    """Takes them, as a thread.

    Args:
        lives: tells which processes run now.
        redis: tells `connections`, `used_memory_mb` and `keys` of the primary; None if it is away.
    """

    def __init__(
        self, lives: Callable[[], Iterable[Life]], redis: Callable[[], Mapping[str, float] | None]
    ) -> None:
        self._lives, self._redis = lives, redis
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples")
        self._began, self._ends = time.monotonic(), math.inf
        self.taken: list[Sample] = []

    def note_the_end(self) -> None:
        """Note that less is to do from now on: what was taken until now is judged."""
        self._ends = time.monotonic() - self._began

    @property
    def judged(self) -> list[Sample]:
        """What was taken while all was in use."""
        return [each for each in self.taken if each.at <= self._ends]

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(EVERY_S):
            at = round(time.monotonic() - self._began, 1)
            for life in self._lives():
                values = _measured(life.pid)
                if life.name.startswith("redis-"):
                    # They say which of the three is the primary now, which tells its connections itself.
                    values.pop("descriptors", None)
                if values:
                    self.taken.append(Sample(at, life.name, life.number, values))
            if figures := self._redis():
                self.taken.append(Sample(at, "Redis", 1, figures))


def _measured(group: int) -> dict[str, float]:
    """Sum what all processes of a group take; nothing if one of them ended meanwhile."""
    found: dict[str, float] = defaultdict(float)
    with suppress(OSError):
        for process in _of_group(group):
            for line in (process / "smaps_rollup").read_text().splitlines():
                if line.startswith(("Rss:", "Pss:")):
                    name, kilobytes, _ = line.split()
                    found[f"{name[:-1].lower()}_mb"] += int(kilobytes) / 1000
            found["descriptors"] += len(list((process / "fd").iterdir()))
        return found
    return {}


def _of_group(group: int) -> list[Path]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name of a program may hold blanks and brackets.
            state, _, of, *_ = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(of) == group and state not in "ZX":
                found.append(stat.parent)
    return found


class Line(NamedTuple):
    """The straight line through what was measured of one life.

    Attributes:
        name, life, column: what it is about.
        seconds: that are judged.
        begins, rises: in the unit of the column.
    """

    name: str
    life: int
    column: str
    seconds: float
    begins: float
    rises: float

    @property
    def may_rise(self) -> float:
        """By how much."""
        bound = BOUNDS[self.column]
        return max(bound.part * self.begins, bound.least)

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.life}) {self.column} {self.rises:+.1f} from {self.begins:.1f} "
            f"in {self.seconds:.0f} s, may be {self.may_rise:.1f}"
        )


def lines(samples: Sequence[Sample]) -> list[Line]:
    """Lay a line through each life that was long enough, and each thing measured."""
    lives: dict[tuple[str, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        lives[sample.name, sample.life].append(sample)
    found = []
    for (name, life), all_of_it in lives.items():
        began, ended = all_of_it[0].at, all_of_it[-1].at
        warm = began + max(WARM_UP_S, (ended - began) / 3)
        if ended - warm < JUDGED_S:
            continue
        judged = [each for each in all_of_it if each.at >= warm]
        for column in judged[0].values:
            points = [(each.at, each.values[column]) for each in judged]
            if column in _OF_EACH_MINUTE:
                minutes = groupby(points, key=lambda point: point[0] // _MINUTE_S)
                points = [_OF_EACH_MINUTE[column](minute, key=itemgetter(1)) for _, minute in minutes]
            found.append(Line(name, life, column, ended - judged[0].at, *_through(points)))
    return found


def _through(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Lay the line whose slope is the median of those between any two points (Theil and Sen).

    A minute in which all connections were lost turns no such line.

    Returns:
        Where it begins, and by how much it rises from the first point to the last.
    """
    slope = median((y - b) / (x - a) for (a, b), (x, y) in combinations(points, 2))
    first, last = points[0][0], points[-1][0]
    return median(y - slope * (x - first) for x, y in points), slope * (last - first)


def growing(samples: Sequence[Sample]) -> list[str]:
    """Name what is not flat."""
    return [str(line) for line in lines(samples) if line.rises > line.may_rise]


def write(samples: Sequence[Sample], file: Path) -> None:
    """Write all as CSV."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        rows = csv.writer(opened)
        rows.writerow(["seconds", "name", "life", *BOUNDS])
        for each in samples:
            values = [f"{each.values[column]:.2f}" if column in each.values else "" for column in BOUNDS]
            rows.writerow([each.at, each.name, each.life, *values])
