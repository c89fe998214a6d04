"""Which layout the data have, and which the live workers serve."""

from dataclasses import dataclass

from producers.contract.heartbeats import WORKERS_MAX, alive, layouts_of
from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.paging import now_ms, scored


@dataclass(frozen=True, slots=True)
class Layouts:
    """What there is.

    Attributes:
        data: layout of the data; 1 where they name none.
        workers: live worker processes by the newest layout that each serves.
    """

    data: int
    workers: dict[int, int]


def read_layouts(keys: Keys) -> Steps[Layouts]:
    """Read the layouts; one round trip. Plain commands: also where this release serves no script."""
    layout, time, found = yield Commands(
        [("GET", keys.layout), ("TIME",), ("ZREVRANGE", keys.workers, 0, WORKERS_MAX - 1, "WITHSCORES")]
    )
    return Layouts(int(layout or 1), layouts_of(alive(scored(found), now_ms(time))))
