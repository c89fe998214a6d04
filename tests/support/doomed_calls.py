"""A worker that kills itself on the way of a shared call: ``dramatiq tests.support.doomed_calls:setup``.

As `tests.support.doomed`, with members composed and told two at a time: a small call has steps between them.
"""

from typing import Final

from tests.support import doomed
from worker.ledger import members

_COMPOSED: Final = (f"{side}:compose@{step}" for step in (1, 2, 3) for side in ("before", "after"))
_TOLD: Final = (f"{side}:end_members@{step}" for step in (1, 2, 3) for side in ("before", "after"))
#: Every point that a worker passes on the way of one shared call of five or six messages.
CALL_POINTS: Final = (
    *(point for point in doomed.SEND_POINTS if point.partition(":")[2].partition("@")[0] != "ack"),
    *(*_COMPOSED, "redis:HVALS@1", *_TOLD),
)
#: Every point of a shared call that is put off and comes again.
RETRY_POINTS: Final = tuple(
    f"{side}:{script}@{run}"
    for script, run in (("finish", 1), ("compose", 4), ("claim", 2), ("finish", 2))
    for side in ("before", "after")
)
_HALVES: Final = (("compose", 4), ("compose", 5), ("claim", 2), ("compose", 6), ("claim", 3))
#: Every point of a call of six that is refused for one of its members until that one stands alone.
SPLIT_POINTS: Final = (
    *(f"{side}:finish@{step}" for step in (1, 2, 3) for side in ("before", "after")),
    *(f"{side}:{script}@{step}" for script, step in _HALVES for side in ("before", "after")),
    *("after:fetch@2", "before:end_members@1", "after:end_members@1", "after:end_members@2"),
)


def setup() -> None:
    """Set up as a worker does, with a fate."""
    members.AT_ONCE = 2  # type: ignore[misc]
    doomed.setup()
