"""The days of a soak: a clock that leaps from one opening or closing to the next, and what was open when.

Redis, the workers and the web process share the clock, so hours do not depend on when the soak runs. What is
open is written down a second time here: it shares nothing with the rules that it judges.
"""

import bisect
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

#: The zones of the soak, by the beginning of their numbers.
ZONES: Final = {"+33": "Europe/Paris", "+262": "Indian/Reunion", "+590": "America/Guadeloupe"}
PARIS: Final = ZoneInfo("Europe/Paris")
#: A Tuesday of summer time, a day after Easter Monday.
FIRST_DAY: Final = date(2027, 3, 30)
#: On the second day all of Réunion is closed.
HOLIDAY: Final = ("+262", FIRST_DAY + timedelta(days=1))
#: The first day of a soak that goes by time: a Tuesday, the day after Whit Monday. Its weeks are usual ones.
FIRST_OF_MANY: Final = date(2027, 5, 18)
#: What else is closed in the 300 days after it: the holidays of all zones, and two that one of them has.
_HOLIDAYS: Final = ((7, 14), (8, 15), (11, 1), (11, 11), (12, 25), (1, 1))
_CLOSED: Final = {
    HOLIDAY,
    ("+590", date(2027, 5, 27)),
    ("+262", date(2027, 12, 20)),
    *(
        (prefix, date(2028 if month == 1 else 2027, month, day))
        for prefix in ZONES
        for month, day in _HOLIDAYS
    ),
}
_OPENS, _CLOSES, _SUNDAY = 8, 20, 6
#: Seconds before a closing in which nothing is claimed; no POST begins in the second half of them.
MARGIN_S: Final = 30
#: What the workers are told.
RULES: Final = {
    "MARKETING_HOURS_FR": f"{_OPENS:02}:00-{_CLOSES:02}:00",
    "MARKETING_CLOSE_MARGIN_S": str(MARGIN_S),
    "EXTRA_HOLIDAYS": f"RE:{HOLIDAY[1]}",
}


class Stage(NamedTuple):
    """A part of a day.

    Attributes:
        days, hour, minute, second: when it begins, by the clocks of Paris.
        lasts: seconds until the next one.
    """

    days: int
    hour: int
    minute: int
    second: int
    lasts: float


#: Réunion opens, the mainland opens, Guadeloupe opens; the last claims and the closings of each.
DAY: Final = (
    *(Stage(0, 5, 59, 55, 9), Stage(0, 7, 59, 55, 12), Stage(0, 13, 59, 55, 12)),
    *(Stage(0, 17, 59, 20, 13), Stage(0, 17, 59, 57, 6), Stage(0, 19, 59, 20, 13), Stage(0, 19, 59, 57, 6)),
    *(Stage(1, 1, 59, 20, 13), Stage(1, 1, 59, 57, 6)),
)
#: A day on which only what was held is left: it comes back in the first minute.
LATE_DAY: Final = (Stage(0, 6, 1, 5, 5), Stage(0, 8, 1, 5, 5), Stage(0, 14, 1, 5, 8))


def begins(day: int, stage: Stage, first: date = FIRST_DAY) -> float:
    """Seconds since the epoch at which a stage of a day begins; ``first`` is day 0."""
    at = first + timedelta(days=day + stage.days)
    clock = datetime(at.year, at.month, at.day, stage.hour, stage.minute, stage.second, tzinfo=PARIS)
    return clock.timestamp()


def may_post(number: str, at: float) -> bool:
    """Whether a POST of marketing to a number may begin at a moment of the leaping clock."""
    prefix = next(each for each in ZONES if number.startswith(each))
    # The last POST begins half a margin before the closing; it may be on its way for a second.
    late = datetime.fromtimestamp(at + MARGIN_S / 2 - 1, ZoneInfo(ZONES[prefix]))
    local = datetime.fromtimestamp(at, ZoneInfo(ZONES[prefix]))
    return (
        local.weekday() != _SUNDAY
        and (prefix, local.date()) not in _CLOSED
        and local.hour >= _OPENS
        and late.date() == local.date()
        and late.hour < _CLOSES
    )


class Leaps:
    """Which time the leaping clock showed when: leaps go forward, so each time was shown once.

    Args:
        began: the true time before which it showed the true one.
    """

    #: Seconds after a leap in which a POST may arrive that began before it.
    ON_THE_WAY_S: Final = 5.0

    def __init__(self, began: float) -> None:
        self._at, self._shifts = [began], [0]

    def __len__(self) -> int:
        return len(self._at) - 1

    @property
    def began(self) -> float:
        """The true time before which it showed the true one."""
        return self._at[0]

    def leapt(self, shift: int, at: float | None = None) -> None:
        """Note that the clock is so many seconds ahead from now on."""
        self._at.append(time.time() if at is None else at)
        self._shifts.append(shift)

    def shown(self, at: float) -> Iterator[float]:
        """The time that the clock showed at a true time; of one shortly after a leap both times."""
        place = bisect.bisect_right(self._at, at) - 1
        yield at + self._shifts[max(0, place)]
        if place > 0 and at - self._at[place] < self.ON_THE_WAY_S:
            yield at + self._shifts[place - 1]

    def true(self, shown: float) -> float:
        """The true time at which the clock showed a time."""
        begun = [at + shift for at, shift in zip(self._at, self._shifts, strict=True)]
        return shown - self._shifts[max(0, bisect.bisect_right(begun, shown) - 1)]


class NoLeaps(Leaps):
    """A clock that shows the true time: hours cannot be tested with it."""
