"""By which clocks a country lives: the time zones of the package ``tzdata``.

The operating system's own time zones are not asked. Two machines with the same ``tzdata`` agree to the
minute, a container without time zones works, and the version can be named.
"""

import importlib.resources
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

_FILES: Final = "tzdata.zoneinfo"
#: Regions of the numbering plans that have no code of ISO 3166, and so no line in ``zone.tab``.
_WITHOUT_CODE: Final = {
    "AC": ("Atlantic/St_Helena",),
    "TA": ("Atlantic/St_Helena",),
    "XK": ("Europe/Belgrade",),
}


@cache
def clock(timezone: str) -> ZoneInfo:
    """Load a time zone.

    Args:
        timezone: as ``Europe/Paris``, one that `clocks_of` or the table of zones names.
    """
    place = importlib.resources.files("tzdata").joinpath("zoneinfo", *timezone.split("/"))
    with place.open("rb") as file:
        return ZoneInfo.from_file(file, key=timezone)


@cache
def clocks_by_country() -> Mapping[str, tuple[str, ...]]:
    """Name the time zones of each country, by its two letters.

    A number tells its country and not where in it somebody is: numbers move with their owners. So all clocks
    of a country count.
    """
    found: dict[str, tuple[str, ...]] = dict(_WITHOUT_CODE)
    for line in _lines("zone.tab"):
        if not line.startswith("#"):
            country, _, timezone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), timezone)
    return MappingProxyType(found)


@cache
def tzdata_version() -> str:
    """Name the version of the time zones, such as ``2026a``."""
    return next(iter(_lines("tzdata.zi"))).removeprefix("# version ")


def _lines(name: str) -> list[str]:
    return importlib.resources.files(_FILES).joinpath(name).read_text("utf-8").splitlines()
