"""Places for entries, as many as a test asks for."""

from producers.contract.jobs import ACTORS
from worker.queue.slots import Slots


def places(count: int) -> dict[str, Slots]:
    """Make so many places for each queue, shared with no other."""
    return {queue: Slots(count) for queue in ACTORS}


def one_call() -> int:
    """Return how many messages may share a call: as many as a call has recipients."""
    return 500
