"""What a trial may spend, and what it has spent. No I/O."""

from decimal import Decimal, InvalidOperation
from typing import Final

from worker.pilot.journal import Journal
from worker.pilot.seen import Seen

#: Euros that a segment costs besides where people can answer (Octopush docs, two-way SMS).
ANSWERABLE: Final = Decimal("0.03")


class Purse:
    """The money of one trial. What is in doubt counts as spent.

    Args:
        journal: knows the calls.
        limit: euros for all of it.
        price: euros that a segment is taken to cost until an answer names more or less.
    """

    def __init__(self, journal: Journal, limit: Decimal, price: Decimal) -> None:
        self._journal = journal
        self.limit = limit
        self._price = price

    @property
    def price(self) -> Decimal:
        """Euros of a segment: the most that answers of this trial named, else what was known before."""
        named = [each for _, seen in self._journal.answered() if seen and (each := _of_one(seen))]
        return max(named, default=self._price)

    @property
    def spent(self) -> Decimal:
        """Euros that are gone, or may be."""
        return sum(
            (_cost(seen, Decimal(call.euros)) for call, seen in self._journal.answered()), start=Decimal(0)
        )

    def worst(self, segments: int, *, two_way: bool = False) -> Decimal:
        """Say what so many segments cost at most."""
        return segments * (self.price + (ANSWERABLE if two_way else 0))

    def paid(self, question: str) -> int:
        """Say how many segments of a question are paid, or may be."""
        calls = self._journal.calls[question]
        return sum(
            calls[number].segments
            for number in calls
            if not _is_free(self._journal.answers[question].get(number))
        )

    def allows(self, euros: Decimal) -> bool:
        """Say whether so much more may be spent."""
        return self.spent + euros <= self.limit


def _cost(seen: Seen | None, worst: Decimal) -> Decimal:
    """What a call has cost: nothing if it was surely not taken, what its answer says, else the most."""
    if _is_free(seen):
        return Decimal(0)
    named = _amount(seen) if seen is not None and seen.kind == "accepted" else None
    return worst if named is None else named


def _is_free(seen: Seen | None) -> bool:
    return seen is not None and seen.kind in {"refused", "duplicate"}


def _of_one(seen: Seen) -> Decimal | None:
    cost = _amount(seen)
    return cost / seen.segments if cost and seen.segments else None


def _amount(seen: Seen) -> Decimal | None:
    """What an answer names; None if that is no price: no message makes the account richer."""
    try:
        named = Decimal(seen.cost) if seen.cost else None
    except InvalidOperation:
        return None
    return None if named is not None and named < 0 else named
