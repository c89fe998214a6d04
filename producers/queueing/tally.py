"""Adds up what recipients get: segments, encodings, what turns texts to UCS-2, and what it costs. Pure."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from ..contract.prices import Prices, tariff_name
from ..messages.segments import costly_characters, optimised
from ..messages.wording import Wording

#: Characters of a flip that are told.
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Flip:
    """What turns texts to UCS-2, in which 70 characters fit a segment, and not 160.

    Attributes:
        where: ``text``, or the column whose values do it.
        characters: which, at most ten, the most frequent first.
        recipients: how many texts; for ``text`` all of them.
    """

    where: str
    characters: str
    recipients: int


class Tally:
    """What some recipients get together.

    Attributes:
        recipients: how many were added.
        segments: theirs.
        saved: of these, what ``TEXT_OPTIMIZE`` would save.
        encoding: ``ucs2`` if anybody's text is.
    """

    def __init__(self) -> None:
        self.recipients = self.segments = self.saved = 0
        self.encoding: Literal["gsm7", "ucs2"] = "gsm7"
        self._sizes = Counter[int]()
        self._characters: dict[str, Counter[str]] = {}
        self._flipped = Counter[str]()
        self._people, self._segments, self._worst = Counter[str](), Counter[str](), Counter[str]()

    def add(self, worded: Wording, place: int, kind: str, saved: int) -> None:
        """Add one recipient.

        Args:
            worded: what the recipients of a message get.
            place: which of them.
            kind: type of the SMS.
            saved: segments that ``TEXT_OPTIMIZE`` would save.
        """
        recipient, segments = worded.recipients[place], worded.segments[place]
        name = tariff_name(kind, recipient.phone_number[1:])
        self.recipients += 1
        self.segments += segments
        self.saved += saved
        self._sizes[segments] += 1
        self._people[name] += 1
        self._segments[name] += segments
        self._worst[name] += worded.at_worst(place)
        parts = {"text": "".join(worded.template.pieces[::2])}
        parts |= {each: getattr(recipient, each) or "" for each in worded.template.variables}
        for where, written in parts.items():
            if costly := costly_characters(optimised(written) if worded.by_gateway else written):
                self.encoding = "ucs2"
                self._flipped[where] += 1
                self._characters.setdefault(where, Counter()).update(costly)

    def sizes(self) -> tuple[int, int, int]:
        """Return the fewest segments, the median and the most; zeros of nobody."""
        if not self._sizes:
            return 0, 0, 0
        place, middle = (self.recipients + 1) // 2, 0
        for middle in sorted(self._sizes):
            place -= self._sizes[middle]
            if place <= 0:
                break
        return min(self._sizes), middle, max(self._sizes)

    def cost(self, prices: Prices, *, at_worst: bool = False) -> Decimal | None:
        """Return what it costs, as counted or at its dearest; None if a price is missing."""
        total = Decimal(0)
        for name, segments in (self._worst if at_worst else self._segments).items():
            price = prices.learnt.get(name, prices.assumed)
            if price is None:
                return None
            total += price * segments
        return total

    @property
    def worst_segments(self) -> int:
        """The segments at their dearest."""
        return self._worst.total()

    def unpriced(self, prices: Prices) -> str:
        """Name a tariff of these whose price was not learnt; empty if there is none."""
        return next((name for name in sorted(self._people) if name not in prices.learnt), "")

    def assumed(self, prices: Prices) -> int:
        """Count the recipients whose price was not learnt."""
        return sum(people for name, people in self._people.items() if name not in prices.learnt)

    def flips(self) -> tuple[Flip, ...]:
        """Tell what turns texts to UCS-2, the text first, then the columns by how often they do."""
        order = sorted(self._flipped, key=lambda where: (where != "text", -self._flipped[where]))
        return tuple(
            Flip(
                where,
                "".join(each for each, _ in self._characters[where].most_common(_SHOWN)),
                self._flipped[where],
            )
            for where in order
        )
