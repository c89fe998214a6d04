"""By which clocks a country lives: the time zones of the package ``tzdata``, or else the operating system's.

Workers have the package, and they decide when something leaves: two machines with the same ``tzdata`` agree
to the minute, a container without time zones works, and the version can be named. An application that does
without it looks at the system's zones.
"""

import importlib.resources
import zoneinfo
from collections.abc import Mapping
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from ..errors import ConfigError

#: Regions of the numbering plans that have no code of ISO 3166, and so no line in ``zone.tab``.
_WITHOUT_CODE: Final = {
    "AC": ("Atlantic/St_Helena",),
    "TA": ("Atlantic/St_Helena",),
    "XK": ("Europe/Belgrade",),
}
#: Regions of which the mobile numbers may be those of others, which no digit tells apart; phonenumbers names
#: no more of them whose clocks differ, which a test compares.
_NUMBERS_OF: Final = {"AU": ("CX", "CC")}


@cache
def clock(timezone: str) -> ZoneInfo:
    """Load a time zone.

    Args:
        timezone: as ``Europe/Paris``, one that `clocks_of` or the table of zones names.

    Raises:
        ConfigError: there are no time zones.
    """
    with _zones().joinpath(*timezone.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=timezone)


@cache
def clocks_by_country() -> Mapping[str, tuple[str, ...]]:
    """Name the time zones of each country, by its two letters.

    A number tells its country and not where in it somebody is: numbers move with their owners. So all clocks
    of a country count, and those of other regions that share its numbers.

    Raises:
        ConfigError: there are no time zones.
    """
    found: dict[str, tuple[str, ...]] = dict(_WITHOUT_CODE)
    for line in _lines("zone.tab"):
        if not line.startswith("#"):
            country, _, timezone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), timezone)
    for country, regions in _NUMBERS_OF.items():
        found[country] += tuple(timezone for each in regions for timezone in found[each])
    return MappingProxyType(found)


@cache
def tzdata_version() -> str:
    """Name the version of the time zones, such as ``2026a``; a system may not tell that of its own.

    Raises:
        ConfigError: there are no time zones.
    """
    if not _zones().joinpath("tzdata.zi").is_file():
        return "unknown"
    return _lines("tzdata.zi")[0].removeprefix("# version ")


def _lines(name: str) -> list[str]:
    return _zones().joinpath(name).read_text("utf-8").splitlines()


@cache
def _zones() -> Traversable:
    """Find the directory of the time zones."""
    try:
        return importlib.resources.files("tzdata.zoneinfo")
    except ModuleNotFoundError:
        pass
    for directory in map(Path, zoneinfo.TZPATH):
        if (directory / "zone.tab").is_file():
            return directory
    raise ConfigError({"PYTHONTZPATH": "leads to no time zones: install tzdata, of the system or of PyPI"})
