"""``octopush-worker hours``: when marketing may leave to a number, and which rule says so."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, ParamSpec, TypeVar

import click

from producers.contract.phone import mask, to_e164
from producers.contract.settings import ProducerSettings
from producers.rules.clocks import clock, tzdata_version
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from producers.rules.verdict import Verdict
from producers.rules.zones import FRENCH, known_zone, zone_of
from worker.inquiry.dates import read_since
from worker.operator.command import Command
from worker.operator.option_types import Date
from worker.presentation.output import Failed, Output

P = ParamSpec("P")
T = TypeVar("T")

#: Clocks that are named; of a country with more, how many it has.
_CLOCKS_NAMED: Final = 3


@click.command(cls=Command)
@click.argument("number")
@click.option(
    "--at", type=Date(read_since), help="When, instead of now; read in Europe/Paris without an offset."
)
@click.option("--zone", help="Where the person is, if the number does not tell: FR-AM, MF, a country.")
@click.pass_obj
def hours(output: Output, number: str, at: datetime | None, zone: str | None) -> None:
    """Show whether marketing may leave to a number, until when, and which rule says so.

    Asks no Redis. Alerts leave at any hour.
    """
    region = ProducerSettings.from_env(os.environ).default_region
    rules = Hours(RulesSettings.from_env(os.environ))
    e164 = _named("NUMBER", to_e164, number, default_region=region)
    where = _named("NUMBER", zone_of, e164) if zone is None else _named("--zone", known_zone, zone)
    moment = at or datetime.now(UTC)
    verdict = _named("--at", rules.look, where, moment)
    output.give(_fields(mask(e164), moment, verdict, rules.fingerprint))
    for line in _lines(mask(e164), moment, verdict):
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


def _fields(number: str, at: datetime, verdict: Verdict, fingerprint: str) -> dict[str, object]:
    return {
        "number": number,
        "zone": verdict.zone,
        "clocks": verdict.clocks,
        "at": at.astimezone(UTC),
        "open": verdict.is_open,
        "until": verdict.until,
        "reason": verdict.reason,
        "causes": [{"words": cause.words, "source": cause.source._asdict()} for cause in verdict.causes],
        "rule": verdict.rule,
        "source": verdict.source._asdict(),
        "fingerprint": fingerprint,
        "tzdata": tzdata_version(),
    }


def _lines(number: str, at: datetime, verdict: Verdict) -> list[str]:
    """Write the answer for people, by the first clock of the zone."""
    zone = f"{verdict.zone}, {FRENCH[verdict.zone].place}" if verdict.zone in FRENCH else verdict.zone
    many = len(verdict.clocks) > _CLOCKS_NAMED
    clocks = (
        f"{len(verdict.clocks)} time zones, shown by {verdict.clocks[0]}"
        if many
        else ", ".join(verdict.clocks)
    )
    until = "" if verdict.until is None else f" until {_by(verdict, verdict.until)}"
    state = f"open{until}" if verdict.is_open else f"closed{until or ', and never opens'}: {verdict.reason}"
    lines = [
        f"{number} is in {zone} ({clocks})",
        f"{_by(verdict, at)}: {state}",
        f"  rule    {verdict.rule}",
        f"  source  {verdict.source}",
    ]
    others = dict.fromkeys(cause for cause in verdict.causes if cause.source != verdict.source)
    return [*lines, *(f"  source  {cause.words}: {cause.source}" for cause in others)]


def _by(verdict: Verdict, at: datetime) -> str:
    return f"{at.astimezone(clock(verdict.clocks[0])):%a %d %b %Y %H:%M %z}"
