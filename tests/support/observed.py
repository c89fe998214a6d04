"""Attempts as the account is told of them."""

from worker.account.observed import Observed
from worker.gateway.outcomes import Accepted, Outcome


def observed(
    outcome: Outcome = Accepted("t"),  # noqa: B008 - frozen
    *,
    request_id: str = "m",
    queue: str = "alert",
    sender: str = "",
    type: str = "sms_premium",  # noqa: A002 - as in the body
    number: str = "+33612345678",
    size: int = 1,
    posts: int = 1,
    post_s: float = 0.1,
    strained: bool = False,
) -> Observed:
    """Make an attempt that has ended, of which only some facts matter."""
    return Observed(request_id, queue, sender, type, number, size, outcome, posts, post_s, strained)


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now
