"""Attempts as far as they tell of the gateway's strain."""

from dataclasses import dataclass

from worker.gateway.outcomes import Accepted, Outcome


@dataclass
class Observed:
    """An attempt that has ended."""

    outcome: Outcome = Accepted("t")  # noqa: RUF009 - frozen
    posts: int = 1
    post_s: float = 0.1
    strained: bool = False
    size: int = 1


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now
