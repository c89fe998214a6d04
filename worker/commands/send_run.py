"""What ``octopush-worker send`` does once it is known what is sent to whom: check, queue, wait."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from producers.contract.outages import what_is_refused
from producers.contract.scripts import REDIS_ERRORS
from producers.contract.steps import drive
from producers.errors import CampaignCancelled, OverBudget, QueueUnavailable, RequestIdConflict
from producers.producer import Producer
from producers.queueing.campaign_check import check_campaign
from producers.queueing.campaign_status import Campaign
from worker.commands.bad_rows import BadRows
from worker.commands.campaign_cli import LEFT_OUT, fields, follow, show_words
from worker.commands.campaign_name import name_campaign
from worker.commands.mended_rows import mended
from worker.commands.send_plan import Plan, Stay, handed_out, show_mended, why_refused
from worker.commands.send_waiting import follow_message, id_of_one, show_replies
from worker.lists.columns import FileProblem
from worker.lists.recipient_list import OneNumber, RecipientList
from worker.presentation.amounts import amount
from worker.presentation.counts import counted
from worker.presentation.output import Exit, Failed, Forbidden, RedisAway
from worker.process.connection import connect


def carry_out(plan: Plan, file: RecipientList, stay: Stay, *said: object) -> Exit:
    """Queue a plan, and stay as long as is asked for.

    Args:
        plan: what is sent.
        file: to whom.
        stay: how long.
        said: what else a person has said, which makes the name of a campaign that nobody named.

    Returns:
        How the command ends: `Exit.FAILED` if one message was waited for and was not accepted.
    """
    if not plan.leave_out or plan.bad_rows_to is not None:
        _check(plan, file)
    return _queue(plan, file, _named(plan, file, *said), stay)


def _named(plan: Plan, file: RecipientList, *said: object) -> str:
    """The name that a person gave the campaign, or one that is made of all that he said."""
    if plan.campaign_id is not None:
        return plan.campaign_id
    with connect(plan.settings.redis_url) as client:
        return drive(name_campaign(plan.settings, file, plan.text, plan.options, *said), client)


def _check(plan: Plan, file: RecipientList) -> None:
    """Check the whole list before anything is queued; ends the command if bad rows refuse all of it."""
    with mended(file.listed, plan.bad_rows_to) as mending:
        bad = BadRows(file, mending)
        with handed_out(file, "checking") as recipients:
            check_campaign(plan.text, recipients, on_invalid=bad, settings=plan.settings, **plan.options)
    if bad.count and not plan.leave_out:
        bad.tell(plan.output)
        raise Failed(why_refused(plan, bad, "; nothing was queued"))


def _queue(plan: Plan, file: RecipientList, campaign_id: str, stay: Stay) -> Exit:
    # A second command for the same campaign would be right, but exit status 0 would not.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    output = plan.output
    output.show(f"campaign   {campaign_id}")
    if file.listed is not None:
        output.show(f"columns    {file.listed.layout.describe()}")
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
    is_one = isinstance(plan.file, OneNumber) and campaign.slices
    request_id = id_of_one(campaign.campaign_id) if is_one else None
    _sum_up(plan, campaign, bad, request_id)
    return _stay(plan, producer, campaign, bad, stay, request_id)


def _stay(
    plan: Plan, producer: Producer, campaign: Campaign, bad: BadRows, stay: Stay, request_id: str | None
) -> Exit:
    """Wait if that is asked for, sum up for programs, and show replies if they are waited for, too."""
    output, message, ended = plan.output, None, None
    if stay.wait and request_id is not None:
        message = follow_message(output, campaign.campaign_id, request_id)
        ended = producer.campaign_status(campaign.campaign_id)
    elif stay.wait:
        ended = follow(output, producer, campaign.campaign_id)
    output.give(
        _fields(plan, campaign, bad)
        | {"request_id": request_id, "message": message, "campaign": ended and fields(ended)}
    )
    if ended is None:
        return Exit.OK
    if message is not None:
        output.show(f"cost       {amount(ended.cost)}")
    else:
        show_words(output, ended)
    if plan.options["with_replies"] and ended.accepted:
        show_replies(output, ended, stay.replies_s)
    return Exit.FAILED if message is not None and not ended.accepted else Exit.OK


def _fields(plan: Plan, campaign: Campaign, bad: BadRows) -> dict[str, Any]:
    return {
        "campaign_id": campaign.campaign_id,
        "dry_run": False,
        "recipients": campaign.recipients,
        "messages": campaign.slices,
        "segments": campaign.segments,
        **bad.fields(),
        "bad_rows_to": plan.bad_rows_to and str(plan.bad_rows_to),
        "created": campaign.created,
        "existing": campaign.existing,
        "suppressed": campaign.suppressed,
        "warnings": campaign.warnings,
    }


def _sum_up(plan: Plan, campaign: Campaign, bad: BadRows, request_id: str | None) -> None:
    output = plan.output
    if request_id is not None:
        before = "had been queued before; it is not sent again. To send it once more: another --campaign"
        output.show(f"message    {request_id}, {'queued now' if campaign.created else before}")
    else:
        now = counted(campaign.created, "message")
        output.show(f"recipients {campaign.recipients} in {counted(campaign.slices, 'message')}")
        output.show(f"queued     {now} now, {campaign.existing} had been queued before")
    if campaign.suppressed:
        output.show(f"           {counted(campaign.suppressed, 'recipient')} {LEFT_OUT}")
    output.show(f"segments   {campaign.segments}, as we count them")
    bad.account_for_rows(output)
    bad.tell(output)
    for warning in campaign.warnings:
        output.say(f"warning    {warning}")
    show_mended(plan, bad)
    output.show(f"follow     octopush-worker campaign status {campaign.campaign_id}")


@contextmanager
def said_plainly(plan: Plan) -> Iterator[None]:
    """Turn what may go wrong into one message that says what to do, and an exit code."""
    try:
        yield
    except RequestIdConflict:
        which = f"campaign {plan.campaign_id}" if plan.campaign_id else "this campaign"
        raise Forbidden(
            f"{which} was begun with another file, text or other options; "
            "nothing was queued from the first difference on. To send this one, give another --campaign"
        ) from None
    except CampaignCancelled as error:
        which = f"campaign {error.campaign_id}"
        raise Forbidden(
            f"{which} was cancelled, for good. To send it after all, give another --campaign"
        ) from None
    except OverBudget as error:
        raise Forbidden(
            f"{error}: it and all after it were not queued. To go on: the same command with a larger --budget"
        ) from None
    except (QueueUnavailable, *REDIS_ERRORS) as error:
        if what_is_refused(error):
            raise
        raise RedisAway(
            f"Redis at {plan.settings.redis_url} did not answer, or has lost writes: see REDIS_URL. "
            "To go on: the same command again"
        ) from None
    except FileProblem as error:
        raise Failed(f"{error}; the file has changed while it was read") from None
