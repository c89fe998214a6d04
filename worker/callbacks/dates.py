"""The gateway's dates, judged by the arrival of the callback that holds them. Pure and total."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

#: Dates without a zone are wall-clock time there: seen on a live account, not documented.
GATEWAY_ZONE: Final = ZoneInfo("Europe/Paris")
#: A date further from its arrival is no date: it is zero, or the largest that somebody's clock can hold.
FARTHEST: Final = timedelta(days=5 * 366)

#: Epoch seconds, milliseconds or microseconds.
_EPOCH: Final = re.compile(r"\d{1,17}(\.\d{1,9})?", re.ASCII)
_EPOCH_UNITS: Final = (1, 1_000, 1_000_000)
#: A date and time, then perhaps a zone: an offset, with or without white space, or a name.
_DATE: Final = re.compile(
    r"(?P<date>\d{4}-?\d\d-?\d\d)[T ]+(?P<time>\d\d:?\d\d(:?\d\d([.,]\d+)?)?)"
    r" *(?P<zone>[+-]\d\d:?(\d\d)?|[A-Za-z][A-Za-z0-9_+/-]*)?",
    re.ASCII | re.IGNORECASE,
)
_ABBREVIATIONS: Final = {
    **dict.fromkeys(("Z", "UTC", "GMT"), UTC),
    "CET": timezone(timedelta(hours=1)),
    "CEST": timezone(timedelta(hours=2)),
}


def read_date(written: str, arrived: datetime) -> datetime | None:
    """Read a date: ISO 8601 with or without offset, the gateway's ``Y-m-d H:i:s``, or epoch time.

    A callback is posted at once. So among several readings (of the hour that happens twice when clocks go
    back, or of the units of epoch time) the one closest before the arrival is meant.

    Args:
        written: the gateway's date; anything.
        arrived: when the callback came, with its zone.

    Returns:
        The instant in UTC; None if nothing can be read, or nothing within `FARTHEST` of the arrival.
    """
    readings = sorted(at for at in _readings(written.strip()) if abs(at - arrived) <= FARTHEST)
    before = [at for at in readings if at <= arrived]
    return before[-1] if before else next(iter(readings), None)


def _readings(written: str) -> Iterator[datetime]:
    if _EPOCH.fullmatch(written):
        for unit in _EPOCH_UNITS:
            try:
                yield datetime.fromtimestamp(float(written) / unit, UTC)
            except (ValueError, OverflowError, OSError):
                continue
        return
    found = _DATE.fullmatch(written)
    if not found:
        return
    try:
        zone = _zone(found["zone"] or "")
        at = datetime.fromisoformat(f"{found['date']}T{found['time'].replace(',', '.')}")
        for fold in (0, 1):
            yield at.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    except (ValueError, OverflowError, OSError, LookupError):
        return


def _zone(name: str) -> tzinfo:
    if not name:
        return GATEWAY_ZONE
    if name[0] in "+-":
        return datetime.fromisoformat(f"2000-01-01T00:00{name}").tzinfo or UTC
    return _ABBREVIATIONS.get(name.upper()) or ZoneInfo(name)
