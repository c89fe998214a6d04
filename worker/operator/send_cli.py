"""``octopush-worker send``: a campaign from a CSV file, safe to run again."""

import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from producers.contract.settings import ProducerSettings
from producers.errors import CampaignCancelled, QueueUnavailable, RequestIdConflict
from producers.messages.message import CampaignOptions
from producers.messages.template import take_apart
from producers.producer import Producer
from producers.queueing.campaign_status import Campaign
from producers.queueing.campaigns import check_campaign, checked
from worker.inquiry.dates import with_offset
from worker.operator.bad_rows import BadRows
from worker.operator.campaign_cli import fields, follow, show_words
from worker.operator.command import Command
from worker.operator.option_types import Duration, Mapped
from worker.operator.recipient_columns import NUMBERS, FileProblem
from worker.operator.recipient_file import RecipientFile, open_recipients
from worker.presentation.counts import counted
from worker.presentation.output import Failed, Forbidden, Output, RedisAway


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one command is to send, and where it says so."""

    output: Output
    file: RecipientFile
    text: str
    options: CampaignOptions
    settings: ProducerSettings
    campaign_id: str


@click.command(cls=Command)
@click.option("--csv", "path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
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
@click.option("--type", "kind", type=click.Choice(["sms_premium", "sms_low_cost"]), default="sms_premium")
@click.option("--with-replies", is_flag=True, help="Two-way SMS, mainland France.")
@click.option(
    "--send-at", help="When, such as 2030-01-31T09:00, read in Europe/Paris; until then it can be cancelled."
)
@click.option(
    "--ttl", type=Duration(), help="Never send later than this after now or --send-at: 90m, 12h, 2d."
)
@click.option("--campaign", "campaign_id", help="Its id; made of file, text and options unless given.")
@click.option("--column", help="Title of the column of the numbers, if it is not found.")
@click.option(
    "--map",
    "mapped",
    type=Mapped(),
    multiple=True,
    help="Title of another column, such as first_name=Rufname; repeatable.",
)
@click.option("--region", help="Country whose national numbers are read, such as FR; else DEFAULT_REGION.")
@click.option("--encoding", help="Of the file, if it is neither UTF-8, UTF-16 nor Windows-1252.")
@click.option(
    "--bad-rows",
    type=click.Choice(["refuse", "leave-out"]),
    default="refuse",
    show_default=True,
    help="Queue nothing if a row cannot be texted, or leave such rows out.",
)
@click.option("--dry-run", is_flag=True, help="Check and count everything, queue nothing.")
@click.option("--wait", is_flag=True, help="Stay until all have ended, and show how far it is.")
@click.pass_obj
def send(
    output: Output,
    /,
    path: Path,
    text: str,
    campaign_id: str | None,
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
    """Send one text to all numbers of a CSV file, nobody twice.

    Run the same command again after whatever cut it short: it goes on where it ended.
    """
    options = _options(**given)
    if len(dict(mapped)) < len(mapped) or (column is not None and NUMBERS in dict(mapped)):
        raise click.UsageError("two columns are named for one thing, with --map or --column")
    try:
        settings = ProducerSettings.from_env(os.environ).with_region(region and region.upper())
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
    plan = _Plan(
        output,
        file,
        text,
        options,
        settings,
        campaign_id or _derived(file, text, options, column, sorted(mapped), encoding),
    )
    with _said_plainly(plan):
        checked(plan.campaign_id)
        if dry_run or bad_rows == "refuse":
            _look_first(plan, refused=bad_rows == "refuse", dry_run=dry_run)
        if not dry_run:
            _queue(plan, wait=wait)


def _options(**given: Any) -> CampaignOptions:
    return CampaignOptions(
        sender=given["sender"],
        purpose=given["purpose"],
        type=given["kind"],
        with_replies=given["with_replies"],
        send_at=given["send_at"] and with_offset(given["send_at"]),
        ttl=given["ttl"],
    )


def _derived(file: RecipientFile, text: str, options: CampaignOptions, *said: object) -> str:
    """Name a campaign after all that a person has said, so that the same command names the same one.

    What was found out, such as the layout of the file, and the region stay out: should the file be read in
    another way the next time, the ledger refuses it, where another name would text everybody again.
    """
    whole = msgspec.json.encode([file.digest, *said, text, sorted(options.items())])
    return "csv-" + hashlib.sha256(whole).hexdigest()[:24]


def _look_first(plan: _Plan, *, refused: bool, dry_run: bool) -> None:
    """Check the whole file; ends the command if there are bad rows and they are to be refused."""
    bad = BadRows(plan.file)
    with _progress(plan.file, "checking") as recipients:
        check = check_campaign(
            *(plan.text, recipients),
            on_invalid=bad,
            allow_spaces=plan.settings.sender_allow_spaces,
            default_region=plan.settings.default_region,
            **plan.options,
        )
    output = plan.output
    if dry_run:
        output.give(
            {
                "campaign_id": plan.campaign_id,
                "dry_run": True,
                "recipients": check.recipients,
                "messages": check.slices,
                "segments": check.segments,
                **bad.fields(),
            }
        )
        output.show(f"campaign   {plan.campaign_id} (a dry run: nothing was queued)")
        output.show(f"columns    {plan.file.layout.describe()}")
        output.show(f"recipients {check.recipients} in {counted(check.slices, 'message')}")
        output.show(f"segments   {check.segments}, as we count them")
        bad.account_for_rows(output)
    bad.tell(output)
    if bad.count and refused:
        why = f"{bad.count} of {counted(plan.file.rows, 'row')} cannot be texted"
        advice = "Mend them, or leave them out with --bad-rows leave-out"
        if not dry_run:
            raise Failed(f"{why}; nothing was queued. {advice}")
        output.say(f"without --dry-run this would be refused: {why}. {advice}")


def _queue(plan: _Plan, *, wait: bool) -> None:
    # A second command for the same campaign would be right, but exit status 0 would not.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    output = plan.output
    output.show(f"campaign   {plan.campaign_id}")
    output.show(f"columns    {plan.file.layout.describe()}")
    bad, producer = BadRows(plan.file), Producer(settings=plan.settings)
    try:
        with _progress(plan.file, "queueing") as recipients:
            campaign = producer.send_campaign(
                *(plan.text, recipients), campaign_id=plan.campaign_id, on_invalid=bad, **plan.options
            )
    except KeyboardInterrupt:
        bad.tell(output)
        output.say(
            "stopped; what is queued will be sent. To go on: the same command again. To stop that, too: "
            f"octopush-worker campaign cancel {plan.campaign_id}"
        )
        sys.exit(130)
    _sum_up(output, campaign, bad)
    ended = follow(output, producer, plan.campaign_id) if wait else None
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
    output.show(f"segments   {campaign.segments}, as we count them")
    bad.account_for_rows(output)
    bad.tell(output)
    if bad.count:
        output.say(
            "           once mended, send them from a file of their own: this one, changed, would be a new"
        )
        output.say("           campaign, and everybody in it would be texted again")
    output.show(f"follow     octopush-worker campaign status {campaign.campaign_id}")


@contextmanager
def _progress(file: RecipientFile, label: str) -> Iterator[Any]:
    """Hand out the recipients; on a terminal, show how many."""
    if not sys.stderr.isatty():
        yield file.recipients()
        return
    with click.progressbar(
        file.recipients(), file.rows, f"{label:<10}", update_min_steps=500, file=sys.stderr
    ) as bar:
        yield bar


@contextmanager
def _said_plainly(plan: _Plan) -> Iterator[None]:
    """Turn what may go wrong into one message that says what to do, and an exit code."""
    try:
        yield
    except RequestIdConflict:
        raise Forbidden(
            f"campaign {plan.campaign_id} was begun with another file, text or other options; "
            "nothing was queued from the first difference on"
        ) from None
    except CampaignCancelled as error:
        raise Forbidden(f"{error}. To send it after all, give another --campaign") from None
    except QueueUnavailable:
        raise RedisAway(
            f"Redis at {plan.settings.redis_url} did not answer, or has lost writes: see REDIS_URL. "
            "To go on: the same command again"
        ) from None
    except FileProblem as error:
        raise Failed(f"{error}; the file has changed while it was read") from None
