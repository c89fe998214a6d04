"""The commands about opt-outs: ``suppress add``, ``remove``, ``check``, ``import`` and ``export``."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import click

from producers.contract.phone import mask
from producers.contract.scripts import REDIS_ERRORS
from producers.rules.settings import ACCOUNT
from worker.commands.command import Command, Desk, Group, at_desk, whoever
from worker.commands.importing import Given, list_options, opened
from worker.commands.numbers import number_argument, read_number
from worker.commands.suppression_list import COLUMNS, read_listed
from worker.inquiry.dates import in_paris
from worker.inquiry.suppressions import Suppression, all_suppressed, suppressions_of
from worker.lists.columns import Asked
from worker.operator import audit
from worker.operator.suppressions import IMPORTED_AT_ONCE, Listed, Suppressions, read_scope
from worker.presentation.counts import counted
from worker.presentation.csv_rows import csv_rows
from worker.presentation.output import Exit, NotFound, Output


class Scope(click.ParamType):  # type: ignore[type-arg]
    """What an opt-out is about."""

    name = "scope"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it, and write it as the scopes of messages are written."""
        try:
            return read_scope(value)
        except ValueError as error:
            self.fail(f"a scope {error}", param, ctx)


_scope = click.option(
    "--scope",
    type=Scope(),
    default=ACCOUNT,
    show_default=True,
    help="What it is about: account, sender:NAME, app:NAME.",
)


@click.group(cls=Group)
def suppress() -> None:
    """See and decide who gets no more marketing."""


@suppress.command(cls=Command)
@number_argument
@_scope
@click.option("--reason", required=True, help="Why, for the audit stream.")
@click.pass_obj
def add(output: Output, number: str, region: str | None, scope: str, reason: str) -> None:
    """Suppress a number, and cancel what waits for it. Safe to repeat."""
    e164 = read_number(number, region)
    with at_desk() as desk:
        cancelled = desk.ask(Suppressions(desk.settings, whoever()).add(e164, reason, scope=scope))
    output.give({"number": mask(e164), "scope": scope, "suppressed": True, "cancelled": cancelled})
    output.show(f"{mask(e164)} is suppressed ({scope}); {_cancelled(cancelled)}")


@suppress.command(cls=Command)
@number_argument
@_scope
@click.option("--reason", required=True, help="Why, for the audit stream.")
@click.pass_obj
def remove(output: Output, number: str, region: str | None, scope: str, reason: str) -> None:
    """Lift the suppression of a number, whoever it came from. Octopush may still block the number."""
    e164 = read_number(number, region)
    with at_desk() as desk:
        lifted = desk.ask(Suppressions(desk.settings, whoever()).lift(e164, reason, scope=scope))
    if not lifted:
        raise NotFound(f"{mask(e164)} is not suppressed ({scope}); nothing was changed")
    output.give({"number": mask(e164), "scope": scope, "suppressed": False})
    output.show(f"{mask(e164)} is not suppressed any more ({scope})")


@suppress.command(cls=Command)
@number_argument
@click.option("--scope", "scopes", type=Scope(), multiple=True, help="Ask for this scope, too; repeatable.")
@click.pass_obj
def check(output: Output, number: str, region: str | None, scopes: tuple[str, ...]) -> None:
    """Say whether a number is suppressed, since when, and who said so."""
    e164 = read_number(number, region)
    with at_desk() as desk:
        asked = list(dict.fromkeys((ACCOUNT, *scopes)))
        [found] = desk.ask(suppressions_of(desk.keys, desk.pseudonyms, [e164], asked))
    output.give({"number": mask(e164), "suppressions": [_fields(each) for each in found]})
    for each in found:
        output.show(f"{mask(e164)} is suppressed ({each.scope}) since {in_paris(each.at)}: {each.reason}")
    if not found:
        output.show(f"{mask(e164)} is not suppressed")


@suppress.command("import", cls=Command)
@list_options(*COLUMNS)
@click.pass_context
def take_over(ctx: click.Context, /, **given: Any) -> None:
    """Suppress everybody on a list: CSV with numbers or with pseudonyms, as `suppress export` writes it.

    Safe to repeat. A line that cannot be read is named and left out. Nothing is told on optouts: the messages
    that are cancelled are told on statuses.
    """
    output: Output = ctx.obj
    with ExitStack() as stack:
        listed = opened(stack, Given(**given), Asked(others=COLUMNS, pseudonyms=True), read_listed)
        desk = stack.enter_context(at_desk())
        people, cancelled = _import(desk, output, listed.people())
        audit.entry(desk.keys, whoever(), "suppress-import", people=people, cancelled=cancelled).run(
            desk.client
        )
    output.give({"imported": people, "cancelled": cancelled, **listed.fields()})
    many = counted(people, "person is", "people are")
    output.show(f"{many} suppressed; {_cancelled(cancelled)}")
    listed.tell(output)
    if listed.bad:
        ctx.exit(Exit.FAILED)


@suppress.command(cls=Command)
@click.pass_obj
def export(output: Output) -> None:
    """Write everybody who is suppressed as CSV, by pseudonym: numbers are not kept.

    The list serves an installation that has the same PSEUDONYM_KEYS.
    """
    with at_desk() as desk:
        audit.entry(desk.keys, whoever(), "suppress-export").run(desk.client)
        rows = (
            {"pseudonym": pseudonym, **_fields(each)}
            for pseudonym, each in all_suppressed(desk.client, desk.keys)
        )
        if output.as_json:
            for row in rows:
                output.give(row)
        else:
            for line in csv_rows(COLUMNS, rows, ("pseudonym",)):
                output.write(line)


def _import(desk: Desk, output: Output, good: Iterator[tuple[int, Listed]]) -> tuple[int, int]:
    """Take people over, some at a time; say where to go on if Redis goes away."""
    suppressions = Suppressions(desk.settings, whoever())
    people = cancelled = 0
    while some := list(islice(good, IMPORTED_AT_ONCE)):
        try:
            cancelled += desk.ask(suppressions.take_over([each for _, each in some]))
        except REDIS_ERRORS:
            output.say(
                f"{counted(people, 'person was', 'people were')} imported; to go on: --from-line {some[0][0]}"
            )
            raise
        people += len(some)
    return people, cancelled


def _fields(found: Suppression) -> dict[str, Any]:
    return {"scope": found.scope, "reason": found.reason, "at": found.at}


def _cancelled(count: int) -> str:
    return counted(count, "message was cancelled", "messages were cancelled")
