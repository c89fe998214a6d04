"""The commands about consent: ``consent import`` and ``consent check``."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from producers.contract.phone import mask
from producers.contract.scripts import REDIS_ERRORS
from worker.commands.command import Command, Desk, Group, at_desk, whoever
from worker.commands.consent_list import COLUMNS, read_consent
from worker.commands.importing import Given, list_options, opened
from worker.commands.numbers import number_argument, read_number, settings_with
from worker.inquiry.dates import in_paris
from worker.lists.columns import Asked
from worker.operator import audit
from worker.operator.consents import NOTED_AT_ONCE, Consent, Consents
from worker.presentation.counts import counted
from worker.presentation.output import Exit, NotFound, Output

_Row = tuple[int, tuple[str, Consent]]


@click.group(cls=Group)
def consent() -> None:
    """Who has agreed to marketing."""


@consent.command("import", cls=Command)
@list_options(*COLUMNS)
@click.pass_context
def take_over(ctx: click.Context, /, **given: Any) -> None:
    """Note who has agreed: CSV with number, at, source, wording and perhaps last_contact.

    Safe to repeat. A line that cannot be read is named and left out, and so is who was erased.
    """
    output: Output = ctx.obj
    with ExitStack() as stack:
        listed = opened(stack, Given(**given), Asked(COLUMNS[:-1], COLUMNS[-1:]), read_consent)
        desk = stack.enter_context(at_desk())
        noted, erased = _import(desk, output, listed.people())
        about = {"people": noted, "erased": erased}
        audit.entry(desk.keys, whoever(), "consent-import", **about).run(desk.client)
    output.give({"imported": noted, "erased": erased, **listed.fields()})
    output.show(f"{counted(noted, 'person has', 'people have')} agreed")
    if erased:
        output.say(f"{counted(erased, 'person was', 'people were')} erased: left out")
    listed.tell(output)
    if listed.bad:
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
