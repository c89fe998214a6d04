"""What the account is told of each attempt that has ended: the gates and the strain learn from it."""

from dataclasses import dataclass

from worker.gateway.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Observed:
    """An attempt that has ended, with what its message has in common with others.

    Attributes:
        request_id: of the message, or the id of a shared call.
        queue: name of its queue.
        sender, type: as its body says.
        number: its first recipient's, or empty.
        size: recipients of each of its POSTs.
        outcome: of its last POST.
        posts: POSTs that it made.
        post_s: seconds that its last POST took.
        strained: whether one of its POSTs was answered with a code of strain.
    """

    request_id: str
    queue: str
    sender: str
    type: str
    number: str
    size: int
    outcome: Outcome
    posts: int
    post_s: float
    strained: bool
