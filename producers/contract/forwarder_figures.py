"""What is measured of forwarders: what waits and since when, what was tried, what could not be delivered."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio.client import Pipeline

from .figures import Figures
from .keys import Keys

#: What an attempt to deliver may come to; ``lost``: whoever delivered was killed.
RESULTS: Final = ("delivered", "failed", "unreachable", "refused", "halted", "lost")
#: The fields of a forwarder in which these are counted.
TRIED: Final = tuple("tried:" + result for result in RESULTS)
#: Forwarders that are measured, the ones heard last first.
MEASURED: Final = 50
#: Commands for each forwarder.
_EACH: Final = 5

#: Names, and when one of their processes was last heard, ms.
_Named = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class ForwarderFigures:
    """The figures of one forwarder.

    Attributes:
        name: its name.
        waiting: events that are not delivered yet.
        due: those of them that could be delivered now.
        oldest_s: seconds since the oldest of them came; 0 if there is none.
        dead: dead letters that are kept.
        silent_s: seconds since one of its processes was heard.
        is_held: whether it delivers nothing, or nothing but probes: it is held or paused.
        tried: attempts ever made, by each of `RESULTS`.
    """

    name: str
    waiting: int
    due: int
    oldest_s: int
    dead: int
    silent_s: int
    is_held: bool
    tried: Mapping[str, int]


def ask_names(pipeline: Pipeline, keys: Keys) -> None:
    """Ask for names by when they were heard."""
    pipeline.zrange(keys.forwarders, 0, MEASURED - 1, desc=True, withscores=True)


def ask_figures(pipeline: Pipeline, keys: Keys, named: _Named) -> None:
    """Ask for the figures of forwarders, with commands that take constant time.

    Args:
        pipeline: what the commands are added to.
        keys: key names.
        named: the reply to `ask_names`, as `Figures.forwarders` reads it.
    """
    for name, _ in named:
        pipeline.zcard(keys.forward_waiting(name))
        pipeline.zrange(keys.forward_waiting(name), 0, 0, withscores=True)
        # By the clock of this process: only whoever delivers must know exactly.
        pipeline.zcount(keys.forward_due(name), "-inf", int(time.time() * 1000))
        pipeline.xlen(keys.forward_dead(name))
        pipeline.hmget(keys.forward(name), ["paused", "held", *TRIED])


def read_figures(
    named: _Named, replies: Sequence[Any], now_ms: int, figures: Figures
) -> list[ForwarderFigures]:
    """Read the replies to `ask_figures`."""
    apart = range(0, len(replies), _EACH)
    return [
        _figures(*each, *replies[at : at + _EACH], now_ms=now_ms, figures=figures)
        for each, at in zip(named, apart, strict=True)
    ]


def _figures(
    name: str,
    heard_ms: float,
    waiting: int,
    oldest: Sequence[Any],
    due: int,
    dead: int,
    state: Sequence[Any],
    *,
    now_ms: int,
    figures: Figures,
) -> ForwarderFigures:
    paused, held, *tried = state
    return ForwarderFigures(
        name,
        waiting=waiting,
        due=due,
        oldest_s=_seconds(figures.whole(oldest[0][1]), now_ms) if oldest else 0,
        dead=dead,
        silent_s=_seconds(figures.whole(heard_ms), now_ms),
        is_held=paused is not None or held is not None,
        tried={result: figures.whole(count) for result, count in zip(RESULTS, tried, strict=True)},
    )


def _seconds(since_ms: int, now_ms: int) -> int:
    """Count whole seconds; a clock that was set back makes no negative ones."""
    return max(0, now_ms - since_ms) // 1000
