"""Figures of opt-outs: whom they kept from an SMS, and how long they took to count, for the metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from .events import OptOutReason
from .figures import Figures
from .keys import Keys

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
        classes: how many opt-outs took how long to count: milliseconds at most, ``more``, and ``sum_ms``.
    """

    kept: Sequence[int]
    race: int
    classes: Mapping[str, int]


def ask_optout_figures(pipeline: Any, keys: Keys) -> None:
    """Add the questions to a pipeline."""
    kept = [f"suppressed:{point}:{reason}" for point, reason in KEPT]
    pipeline.hmget(keys.counts, [*kept, "optout_race"])
    pipeline.hgetall(keys.optout_effects)


def read_optout_figures(replies: Sequence[Any], figures: Figures) -> OptoutFigures:
    """Read the answers to these questions."""
    counts, effects = replies
    *kept, race = map(figures.whole, counts)
    return OptoutFigures(kept, race, figures.counts(effects))
