"""Travelling in time: the clock of the whole process goes forward, and with it that of the memory."""

from datetime import UTC, datetime, timedelta
from typing import TypedDict

import time_machine


class Duration(TypedDict, total=False):
    """How far to travel; as the arguments of `datetime.timedelta`."""

    days: float
    hours: float
    minutes: float
    seconds: float


class Journey:
    """A clock that can be put forward, and goes on from there, until it is brought `home`."""

    def __init__(self) -> None:
        self._traveller: time_machine.travel | None = None

    def to(self, instant: datetime) -> None:
        """Let it be this instant now; nothing if that has passed."""
        if instant > datetime.now(UTC):
            self.home()
            self._traveller = time_machine.travel(instant, tick=True)
            self._traveller.start()

    def home(self) -> None:
        """Let the clock be the real one again."""
        if self._traveller is not None:
            self._traveller.stop()
            self._traveller = None


def later(duration: Duration) -> datetime:
    """Say when so much time will have passed.

    Raises:
        ValueError: time would go back, or stand still.
    """
    if (passed := timedelta(**duration)) <= timedelta():
        raise ValueError("travel goes forward: give hours=, minutes=, days= or seconds= above 0")
    return datetime.now(UTC) + passed
