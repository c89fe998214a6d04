"""What is measured of money: today's euros, how wrong estimates were, blocks; duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio.client import Pipeline

from .figures import Figures
from .keys import Keys

#: The scope that is always measured. Applications are on the page of the console.
SCOPE: Final = "account"
#: Micro-euros in a euro.
MICRO: Final = 1_000_000
#: Commands that ask.
MONEY: Final = 5
_SPENT: Final = ("spent", "reserved", "limit")


@dataclass(frozen=True, slots=True)
class MoneyFigures:
    """The figures of today.

    Attributes:
        spent, reserved: euros.
        ratio: of both to the budget that holds now; 0 without one. A budget of the settings is known from the
            first claim on that goes by it.
        drift: by how much sends cost more than was estimated, of the last hundred: 0.05 for 5 %.
        blocked: blocks of numbers that get no alerts.
        duplicates: messages that were not queued, since the same text had just been.
    """

    spent: float
    reserved: float
    ratio: float
    drift: float
    blocked: int
    duplicates: int


def ask_money(pipeline: Pipeline, keys: Keys, day: str, now_ms: int) -> None:
    """Ask for the figures, with commands that take constant time.

    Args:
        pipeline: what the commands are added to.
        keys: key names.
        day: of Paris, such as ``20260329``.
        now_ms: epoch milliseconds.
    """
    pipeline.hmget(keys.spend(SCOPE, day), _SPENT)
    pipeline.hget(keys.budgets, SCOPE)
    pipeline.hget(keys.drift, "percent")
    pipeline.zcount(keys.blocked, now_ms, "+inf")
    pipeline.hget(keys.counts, "duplicates")


def read_money(replies: Sequence[Any], figures: Figures) -> MoneyFigures:
    """Read the replies to `ask_money`."""
    (*amounts, claimed), operators, percent, blocked, duplicates = replies
    spent, reserved = (figures.whole(each) / MICRO for each in amounts)
    # What an operator has set counts at once, and not from the next claim on.
    limit = figures.whole(claimed if operators is None else operators) / MICRO
    return MoneyFigures(
        spent=spent,
        reserved=reserved,
        ratio=round((spent + reserved) / limit, 4) if limit else 0,
        drift=figures.real(percent) / 100,
        blocked=blocked,
        duplicates=figures.whole(duplicates),
    )
