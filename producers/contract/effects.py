"""How long opt-outs took to count, as ``lua/effects.lua`` counts it and as the metrics tell it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Upper ends of the classes, in milliseconds; Lua has them, too, and a test compares.
EFFECT_MS: Final = (100, 250, 500, 1000, 2500, 5000, 10_000, 60_000)


@dataclass(frozen=True, slots=True)
class Effects:
    """How long opt-outs took from our answer to their callback until they counted.

    Attributes:
        within: how many took at most so many milliseconds, by that.
        count: how many there were.
        sum_s: seconds of all of them.
    """

    within: Mapping[int, int]
    count: int
    sum_s: float


def read_effects(fields: Mapping[bytes, bytes]) -> Effects:
    """Read the hash in which Redis counts them."""
    counted = {name.decode(): int(value) for name, value in fields.items()}
    within, so_far = {}, 0
    for ms in EFFECT_MS:
        so_far += counted.get(str(ms), 0)
        within[ms] = so_far
    return Effects(within, so_far + counted.get("more", 0), counted.get("sum_ms", 0) / 1000)
