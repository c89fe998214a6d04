"""The decision to give the data a newer layout, once all processes are of a release that serves it."""

from typing import Final, NamedTuple

from producers.contract.heartbeats import ALIVE_MS, WORKERS_MAX
from producers.contract.jobs import LAYOUT
from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.account.throttle import AUDIT_MAXLEN

_RAISE: Final = Script(__package__, "raise_layout")


class Raised(NamedTuple):
    """What the data have after a decision.

    Attributes:
        layout: their layout.
        older: live workers that do not serve the new one. If there are any, nothing was changed.
    """

    layout: int
    older: int


def raising_layout(keys: Keys, by: str, layout: int = LAYOUT) -> Command[Raised]:
    """Give the data a layout. Nobody can take that back. Safe to repeat.

    Args:
        keys: key names.
        by: who decides, for the audit stream.
        layout: the newest that this release serves; a lower one than the data have changes nothing.
    """
    given = {
        "layout": layout,
        "alive_ms": ALIVE_MS,
        "workers_max": WORKERS_MAX,
        "by": by,
        "audit_maxlen": AUDIT_MAXLEN,
    }
    return Command(_RAISE, keys.prefix, given, lambda reply: Raised(*map(int, reply)))
