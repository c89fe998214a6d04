"""The commands about consent: ``consent import`` and ``consent check``."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import click

from producers.contract.phone import mask
from producers.contract.scripts import REDIS_ERRORS
from producers.settings import ProducerSettings
from worker.commands.command import Command, Desk, Group, at_desk, whoever
from worker.commands.numbers import number_argument, read_number, settings_with
from worker.inquiry.dates import in_paris
from worker.operator import audit
from worker.operator.consents import NOTED_AT_ONCE, Consent, Consents, read_consents
from worker.presentation.counts import counted
from worker.presentation.output import Exit, Failed, NotFound, Output

#: Bad lines of a list that are named.
_NAMED: Final = 20

_Row = tuple[int, tuple[str, Consent]]


@click.group(cls=Group)
def consent() -> None:
    """Who has agreed to marketing."""


@consent.command("import", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from-line", type=click.IntRange(1), default=1, help="Go on behind an interrupted import.")
@click.pass_context
def take_over(ctx: click.Context, file: Path, from_line: int) -> None:
    """Note who has agreed: CSV with number, at, source, wording and perhaps last_contact.

    Safe to repeat. A line that cannot be read is named and left out, and so is who was erased.
    """
    output: Output = ctx.obj
    bad: list[tuple[int, str]] = []
    region = ProducerSettings.from_env(os.environ).default_region
    with at_desk() as desk, file.open(encoding="utf-8-sig", newline="") as lines:
        try:
            good = _good(_lines_from(read_consents(lines, region), from_line), bad)
            noted, erased = _import(desk, output, good)
        except ValueError as error:
            raise Failed(f"FILE {error}") from None
        about = {"people": noted, "erased": erased}
        audit.entry(desk.keys, whoever(), "consent-import", **about).run(desk.client)
    named = [{"line": line, "problem": problem} for line, problem in bad[:_NAMED]]
    output.give({"imported": noted, "erased": erased, "bad": len(bad), "lines": named})
    output.show(f"{counted(noted, 'person has', 'people have')} agreed")
    if erased:
        output.say(f"{counted(erased, 'person was', 'people were')} erased: left out")
    for line, problem in bad[:_NAMED]:
        output.say(f"line {line} {problem}")
    if bad:
        output.say(f"{counted(len(bad), 'line was', 'lines were')} left out")
        ctx.exit(Exit.FAILED)


@consent.command(cls=Command)
@number_argument
@click.pass_obj
def check(output: Output, number: str, region: str | None) -> None:
    """Say whether somebody has agreed to marketing, when, where and to which words."""
    e164, settings = read_number(number, region), settings_with(region)
    with at_desk() as desk:
        found = desk.ask(Consents(desk.settings).of(e164))
    if found is None:
        raise NotFound(f"nothing is known of a consent of {mask(e164)}")
    counts = (datetime.now(UTC) - found.last_contact).days < settings.consent_days
    output.give({"number": mask(e164), "counts": counts, "consent": found})
    age = "" if counts else f"; too old: the last contact is more than {settings.consent_days} days ago"
    output.show(
        f"{mask(e164)} agreed {in_paris(found.at)} ({found.source}, {found.wording}), "
        f"last contact {in_paris(found.last_contact)}{age}"
    )


def _lines_from(
    rows: Iterator[tuple[int, tuple[str, Consent] | str]], first: int
) -> Iterator[tuple[int, tuple[str, Consent] | str]]:
    """Leave out what comes before a line."""
    return ((line, each) for line, each in rows if line >= first)


def _good(
    rows: Iterator[tuple[int, tuple[str, Consent] | str]], bad: list[tuple[int, str]]
) -> Iterator[_Row]:
    for line, each in rows:
        if isinstance(each, str):
            bad.append((line, each))
        else:
            yield line, each


def _import(desk: Desk, output: Output, good: Iterator[_Row]) -> tuple[int, int]:
    """Note people, some at a time; say where to go on if Redis goes away."""
    consents = Consents(desk.settings)
    noted = erased = 0
    while some := list(islice(good, NOTED_AT_ONCE)):
        try:
            more, refused = desk.ask(consents.take_over([each for _, each in some]))
        except REDIS_ERRORS:
            output.say(
                f"{counted(noted, 'person was', 'people were')} noted; to go on: --from-line {some[0][0]}"
            )
            raise
        noted, erased = noted + more, erased + refused
    return noted, erased
