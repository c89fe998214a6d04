"""``octopush-worker pilot``: a guided trial on the live account that asks before it spends."""

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click

from producers.contract.keys import Keys
from producers.rules.money import MICRO, micros
from worker.commands.command import Command
from worker.commands.numbers import read_number, region_option
from worker.commands.option_types import Duration
from worker.pilot.journal import Journal
from worker.pilot.purse import Purse
from worker.pilot.questions import BY_NAME, QUESTIONS
from worker.pilot.seen import Verdict
from worker.pilot.set_up import Files, check_numbers, lab_of, opened, price_of
from worker.pilot.trial import Desk, carry_out, sleeps
from worker.presentation.output import Exit, Forbidden, Output
from worker.process.connection import connect
from worker.settings import WorkerSettings

_SENDER: Final = re.compile(r"[A-Za-z0-9]{3,11}", re.ASCII)


class _Euros(click.ParamType):  # type: ignore[type-arg]
    """Euros as text."""

    name = "euros"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Read them."""
        try:
            return Decimal(micros(value)) / MICRO
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(cls=Command)
@click.option("--to", "numbers", multiple=True, required=True, help="A number of yours; repeatable.")
@region_option
@click.option(
    "--only",
    "names",
    type=click.Choice(list(BY_NAME)),
    multiple=True,
    metavar="QUESTION",
    help=f"Ask only this question; repeatable. One of {', '.join(BY_NAME)}.",
)
@click.option("--budget", type=_Euros(), default="2", show_default=True, help="Euros that all may cost.")
@click.option("--sender", default="Octopush", show_default=True, help="3 to 11 letters and digits.")
@click.option(
    "--wait",
    type=Duration(),
    default="2m",
    show_default=True,
    help="How long it waits for callbacks: 90s, 10m.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    default="pilot-report.md",
    show_default=True,
    help="Where the report is written; the journal stands beside it.",
)
@click.option(
    "--profile",
    type=click.Path(dir_okay=False, path_type=Path),
    default="gateway-profile.json",
    show_default=True,
    help="Where the profile is written, for GATEWAY_PROFILE.",
)
@click.option("--yes", is_flag=True, help="Ask no person before a question is asked.")
@click.option("--resume", is_flag=True, help="Go on with the report that was begun.")
@click.option("--at-night", is_flag=True, help="Text people between 21:00 and 08:00, too.")
@click.pass_obj
def pilot(
    output: Output,
    /,
    numbers: tuple[str, ...],
    region: str | None,
    names: tuple[str, ...],
    budget: Decimal,
    sender: str,
    wait: timedelta,
    report: Path,
    profile: Path,
    *,
    yes: bool,
    resume: bool,
    at_night: bool,
) -> None:
    """Settle what no page of the gateway says, by small experiments on this account that cost money.

    Each question shows its plan and its price, and is asked only after a yes. It sends to the numbers of
    --to and to nobody else. Nothing that was called is called again after whatever cut it short.
    """
    if not _SENDER.fullmatch(sender):
        raise click.UsageError("--sender must be 3 to 11 letters and digits")
    settings = WorkerSettings.from_env(os.environ)
    to = list(dict.fromkeys(read_number(each, region) for each in numbers))
    questions = [each for each in QUESTIONS if not names or each.name in names]
    files, keys = Files(report, profile), Keys(settings.namespace)
    files.check(settings.api_login.reveal(), resume=resume)
    with connect(settings.redis_url) as client:
        check_numbers(settings, to, client, keys)

        def now() -> float:
            return float(client.time()[0])

        if not at_night and sleeps(to, now()):
            raise Forbidden("it is night where one of the numbers is; --at-night sends all the same")
        desk = Desk(output.show, _agrees_to_all if yes else _agrees, now, at_night)
        with opened(settings, files, to, client, keys) as journal:
            purse = Purse(journal, budget, price_of(settings, to, client, keys))
            try:
                with lab_of(
                    settings, journal, purse, client, keys, to, sender, wait.total_seconds(), output
                ) as lab:
                    asked = carry_out(questions, lab, desk)
            finally:
                has_profile = files.write(journal, purse, now())
            _tell(output, journal, purse, files, asked, has_profile=has_profile)
            open_ones = [name for name in asked if not journal.verdicts[name].answer]
    click.get_current_context().exit(Exit.FAILED if open_ones else Exit.OK)


def _agrees() -> bool:
    return click.confirm("  ask it now?", default=False, err=True)


def _agrees_to_all() -> bool:
    return True


def _tell(
    output: Output,
    journal: Journal,
    purse: Purse,
    files: Files,
    asked: Sequence[str],
    *,
    has_profile: bool,
) -> None:
    rows = [(name, journal.verdicts.get(name, Verdict())) for name in asked]
    output.give(
        {
            "questions": [
                {"name": name, "answer": verdict.answer or None, "why": verdict.why, "notes": verdict.notes}
                for name, verdict in rows
            ],
            "spent": purse.spent,
            "report": str(files.report),
            "profile": str(files.profile) if has_profile else None,
        }
    )
    output.show(f"report     {files.report}; {purse.spent:.2f} € were spent at most")
    if has_profile:
        output.show(f"profile    {files.profile}")
        output.remark(f"workers go by it once they start with GATEWAY_PROFILE={files.profile}")
