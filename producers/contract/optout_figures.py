"""Figures of opt-outs: whom they kept from an SMS, and how long they took to count, for the metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from .events import OptOutReason
from .keys import Keys

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


#: Where an opt-out keeps an SMS from somebody, and who said so: of these there is a count.
KEPT: Final = tuple(
    (point, reason)
    for point in ("enqueue", "queued", "compose", "claim")
    for reason in get_args(OptOutReason)
)
#: Questions that `ask_optout_figures` asks.
OPTOUT_QUESTIONS: Final = 2


@dataclass(frozen=True, slots=True)
class OptoutFigures:
    """The figures of opt-outs.

    Attributes:
        kept: recipients kept from an SMS, in the order of `KEPT`.
        race: sends in doubt that went on to somebody who had opted out.
        effects: how long opt-outs took to count.
    """

    kept: Sequence[int]
    race: int
    effects: Effects


def ask_optout_figures(pipeline: Any, keys: Keys) -> None:
    """Add the questions to a pipeline."""
    kept = [f"suppressed:{point}:{reason}" for point, reason in KEPT]
    pipeline.hmget(keys.counts, [*kept, "optout_race"])
    pipeline.hgetall(keys.optout_effects)


def read_optout_figures(replies: Sequence[Any]) -> OptoutFigures:
    """Read the answers to these questions."""
    counts, effects = replies
    *kept, race = (int(count or 0) for count in counts)
    return OptoutFigures(kept, race, read_effects(effects))
