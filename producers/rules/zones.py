"""In which zone a number is: a French territory, or another country. Pure.

A zone has the holidays and the clocks by which marketing may leave. The zone that somebody gives counts more
than the prefix of the number, and the longest prefix more than the country. Where the owner of a +33 number
lives cannot be known: it counts as mainland, and never as Alsace-Moselle.
"""

from typing import Final, NamedTuple

import phonenumbers

from ..contract.plain_text import plain
from .clocks import clocks_by_country


class Territory(NamedTuple):
    """A French zone.

    Attributes:
        place: what it is called.
        timezone: its clock.
        prefixes: beginnings of its numbers; none for a zone that somebody has to give.
        within: zones whose holidays are its holidays, too, because it is part of them or they of it.
    """

    place: str
    timezone: str
    prefixes: tuple[str, ...] = ()
    within: tuple[str, ...] = ()


#: The French zones. Prefixes agree with phonenumbers 9.0.43, which a test compares.
#:
#: - GP, BL and MF share all mobile ranges: without a zone their numbers are in ``GP+``, which keeps the
#:   holidays of all three.
#: - All of +262 that is not Mayotte's is Réunion's. Mayotte's are the mobiles 639 and 7093, the landlines
#:   2689 and 269, and the rest over the internet.
#: - In PF the Marquesas are half an hour ahead of Tahiti and the Gambier islands an hour: no number tells.
FRENCH: Final = {
    "FR": Territory("mainland France", "Europe/Paris", ("+33",)),
    "FR-AM": Territory("Alsace-Moselle", "Europe/Paris", within=("FR",)),
    "GP+": Territory(
        "Guadeloupe, Saint-Martin or Saint-Barthélemy",
        "America/Guadeloupe",
        ("+590",),
        within=("GP", "MF", "BL"),
    ),
    "GP": Territory("Guadeloupe", "America/Guadeloupe"),
    "MF": Territory("Saint-Martin", "America/Marigot"),
    "BL": Territory("Saint-Barthélemy", "America/St_Barthelemy"),
    "MQ": Territory("Martinique", "America/Martinique", ("+596",)),
    "GF": Territory("French Guiana", "America/Cayenne", ("+594",)),
    "RE": Territory("Réunion", "Indian/Reunion", ("+262",)),
    "YT": Territory(
        "Mayotte",
        "Indian/Mayotte",
        (
            *("+262639", "+2627093", "+2622689", "+262269"),
            *("+26293980", "+26293981", "+26294780", "+26294781", "+2629769"),
        ),
    ),
    "PM": Territory("Saint-Pierre-et-Miquelon", "America/Miquelon", ("+508",)),
    "WF": Territory("Wallis-et-Futuna", "Pacific/Wallis", ("+681",)),
    "PF": Territory("French Polynesia", "Pacific/Tahiti", ("+689",)),
    "NC": Territory("New Caledonia", "Pacific/Noumea", ("+687",)),
}
_BY_PREFIX: Final = {prefix: zone for zone, each in FRENCH.items() for prefix in each.prefixes}
#: The lengths of prefixes by their first three characters, the longest first: most numbers take one look.
_LENGTHS: Final = {
    start: sorted({len(prefix) for prefix in _BY_PREFIX if prefix.startswith(start)}, reverse=True)
    for start in {prefix[:3] for prefix in _BY_PREFIX}
}
#: The region that numbers of no country have, such as those of satellite phones.
_NO_COUNTRY: Final = "001"


def zone_of(number: str) -> str:
    """Tell the zone of a number.

    Args:
        number: a valid one in E.164.

    Returns:
        A name of `FRENCH`, or the two letters of another country.

    Raises:
        ValueError: the number is of no country, as those of satellite phones: somebody has to give its zone.
    """
    for length in _LENGTHS.get(number[:3], ()):
        zone = _BY_PREFIX.get(number[:length])
        if zone is not None:
            return zone
    region = _country(number)
    if region is None or region not in clocks_by_country():
        raise ValueError("is of no country: its zone must be given")
    return region


def known_zone(zone: object) -> str:
    """Return a zone that there is.

    Raises:
        ValueError: it is none; the text says what is one.
    """
    known = plain(zone) if isinstance(zone, str) else ""
    if not is_zone(known):
        raise ValueError(f"must be {', '.join(FRENCH)}, or the two capital letters of another country")
    return known


def is_zone(name: str) -> bool:
    """Tell whether there is a zone of that name."""
    return name in FRENCH or name in clocks_by_country()


def clocks_of(zone: str) -> tuple[str, ...]:
    """Name the time zones that a zone spans: all have to be open for the zone to be open."""
    return (FRENCH[zone].timezone,) if zone in FRENCH else clocks_by_country()[zone]


def holidays_of(zone: str) -> tuple[str, ...]:
    """Name the zones whose own holidays a zone keeps, itself first."""
    return (zone, *FRENCH[zone].within) if zone in FRENCH else (zone,)


def _country(number: str) -> str | None:
    """Tell the region of a number; parse it only if its calling code leaves a choice."""
    for end in (2, 3, 4):
        code = number[1:end]
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code.isdecimal() else None
        if regions is not None:
            break
    else:
        return None
    if len(regions) > 1:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    return None if regions[0] == _NO_COUNTRY else regions[0]
