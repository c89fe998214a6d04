"""``octopush-worker campaign``: where a campaign stands; pause, resume and cancel it."""

import os
import re
import sys
import time
from collections.abc import Callable
from typing import Final, TypeVar

import click

from producers.contract.jobs import ENDS
from producers.contract.settings import ProducerSettings
from producers.errors import ConfigError, InvalidMessage, QueueUnavailable
from producers.producer import Producer
from producers.queueing.campaign_status import CampaignStatus

T = TypeVar("T")

#: Seconds between two looks while following, and between two lines where there is no terminal.
_LOOK_S: Final = 0.5
_LINE_S: Final = 10.0


@click.group()
def campaign() -> None:
    """Look at a campaign, pause, resume or cancel it."""


@campaign.command()
@click.argument("campaign_id")
@click.option("--wait", is_flag=True, help="Stay until all have ended.")
def status(campaign_id: str, *, wait: bool) -> None:
    """Show how many recipients of a campaign are where, and what it has cost so far."""
    if wait:
        _with_producer(lambda sms: follow(sms, campaign_id))
        return
    _show(_known(_with_producer(lambda sms: sms.campaign_status(campaign_id)), campaign_id))


@campaign.command()
@click.argument("campaign_id")
def pause(campaign_id: str) -> None:
    """Let no further attempt of a campaign begin; what is being sent comes to its end."""
    verdict = _with_producer(lambda sms: sms.pause_campaign(campaign_id))
    _refuse(campaign_id, verdict)
    click.echo(f"paused; to go on: octopush-worker campaign resume {campaign_id}")


@campaign.command()
@click.argument("campaign_id")
def resume(campaign_id: str) -> None:
    """Let a paused campaign go on."""
    verdict = _with_producer(lambda sms: sms.resume_campaign(campaign_id))
    _refuse(campaign_id, verdict)
    click.echo("resumed" if verdict == "resumed" else "paused again by somebody else meanwhile")


@campaign.command()
@click.argument("campaign_id")
def cancel(campaign_id: str) -> None:
    """Cancel all of a campaign that has not left, for good. Safe to repeat."""
    result = _known(_with_producer(lambda sms: sms.cancel_campaign(campaign_id)), campaign_id)
    click.echo(f"cancelled  {result.cancelled} messages; too late for {result.too_late}")
    found = _with_producer(lambda sms: sms.campaign_status(campaign_id))
    if found is not None:
        _show(found)


def follow(producer: Producer, campaign_id: str) -> None:
    """Show a campaign's status until all of it has ended, or Ctrl-C.

    Raises:
        click.ClickException: it is unknown.
        SystemExit: with status 130, after Ctrl-C.
    """
    live, printed, line = sys.stdout.isatty(), 0.0, ""
    try:
        while True:
            try:
                found = _known(producer.campaign_status(campaign_id), campaign_id)
            except QueueUnavailable:
                time.sleep(_LOOK_S)
                continue
            before, line = line, _line(found)
            if live:
                click.echo(f"\r\033[K{line}", nl=False)
            elif line != before and (found.done or time.monotonic() - printed > _LINE_S):
                click.echo(line)
                printed = time.monotonic()
            if found.done:
                break
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        click.echo(
            f"\nit goes on without us; to look: octopush-worker campaign status {campaign_id}", err=True
        )
        sys.exit(130)
    if live:
        click.echo()
    _show(found)


def _show(found: CampaignStatus) -> None:
    state = (
        "cancelled"
        if found.stopped
        else "PAUSED"
        if found.paused
        else "done"
        if found.done
        else "going on"
        if found.complete
        else "not queued to its end: a send is at work, or was cut short"
    )
    click.echo(f"campaign   {found.campaign_id}: {state}")
    click.echo(f"recipients {found.recipients}, pending {found.pending}")
    click.echo("           " + ", ".join(f"{name} {count}" for name, count in _ended(found).items()))
    if found.waits_for:
        click.echo(f"aside      {found.aside} messages wait: {found.waits_for[0]}")
    for why in found.waits_for[1:]:
        click.echo(f"           and: {why}")
    click.echo(f"cost       {found.cost:f}")
    for name, when in (("started", found.started_at), ("queued", found.completed_at)):
        if when is not None:
            click.echo(f"{name:<10} {when:%Y-%m-%d %H:%M:%S} UTC")


def _line(found: CampaignStatus) -> str:
    told = [f"{name} {count}" for name, count in _ended(found).items() if count]
    mark = " PAUSED" if found.paused and not found.stopped else ""
    ended = found.recipients - found.pending
    # Short, since it is drawn over itself: a line that wraps cannot be.
    why = re.split("[:;]", found.waits_for[0])[0] if found.waits_for else ""
    aside = f"; {found.aside} wait: {why}" if why else ""
    told_or_none = ", ".join(told) or "none ended yet"
    return f"{ended}/{found.recipients}{mark}: {told_or_none}; cost {found.cost:f}{aside}"


def _ended(found: CampaignStatus) -> dict[str, int]:
    return {state: getattr(found, state) for state in ENDS}


def _refuse(campaign_id: str, verdict: str) -> None:
    if verdict == "stopped":
        raise click.ClickException(f"campaign {campaign_id} was cancelled; nothing was changed")
    _known(None if verdict == "unknown_id" else verdict, campaign_id)


def _known(found: T | None, campaign_id: str) -> T:
    if found is None:
        raise click.ClickException(f"no campaign {campaign_id}, or it has been forgotten")
    return found


def _with_producer(work: Callable[[Producer], T]) -> T:
    try:
        settings = ProducerSettings.from_env(os.environ)
        producer = Producer(settings=settings)
        try:
            return work(producer)
        finally:
            producer.close()
    except (ConfigError, InvalidMessage) as error:
        raise click.ClickException(str(error)) from None
    except QueueUnavailable:
        raise click.ClickException(
            f"Redis at {settings.redis_url} did not answer: see REDIS_URL, and repeat the command"
        ) from None
