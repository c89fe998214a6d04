"""``octopush-worker send``: a campaign from a CSV file or to one number, safe to run again."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from producers.messages.message import CampaignOptions
from producers.messages.recipient import VARIABLES
from producers.messages.template import take_apart
from producers.queueing.campaigns import checked
from worker.commands.command import Command
from worker.commands.dry_run import look
from worker.commands.numbers import region_option, settings_with
from worker.commands.option_types import Duration, Mapped, product_option
from worker.commands.send_plan import Plan, Stay
from worker.commands.send_run import carry_out, said_plainly
from worker.inquiry.dates import with_offset
from worker.lists.columns import FileProblem
from worker.lists.csv_text import kept
from worker.lists.recipient_file import open_recipients
from worker.lists.recipient_list import OneNumber, RecipientList
from worker.lists.titles import NUMBERS
from worker.lists.zone_column import ZONE
from worker.presentation.output import Exit, Failed, Output


@click.command(cls=Command)
@click.option(
    "--csv",
    "path",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="File of recipients; - for standard input.",
)
@click.option("--to", help="One number, in place of a file.")
@click.option(
    "--text", required=True, help="With {first_name}, {last_name}, {param1} … {param5} from columns."
)
@click.option("--sender", required=True, help="3 to 11 letters and digits.")
@click.option(
    "--purpose",
    type=click.Choice(["wholesale", "alert"]),
    default="wholesale",
    show_default=True,
    help="wholesale is marketing; alert is for what a person waits for.",
)
@product_option("Which of the gateway's products; it decides the price.")
@click.option(
    "--with-replies",
    is_flag=True,
    help="Two-way SMS, mainland France; with --wait, show the replies as they come, until Ctrl-C.",
)
@click.option(
    "--at", help="When, such as 2030-01-31T09:00, read in Europe/Paris; until then it can be cancelled."
)
@click.option("--ttl", type=Duration(), help="Never send later than this after now or --at: 90m, 12h, 2d.")
@click.option(
    "--zone",
    help="Where they are, if their numbers do not tell: FR-AM, MF, a country; a column zone counts more.",
)
@click.option("--campaign", "campaign_id", help="Its id; made of file, text and options unless given.")
@click.option("--budget", help="Euros that all of it may cost, such as 250; what goes beyond is not queued.")
@click.option("--column", help="Title of the column of the numbers, if it is not found.")
@click.option(
    "--map",
    "mapped",
    type=Mapped((NUMBERS, *VARIABLES, ZONE)),
    multiple=True,
    help="Title of another column, such as first_name=Rufname; repeatable.",
)
@region_option
@click.option("--encoding", help="Of the file, if it is neither UTF-8, UTF-16 nor Windows-1252.")
@click.option(
    "--bad-rows",
    type=click.Choice(["refuse", "leave-out"]),
    show_default="refuse",
    help="Queue nothing if a row cannot be texted, or leave such rows out.",
)
@click.option(
    "--bad-rows-to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Leave bad rows out, and write them to this file, to be mended and sent.",
)
@click.option("--dry-run", is_flag=True, help="Show what it becomes and costs, queue nothing; 1 if refused.")
@click.option("--wait", is_flag=True, help="Stay until all have ended, and show how far it is.")
@click.option(
    "--replies-for", type=Duration(), help="Show replies for so long at most after that: 90s, 10m, 12h."
)
@click.pass_obj
def send(
    output: Output,
    /,
    path: Path | None,
    to: str | None,
    text: str,
    campaign_id: str | None,
    budget: str | None,
    column: str | None,
    mapped: tuple[tuple[str, str], ...],
    region: str | None,
    encoding: str | None,
    bad_rows: str | None,
    bad_rows_to: Path | None,
    replies_for: timedelta | None,
    *,
    dry_run: bool,
    wait: bool,
    **given: Any,
) -> None:
    """Send one text to all numbers of a CSV file, or to one number, nobody twice.

    Run the same command again after whatever cut it short: it goes on where it ended.
    """
    _check_usage(path, to, column, mapped, bad_rows=bad_rows, bad_rows_to=bad_rows_to, dry_run=dry_run)
    if replies_for is not None and not (wait and given["with_replies"]):
        raise click.UsageError("--replies-for goes with --wait and --with-replies")
    options, settings = _options(**given), settings_with(region)
    with ExitStack() as stack:
        reading = {"column": column, "titles": dict(mapped), "encoding": encoding}
        file = _opened(stack, path, to, text, region=settings.default_region, **reading)
        leave_out = bad_rows == "leave-out" or bad_rows_to is not None
        plan = Plan(output, file, text, options, settings, campaign_id, budget, leave_out, bad_rows_to)
        stay = Stay(wait, replies_for.total_seconds() if replies_for else None)
        stack.enter_context(said_plainly(plan))
        if campaign_id is not None:
            checked(campaign_id)
        code = Exit.OK
        if dry_run:
            look(plan)
        elif file is not None:
            code = carry_out(plan, file, stay, column, sorted(mapped), encoding)
    click.get_current_context().exit(code)


def _opened(
    stack: ExitStack, path: Path | None, to: str | None, text: str, **reading: Any
) -> RecipientList | None:
    """Open the recipients for as long as a stack: one number, or those of a file. None for nobody.

    Raises:
        Failed: the file cannot be read so.
    """
    if to is not None:
        return OneNumber(to)
    if path is None:
        return None
    try:
        return open_recipients(stack.enter_context(kept(path)), take_apart(text).variables, **reading)
    except (FileProblem, OSError) as error:
        raise Failed(str(error)) from None


def _check_usage(
    path: Path | None,
    to: str | None,
    column: str | None,
    mapped: tuple[tuple[str, str], ...],
    *,
    bad_rows: str | None,
    bad_rows_to: Path | None,
    dry_run: bool,
) -> None:
    """Refuse options that contradict each other.

    Raises:
        click.UsageError: they do.
    """
    lists = [each for each in (path, to) if each is not None]
    if len(lists) > 1 or not (lists or dry_run):
        raise click.UsageError("name the recipients with --csv or with --to")
    if len(dict(mapped)) < len(mapped) or (column is not None and NUMBERS in dict(mapped)):
        raise click.UsageError("two columns are named for one thing, with --map or --column")
    if bad_rows_to is not None and (path is None or bad_rows == "refuse"):
        raise click.UsageError("--bad-rows-to goes with --csv, and leaves bad rows out")


def _options(**given: Any) -> CampaignOptions:
    return CampaignOptions(
        sender=given["sender"],
        purpose=given["purpose"],
        type=given["kind"],
        with_replies=given["with_replies"],
        send_at=given["at"] and with_offset(given["at"]),
        ttl=given["ttl"],
        zone=given["zone"],
    )
