"""``octopush-worker campaign``: which there are, where one stands; pause, resume and cancel it."""

import re
import sys
import time
from typing import Any, Final, TypeVar

import click

from producers.contract.jobs import ENDS
from producers.errors import QueueUnavailable
from producers.producer import Producer
from producers.queueing.campaign_status import CampaignStatus
from worker.commands.command import Command, Group, at_desk, with_producer
from worker.inquiry.campaigns import due_of, newest, word_of
from worker.inquiry.dates import in_paris
from worker.presentation.amounts import amount
from worker.presentation.counts import counted
from worker.presentation.output import Forbidden, NotFound, Output
from worker.presentation.visible import visible

T = TypeVar("T")

#: Seconds between two looks while following, and between two lines where there is no terminal.
_LOOK_S: Final = 0.5
_LINE_S: Final = 10.0


@click.group(cls=Group)
def campaign() -> None:
    """List campaigns; look at one, pause, resume or cancel it."""


@campaign.command("list", cls=Command)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--uploading", is_flag=True, help="Only those that wait for the rest of their upload.")
@click.pass_obj
def list_campaigns(output: Output, limit: int, *, uploading: bool) -> None:
    """Show the campaigns that began last, the newest first."""
    found: list[CampaignStatus] = []
    cursor: str | None = None
    with at_desk() as desk:
        while len(found) <= limit:
            page = desk.ask(newest(desk.keys, desk.hours, cursor, uploading=uploading))
            found += page.rows
            cursor = page.cursor
            if cursor is None:
                break
    output.give({"campaigns": [fields(each) for each in found[:limit]], "more": len(found) > limit})
    for each in found[:limit]:
        began = in_paris(each.started_at) if each.started_at else " " * 25
        output.show(f"{began}  {each.campaign_id}: {_words_of(each)}; {_line(each)}")
    if not found:
        output.remark("no campaigns")
    elif len(found) > limit:
        output.say(f"… and older ones: {'--uploading ' if uploading else ''}--limit {10 * limit}")


@campaign.command(cls=Command)
@click.argument("campaign_id")
@click.option("--wait", is_flag=True, help="Stay until all have ended.")
@click.pass_obj
def status(output: Output, campaign_id: str, *, wait: bool) -> None:
    """Show how many recipients of a campaign are where, and what it has cost so far."""
    with with_producer() as producer, at_desk() as desk:
        if wait:
            found = follow(output, producer, campaign_id)
        else:
            found = _known(producer.campaign_status(campaign_id), campaign_id)
        due = desk.ask(due_of(desk.keys, campaign_id))
    output.give(fields(found) | {"due_at": due})
    show_words(output, found)
    if due is not None:
        output.show(f"{'due':<10} {in_paris(due)}")


@campaign.command(cls=Command)
@click.argument("campaign_id")
@click.pass_obj
def pause(output: Output, campaign_id: str) -> None:
    """Let no further attempt of a campaign begin; what is being sent comes to its end."""
    with with_producer() as producer:
        _refuse(campaign_id, producer.pause_campaign(campaign_id))
    output.give({"campaign_id": campaign_id, "state": "paused"})
    output.show("paused")
    output.say(f"to go on: octopush-worker campaign resume {campaign_id}")


@campaign.command(cls=Command)
@click.argument("campaign_id")
@click.pass_obj
def resume(output: Output, campaign_id: str) -> None:
    """Let a paused campaign go on."""
    with with_producer() as producer:
        verdict = producer.resume_campaign(campaign_id)
    _refuse(campaign_id, verdict)
    output.give({"campaign_id": campaign_id, "state": verdict})
    output.show("resumed" if verdict == "resumed" else "paused again by somebody else meanwhile")


@campaign.command(cls=Command)
@click.argument("campaign_id")
@click.pass_obj
def cancel(output: Output, campaign_id: str) -> None:
    """Cancel all of a campaign that has not left, for good. Safe to repeat."""
    with with_producer() as producer:
        result = _known(producer.cancel_campaign(campaign_id), campaign_id)
        if result.done:
            _refuse(campaign_id, "done")
        found = producer.campaign_status(campaign_id)
    output.give(
        {
            "campaign_id": campaign_id,
            "cancelled": result.cancelled,
            "too_late": result.too_late,
            "campaign": found and fields(found),
        }
    )
    output.show(f"messages   {result.cancelled} cancelled, too late for {result.too_late}")
    if found is not None:
        show_words(output, found)


def follow(output: Output, producer: Producer, campaign_id: str) -> CampaignStatus:
    """Show how far a campaign is until all of it has ended, or Ctrl-C; on stderr if programs read stdout.

    Raises:
        NotFound: it is unknown.
        SystemExit: with status 130, after Ctrl-C.
    """
    live, printed, line = sys.stdout.isatty() and not output.as_json, 0.0, ""
    try:
        while True:
            try:
                found = _known(producer.campaign_status(campaign_id), campaign_id)
            except QueueUnavailable:
                time.sleep(_LOOK_S)
                continue
            before, line = line, _line(found, mark=" PAUSED" if found.paused and not found.stopped else "")
            if live:
                click.echo(f"\r\033[K{visible(line)}", nl=False, color=True)
            elif line != before and (found.done or time.monotonic() - printed > _LINE_S):
                output.say(line) if output.as_json else output.show(line)
                printed = time.monotonic()
            if found.done:
                break
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        output.say(f"it goes on without us; to look: octopush-worker campaign status {campaign_id}")
        sys.exit(130)
    if live:
        click.echo()
    return found


def fields(found: CampaignStatus) -> dict[str, Any]:
    """Name what is known of a campaign, for programs."""
    return {
        "campaign_id": found.campaign_id,
        "state": word_of(found),
        "done": found.done,
        "complete": found.complete,
        "recipients": found.recipients,
        "pending": found.pending,
        **_ended(found),
        "suppressed": found.suppressed,
        "aside": found.aside,
        "waits_for": found.waits_for,
        "held": found.holds,
        "cost": found.cost,
        "started_at": found.started_at,
        "queued_at": found.completed_at,
    }


#: Why recipients of a campaign get nothing although their rows are right.
LEFT_OUT: Final = "left out: they want no more SMS, or have not agreed to any"
_STATES: Final = {
    "paused": "PAUSED",
    "uploading": "uploading; nothing leaves before the application says that all parts are there",
}


def _words_of(found: CampaignStatus) -> str:
    """Say where a campaign stands, for people; of one that sends also whether all of it is queued."""
    state = word_of(found)
    if state == "sending" and not found.complete:
        return "sending; not queued to its end: a send is at work, or was cut short"
    return _STATES.get(state, state)


def show_words(output: Output, found: CampaignStatus) -> None:
    """Print where a campaign stands for people."""
    output.show(f"campaign   {found.campaign_id}: {_words_of(found)}")
    output.show(f"recipients {found.recipients}, pending {found.pending}")
    output.show("           " + ", ".join(f"{name} {count}" for name, count in _ended(found).items()))
    if found.suppressed:
        output.show(f"           of those cancelled {found.suppressed} {LEFT_OUT}")
    if found.waits_for:
        output.show(f"aside      {counted(found.aside, 'message')} {_wait(found)}: {found.waits_for[0]}")
    for why in found.waits_for[1:]:
        output.show(f"           and: {why}")
    for hold in found.holds:
        output.show(f"held       {counted(hold.messages, 'message')} {hold.words}")
    output.show(f"cost       {amount(found.cost)}")
    for name, when in (("started", found.started_at), ("queued", found.completed_at)):
        if when is not None:
            output.show(f"{name:<10} {in_paris(when)}")


def _line(found: CampaignStatus, mark: str = "") -> str:
    told = [f"{name} {count}" for name, count in _ended(found).items() if count]
    ended = found.recipients - found.pending
    # Short, since it is drawn over itself: a line that wraps cannot be.
    why = re.split("[:;]", found.waits_for[0])[0] if found.waits_for else ""
    aside = f"; {found.aside} {_wait(found)}: {why}" if why else ""
    aside += f"; {found.holds[0].words.split(',')[0]}" if found.holds else ""
    told_or_none = ", ".join(told) or "none ended yet"
    return f"{ended}/{found.recipients}{mark}: {told_or_none}; cost {amount(found.cost)}{aside}"


def _wait(found: CampaignStatus) -> str:
    return "waits" if found.aside == 1 else "wait"


def _ended(found: CampaignStatus) -> dict[str, int]:
    return {state: getattr(found, state) for state in ENDS}


def _refuse(campaign_id: str, verdict: str) -> None:
    if verdict == "done":
        raise Forbidden(f"campaign {campaign_id} is done: all of it has ended; nothing was changed")
    if verdict == "stopped":
        raise Forbidden(f"campaign {campaign_id} was cancelled; nothing was changed")
    _known(None if verdict == "unknown_id" else verdict, campaign_id)


def _known(found: T | None, campaign_id: str) -> T:
    if found is None:
        raise NotFound(f'no campaign "{campaign_id}", or it has been forgotten')
    return found
