"""``octopush-worker send``: a campaign from a CSV file or to one number, safe to run again."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from producers.contract.scripts import REDIS_ERRORS
from producers.contract.steps import drive
from producers.errors import CampaignCancelled, OverBudget, QueueUnavailable, RequestIdConflict
from producers.messages.message import CampaignOptions
from producers.messages.template import take_apart
from producers.producer import Producer
from producers.queueing.campaign_check import check_campaign
from producers.queueing.campaign_status import Campaign
from producers.queueing.campaigns import checked
from worker.commands.bad_rows import BadRows
from worker.commands.campaign_cli import LEFT_OUT, fields, follow, show_words
from worker.commands.campaign_name import name_campaign
from worker.commands.command import Command
from worker.commands.dry_run import look
from worker.commands.numbers import region_option, settings_with
from worker.commands.option_types import Duration, Mapped
from worker.commands.send_plan import Plan, handed_out, why_refused
from worker.inquiry.dates import with_offset
from worker.lists.recipient_columns import NUMBERS, FileProblem
from worker.lists.recipient_file import open_recipients
from worker.lists.recipient_list import OneNumber, RecipientList
from worker.presentation.counts import counted
from worker.presentation.output import Failed, Forbidden, Output, RedisAway
from worker.process.connection import connect


@click.command(cls=Command)
@click.option(
    "--csv",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of recipients.",
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
@click.option(
    "--type",
    "kind",
    type=click.Choice(["sms_premium", "sms_low_cost"]),
    default="sms_premium",
    show_default=True,
    help="Which of the gateway's products; it decides the price.",
)
@click.option("--with-replies", is_flag=True, help="Two-way SMS, mainland France.")
@click.option(
    "--send-at", help="When, such as 2030-01-31T09:00, read in Europe/Paris; until then it can be cancelled."
)
@click.option(
    "--ttl", type=Duration(), help="Never send later than this after now or --send-at: 90m, 12h, 2d."
)
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
    type=Mapped(),
    multiple=True,
    help="Title of another column, such as first_name=Rufname; repeatable.",
)
@region_option
@click.option("--encoding", help="Of the file, if it is neither UTF-8, UTF-16 nor Windows-1252.")
@click.option(
    "--bad-rows",
    type=click.Choice(["refuse", "leave-out"]),
    default="refuse",
    show_default=True,
    help="Queue nothing if a row cannot be texted, or leave such rows out.",
)
@click.option("--dry-run", is_flag=True, help="Show what it becomes and costs, queue nothing; 1 if refused.")
@click.option("--wait", is_flag=True, help="Stay until all have ended, and show how far it is.")
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
    bad_rows: str,
    *,
    dry_run: bool,
    wait: bool,
    **given: Any,
) -> None:
    """Send one text to all numbers of a CSV file, or to one number, nobody twice.

    Run the same command again after whatever cut it short: it goes on where it ended.
    """
    options = _options(**given)
    lists = [each for each in (path, to) if each is not None]
    if len(lists) > 1 or not (lists or dry_run):
        raise click.UsageError("name the recipients with --csv or with --to")
    if len(dict(mapped)) < len(mapped) or (column is not None and NUMBERS in dict(mapped)):
        raise click.UsageError("two columns are named for one thing, with --map or --column")
    try:
        settings = settings_with(region)
        file: RecipientList | None = OneNumber(to) if to is not None else None
        if path is not None:
            file = open_recipients(
                path,
                take_apart(text).variables,
                column=column,
                titles=dict(mapped),
                region=settings.default_region,
                encoding=encoding,
            )
    except (FileProblem, OSError) as error:
        raise Failed(str(error)) from None
    said = (column, sorted(mapped), encoding)
    plan = Plan(output, file, text, options, settings, campaign_id, budget)
    with _said_plainly(plan):
        if campaign_id is not None:
            checked(campaign_id)
        if dry_run:
            look(plan, refused=bad_rows == "refuse")
        elif file is not None:
            if bad_rows == "refuse":
                _refuse_bad_rows(plan, file)
            _queue(plan, file, _named(plan, file, *said), wait=wait)


def _named(plan: Plan, file: RecipientList, *said: object) -> str:
    """The name that a person gave the campaign, or one that is made of all that he said."""
    if plan.campaign_id is not None:
        return plan.campaign_id
    with connect(plan.settings.redis_url) as client:
        return drive(name_campaign(plan.settings, file, plan.text, plan.options, *said), client)


def _options(**given: Any) -> CampaignOptions:
    return CampaignOptions(
        sender=given["sender"],
        purpose=given["purpose"],
        type=given["kind"],
        with_replies=given["with_replies"],
        send_at=given["send_at"] and with_offset(given["send_at"]),
        ttl=given["ttl"],
        zone=given["zone"],
    )


def _refuse_bad_rows(plan: Plan, file: RecipientList) -> None:
    """Check the whole list; ends the command if there are bad rows."""
    bad = BadRows(file)
    with handed_out(file, "checking") as recipients:
        check_campaign(plan.text, recipients, on_invalid=bad, settings=plan.settings, **plan.options)
    bad.tell(plan.output)
    if bad.count:
        raise Failed(why_refused(plan, bad, "; nothing was queued"))


def _queue(plan: Plan, file: RecipientList, campaign_id: str, *, wait: bool) -> None:
    # A second command for the same campaign would be right, but exit status 0 would not.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    output = plan.output
    output.show(f"campaign   {campaign_id}")
    output.show(f"columns    {file.describe()}")
    bad, producer = BadRows(file), Producer(settings=plan.settings)
    try:
        with handed_out(file, "queueing") as recipients:
            campaign = producer.send_campaign(
                *(plan.text, recipients),
                campaign_id=campaign_id,
                on_invalid=bad,
                budget=plan.budget,
                **plan.options,
            )
    except KeyboardInterrupt:
        bad.tell(output)
        output.say(
            "stopped; what is queued will be sent. To go on: the same command again. To stop that, too: "
            f"octopush-worker campaign cancel {campaign_id}"
        )
        sys.exit(130)
    _sum_up(output, campaign, bad)
    ended = follow(output, producer, campaign_id) if wait else None
    output.give(
        {
            "campaign_id": campaign.campaign_id,
            "dry_run": False,
            "recipients": campaign.recipients,
            "messages": campaign.slices,
            "segments": campaign.segments,
            **bad.fields(),
            "created": campaign.created,
            "existing": campaign.existing,
            "suppressed": campaign.suppressed,
            "warnings": campaign.warnings,
            "campaign": ended and fields(ended),
        }
    )
    if ended is not None:
        show_words(output, ended)


def _sum_up(output: Output, campaign: Campaign, bad: BadRows) -> None:
    output.show(f"recipients {campaign.recipients} in {counted(campaign.slices, 'message')}")
    output.show(
        f"queued     {counted(campaign.created, 'message')} now, {campaign.existing} had been queued before"
    )
    if campaign.suppressed:
        output.show(f"           {counted(campaign.suppressed, 'recipient')} {LEFT_OUT}")
    output.show(f"segments   {campaign.segments}, as we count them")
    bad.account_for_rows(output)
    bad.tell(output)
    for warning in campaign.warnings:
        output.say(f"warning    {warning}")
    if bad.count:
        output.say(
            "           once mended, send them from a file of their own: this one, changed, would be a new"
        )
        output.say("           campaign, and everybody in it would be texted again")
    output.show(f"follow     octopush-worker campaign status {campaign.campaign_id}")


@contextmanager
def _said_plainly(plan: Plan) -> Iterator[None]:
    """Turn what may go wrong into one message that says what to do, and an exit code."""
    try:
        yield
    except RequestIdConflict:
        which = f"campaign {plan.campaign_id}" if plan.campaign_id else "this campaign"
        raise Forbidden(
            f"{which} was begun with another file, text or other options; "
            "nothing was queued from the first difference on"
        ) from None
    except CampaignCancelled as error:
        raise Forbidden(f"{error}. To send it after all, give another --campaign") from None
    except OverBudget as error:
        raise Forbidden(
            f"{error}: it and all after it were not queued. To go on: the same command with a larger --budget"
        ) from None
    except (QueueUnavailable, *REDIS_ERRORS):
        raise RedisAway(
            f"Redis at {plan.settings.redis_url} did not answer, or has lost writes: see REDIS_URL. "
            "To go on: the same command again"
        ) from None
    except FileProblem as error:
        raise Failed(f"{error}; the file has changed while it was read") from None
