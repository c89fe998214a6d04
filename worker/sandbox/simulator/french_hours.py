"""When marketing may reach French handsets: not at night, on Sundays or on public holidays (documented)."""

from datetime import date, datetime, timedelta

_FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)})
_SUNDAY = 6


def easter(year: int) -> date:
    """Return Easter Sunday (anonymous Gregorian computus)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def is_holiday(day: date) -> bool:
    """Tell whether a day is a public holiday in mainland France."""
    if (day.month, day.day) in _FIXED_HOLIDAYS:
        return True
    return (day - easter(day.year)).days in (1, 39, 50)


def is_open(moment: datetime, from_hour: int, until_hour: int) -> bool:
    """Tell whether marketing may leave at a wall-clock moment in Paris."""
    return (
        from_hour <= moment.hour < until_hour
        and moment.weekday() != _SUNDAY
        and not is_holiday(moment.date())
    )


def next_opening(moment: datetime, from_hour: int, until_hour: int) -> datetime:
    """Return `moment` when marketing may leave, else the next wall-clock moment it may."""
    if is_open(moment, from_hour, until_hour):
        return moment
    opening = moment.replace(hour=from_hour, minute=0, second=0, microsecond=0)
    while opening <= moment or not is_open(opening, from_hour, until_hour):
        opening += timedelta(days=1)
    return opening
