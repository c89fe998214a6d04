"""``octopush-worker hours``: when marketing may leave to a number, and which rule says so."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, ParamSpec, TypeVar

import click

from producers.contract.phone import mask
from producers.rules.clocks import clock, tzdata_version
from producers.rules.finding import Finding
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from producers.rules.zones import FRENCH, known_zone, zone_of
from worker.commands.command import Command
from worker.commands.numbers import number_argument, read_number
from worker.commands.option_types import Date
from worker.inquiry.dates import read_since
from worker.presentation.output import Failed, Output

P = ParamSpec("P")
T = TypeVar("T")

#: Clocks that are named; of a country with more, how many it has.
_CLOCKS_NAMED: Final = 3


@click.command(cls=Command)
@number_argument
@click.option(
    "--at", type=Date(read_since), help="When, instead of now; read in Europe/Paris without an offset."
)
@click.option("--zone", help="Where the person is, if the number does not tell: FR-AM, MF, a country.")
@click.pass_obj
def hours(output: Output, number: str, region: str | None, at: datetime | None, zone: str | None) -> None:
    """Show whether marketing may leave to a number, until when, why, and which rule says so.

    Asks no Redis. Alerts leave at any hour.
    """
    rules = Hours(RulesSettings.from_env(os.environ))
    e164 = read_number(number, region)
    where = _named("NUMBER", zone_of, e164) if zone is None else _named("--zone", known_zone, zone)
    moment = at or datetime.now(UTC)
    found = _named("--at", rules.look, where, moment)
    output.give(_fields(mask(e164), moment, found, rules.fingerprint))
    for line in _lines(mask(e164), moment, found):
        output.show(line)


def _named(what: str, check: Callable[P, T], *given: P.args, **options: P.kwargs) -> T:
    """Run a check; name what it refuses.

    Raises:
        Failed: it refuses.
    """
    try:
        return check(*given, **options)
    except ValueError as error:
        raise Failed(f"{what} {error}") from None


def _fields(number: str, at: datetime, found: Finding, fingerprint: str) -> dict[str, object]:
    return {
        "number": number,
        "zone": found.zone,
        "clocks": found.clocks,
        "at": at.astimezone(UTC),
        "open": found.is_open,
        "until": found.until,
        "leaves_until": found.leaves_until,
        "reason": found.reason,
        "causes": [{"words": cause.words, "source": cause.source._asdict()} for cause in found.causes],
        "rule": found.rule,
        "source": found.source._asdict(),
        "fingerprint": fingerprint,
        "tzdata": tzdata_version(),
    }


def _lines(number: str, at: datetime, found: Finding) -> list[str]:
    """Write the answer for people, by the first clock of the zone."""
    zone = f"{found.zone}, {FRENCH[found.zone].place}" if found.zone in FRENCH else found.zone
    many = len(found.clocks) > _CLOCKS_NAMED
    clocks = (
        f"{len(found.clocks)} time zones, shown by {found.clocks[0]}" if many else ", ".join(found.clocks)
    )
    until = "" if found.until is None else f" until {_by(found, found.until)}"
    if found.leaves_until is not None:
        last = _by(found, found.leaves_until, "%H:%M")
        over = found.closes_soon(at)
        until += f", but nothing leaves any more since {last}" if over else f"; nothing leaves from {last} on"
    state = f"open{until}" if found.is_open else f"closed{until or ', and never opens'}: {found.reason}"
    lines = [
        f"{number} is in {zone} ({clocks})",
        f"{_by(found, at)}: {state}",
        f"  rule    {found.rule}",
        f"  source  {found.source}",
    ]
    others = dict.fromkeys(cause for cause in found.causes if cause.source != found.source)
    return [*lines, *(f"  source  {cause.words}: {cause.source}" for cause in others)]


def _by(found: Finding, at: datetime, written: str = "%a %d %b %Y %H:%M %z") -> str:
    return f"{at.astimezone(clock(found.clocks[0])):{written}}"
