"""What is held until a time, over all sends."""

from collections.abc import Mapping
from dataclasses import dataclass

from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from producers.rules.held import Held, read_held, words
from producers.rules.hours import Hours
from worker.inquiry.paging import now_ms, strings
from worker.inquiry.reason import instant


@dataclass(frozen=True, slots=True)
class HeldSends:
    """What is held until a time, the first to leave first.

    Attributes:
        at_ms: Redis's clock.
        counts: how many sends; a shared call is one.
    """

    at_ms: int
    counts: Mapping[Held, int]

    def told(self, hours: Hours) -> list[tuple[Held, int, str]]:
        """Say of each how many they are, and until when and why in words."""
        now = instant(self.at_ms)
        return [(held, count, words(hours, held, now)) for held, count in self.counts.items()]


def held_sends(keys: Keys) -> Steps[HeldSends]:
    """Count what is held until a time; one round trip."""
    time, found = yield Commands([("TIME",), ("HGETALL", keys.held)])
    return HeldSends(now_ms(time), read_held(strings(found)))
