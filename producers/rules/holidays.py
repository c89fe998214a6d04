"""The holidays of the French zones, one row each. Pure.

When the law changes, change a row: give the old one its last year, the new one its first. Customs that no
law names are left out: Good Friday and Mi-Carême in Guadeloupe; 21 July there, in Martinique and in
Saint-Martin; the feasts of Islam in Mayotte. Whoever keeps them names them in ``EXTRA_HOLIDAYS``.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from . import sources
from .sources import Source
from .zones import FRENCH, holidays_of


class Holiday(NamedTuple):
    """A day on which marketing may have to wait.

    Attributes:
        name: in English.
        when: month and day as ``05-27``, or days after Easter Sunday.
        source: where it stands.
        zones: that keep it; all French zones if empty.
        first, last: years in which it is kept.
    """

    name: str
    when: str | int
    source: Source
    zones: tuple[str, ...] = ()
    first: int = 1
    last: int = 9999


HOLIDAYS: Final = (
    Holiday("New Year's Day", "01-01", sources.NATIONAL_HOLIDAYS),
    Holiday("Easter Monday", 1, sources.NATIONAL_HOLIDAYS),
    Holiday("Labour Day", "05-01", sources.NATIONAL_HOLIDAYS),
    Holiday("Victory Day", "05-08", sources.NATIONAL_HOLIDAYS),
    Holiday("Ascension Day", 39, sources.NATIONAL_HOLIDAYS),
    Holiday("Whit Monday", 50, sources.NATIONAL_HOLIDAYS),
    Holiday("Bastille Day", "07-14", sources.NATIONAL_HOLIDAYS),
    Holiday("Assumption Day", "08-15", sources.NATIONAL_HOLIDAYS),
    Holiday("All Saints' Day", "11-01", sources.NATIONAL_HOLIDAYS),
    Holiday("Armistice Day", "11-11", sources.NATIONAL_HOLIDAYS),
    Holiday("Christmas Day", "12-25", sources.NATIONAL_HOLIDAYS),
    # The law keeps Good Friday only where there is a Protestant or mixed church; no number tells.
    Holiday("Good Friday", -2, sources.ALSACE_MOSELLE, ("FR-AM",)),
    Holiday("Saint Stephen's Day", "12-26", sources.ALSACE_MOSELLE, ("FR-AM",)),
    Holiday("Abolition of Slavery", "04-27", sources.ABOLITION, ("YT",)),
    Holiday("Abolition of Slavery", "05-22", sources.ABOLITION, ("MQ",)),
    Holiday("Abolition of Slavery", "05-27", sources.ABOLITION, ("GP",)),
    Holiday("Abolition of Slavery", "05-28", sources.SAINT_MARTIN, ("MF",)),
    Holiday("Abolition of Slavery", "06-10", sources.ABOLITION, ("GF",)),
    Holiday("Abolition of Slavery", "10-09", sources.ABOLITION, ("BL",)),
    Holiday("Abolition of Slavery", "12-20", sources.ABOLITION, ("RE",)),
    Holiday("Missionary Day", "03-05", sources.POLYNESIA, ("PF",)),
    Holiday("Good Friday", -2, sources.POLYNESIA, ("PF",)),
    Holiday("Autonomy Day", "06-29", sources.POLYNESIA, ("PF",), last=2024),
    Holiday("Matari'i", "11-20", sources.POLYNESIA, ("PF",), first=2025),
    Holiday("Saint Peter Chanel", "04-28", sources.WALLIS, ("WF",)),
    Holiday("Saints Peter and Paul", "06-29", sources.WALLIS, ("WF",)),
    Holiday("Territory Day", "07-29", sources.WALLIS, ("WF",)),
    Holiday("Citizenship Day", "09-24", sources.CALEDONIA, ("NC",)),
)


@lru_cache(maxsize=1024)
def holidays(zone: str, year: int) -> Mapping[date, Holiday]:
    """List the holidays of a zone in one year; none for a zone that is not French.

    Where two fall on one day, the first row stands.
    """
    if zone not in FRENCH:
        return MappingProxyType({})
    kept = set(holidays_of(zone))
    found: dict[date, Holiday] = {}
    for each in HOLIDAYS:
        if each.first <= year <= each.last and (not each.zones or kept.intersection(each.zones)):
            found.setdefault(_day(each.when, year), each)
    return MappingProxyType(found)


def easter_sunday(year: int) -> date:
    """Find Easter Sunday of the Gregorian calendar: the Sunday after the full moon of the church's tables.

    The moon repeats itself in 19 years, but for two corrections by centuries: the leap years that were left
    out, and the drift of the tables.
    """
    century, golden = year // 100, year % 19
    left_out = century - century // 4
    drift = (8 * century + 13) // 25
    moon = (19 * golden + left_out - drift + 15) % 30
    # The tables keep two moons of one cycle apart and never let one be later than 18 April.
    moon -= moon // 28 * (1 - 29 // (moon + 1) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - left_out) % 7
    return date(year, 3, 28) + timedelta(days=moon - weekday)


def _day(when: str | int, year: int) -> date:
    if isinstance(when, int):
        return easter_sunday(year) + timedelta(days=when)
    return date.fromisoformat(f"{year:04}-{when}")
