"""What is held until a time, and how people are told. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from .clocks import clock
from .finding import Finding
from .hours import Hours
from .zones import clocks_of, is_zone

#: Why something is held that the hours do not keep, by the field ``held`` of a record.
_WHY: Final = {"over_budget": "the budget is used up"}
#: By whose clock a time is told that concerns no zone, or several.
_MAINLAND: Final = "FR"
#: How long the weekday alone tells a day apart.
_SOON: Final = timedelta(days=6)


class Held(NamedTuple):
    """Why something is held, and until when.

    Attributes:
        reason: ``hours`` or ``over_budget``.
        until: when it may leave, in UTC.
        zones: of its recipients; empty if they do not matter.
    """

    reason: str
    until: datetime
    zones: tuple[str, ...]

    @classmethod
    def of(cls, reason: str, until_ms: float | str, zones: str = "") -> "Held":
        """Make one of what Redis holds: epoch milliseconds, and zones with spaces between."""
        return cls(reason, datetime.fromtimestamp(int(until_ms) / 1000, UTC), tuple(zones.split()))


def read_held(fields: Mapping[str, str]) -> dict[Held, int]:
    """Read how many sends are held, the first to leave first.

    Args:
        fields: as the scripts write them: ``<reason>:<until>:<zones>`` to a number.
    """
    found = [(Held.of(*name.split(":", 2)), int(count)) for name, count in fields.items()]
    return dict(sorted(found, key=lambda each: (each[0].until, each[0])))


def words(hours: Hours, held: Held, now: datetime) -> str:
    """Say until when something is held, and why: ``held until Tue 08:00, Easter Monday``.

    Args:
        hours: of marketing.
        held: what is held. Zones that only a newer version knows are not named.
        now: by Redis's clock, aware.
    """
    zones = [each for each in held.zones if is_zone(each)]
    closed = _shut(hours, zones, held, now) if held.reason == "hours" else None
    zone = closed.zone if closed else zones[0] if len(zones) == 1 else _MAINLAND
    local = held.until.astimezone(clock(clocks_of(zone)[0]))
    day = f"{local:%a}" if held.until - now < _SOON else f"{local:%a %d %b %Y}"
    where = "" if zone == _MAINLAND else f" in {zone}"
    # The zone is named once.
    causes = [cause.words.removesuffix(f", {zone}") for cause in closed.causes] if closed else []
    why = ", then ".join(causes) if closed else _WHY.get(held.reason, "")
    return f"held until {day} {local:%H:%M}{where}{f', {why}' if why else ''}"


def _shut(hours: Hours, zones: Iterable[str], held: Held, now: datetime) -> Finding | None:
    """Find the zone that opens last of those that are closed, or else that close too soon."""
    found = [hours.look(zone, now) for zone in zones]
    shut = [each for each in found if not each.is_open]
    if not shut and now < held.until:
        shut = [_at_closing(hours, each) for each in found if each.closes_soon(now)]
    return max(shut, key=lambda each: each.until or datetime.max.replace(tzinfo=UTC), default=None)


def _at_closing(hours: Hours, found: Finding) -> Finding:
    """Look at a zone that is open as it will be once it is closed."""
    closed = hours.look(found.zone, found.until or datetime.max.replace(tzinfo=UTC))
    first, *others = closed.causes
    soon = first._replace(words=first.words.replace("after ", "closes at ", 1))
    return replace(closed, causes=(soon, *others))
