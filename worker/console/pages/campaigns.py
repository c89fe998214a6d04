"""Campaigns: how far they are, what they cost, what was heard of them; pause, resume, cancel."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from producers.errors import InvalidMessage
from producers.queueing.campaign_status import CampaignStatus
from producers.queueing.campaigns import checked
from worker.console.listing import address, cursor_of, older, panel, read
from worker.console.page import Page, Visit
from worker.console.pages.money import PROBLEM, budget_set
from worker.console.refusals import Refusal, not_found, too_late
from worker.inquiry import campaigns, money
from worker.inquiry.code_words import meaning_of
from worker.presentation.counts import counted


async def show(visit: Visit) -> Response:
    """Show the campaigns that began last."""
    page = await read(visit, campaigns.newest(visit.keys, visit.office.hours, cursor_of(visit)))
    return visit.render(
        "campaigns.html",
        page=page,
        older=older("/campaigns", page.cursor),
        newest=address("/campaigns") if cursor_of(visit) else "",
        state_of=state_of,
    )


async def show_one(visit: Visit) -> Response:
    """Show one campaign, its budget and its slices."""
    status = await _find(visit)
    return await _render(visit, status, {})


async def _render(visit: Visit, status: CampaignStatus, problems: Mapping[str, str]) -> Response:
    here = f"/campaigns/{status.campaign_id}"
    slices = (await panel(visit, campaigns.slices(visit.keys, status, cursor_of(visit)))).value
    return visit.render(
        "campaign.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        budget=await visit.panel(money.read_campaign_budget(visit.keys, status.campaign_id)),
        problems=problems,
        written=visit.form.get("euros", ""),
        campaign=status,
        state=state_of(status),
        slices=slices,
        older=older(here, slices.cursor if slices else None),
        newest=address(here) if cursor_of(visit) else "",
        meaning=meaning_of,
    )


async def pause(visit: Visit) -> Response:
    """Let no further attempt begin."""
    status = await _find(visit)
    if status.paused or status.stopped or status.done:
        raise _changed(status)
    await visit.audit("campaign_pause", campaign=status.campaign_id)
    outcome = await visit.office.producer.pause_campaign(status.campaign_id)
    if outcome != "paused":
        raise _changed(await _find(visit))
    return await visit.done(_path(status), "The campaign is paused.")


async def resume(visit: Visit) -> Response:
    """Let a paused campaign go on."""
    status = await _find(visit)
    if status.stopped or not (status.paused or status.waiting):
        raise _changed(status)
    await visit.audit("campaign_resume", campaign=status.campaign_id)
    outcome = await visit.office.producer.resume_campaign(status.campaign_id)
    if outcome != "resumed":
        raise _changed(await _find(visit))
    return await visit.done(_path(status), "The campaign goes on.")


async def cancel(visit: Visit) -> Response:
    """Stop a campaign for good, and cancel all of it that has not left."""
    status = await _find(visit)
    if status.stopped or status.done:
        raise _changed(status)
    await visit.audit("campaign_cancel", campaign=status.campaign_id)
    outcome = await visit.office.producer.cancel_campaign(status.campaign_id)
    if outcome is None:
        raise not_found("This campaign is forgotten.", "/campaigns")
    if outcome.done:
        raise _changed(await _find(visit))
    never = counted(outcome.cancelled, "slice never leaves", "slices never leave")
    words = f"Cancelled: {never}, {outcome.too_late:,} had left or ended."
    return await visit.done(_path(status), words)


async def change_budget(visit: Visit) -> Response:
    """Set what a campaign may cost; a run that was cut short for it has to be started again."""
    status = await _find(visit)
    words = await budget_set(visit, f"campaign:{status.campaign_id}")
    return await visit.done(_path(status), words) if words else await _render(visit, status, PROBLEM)


def state_of(status: CampaignStatus) -> tuple[str, str]:
    """Say how a campaign is, as kind and word for ``ui.state``."""
    word = campaigns.word_of(status)
    return _KINDS[word], word


#: The shape and colour of each word.
_KINDS: Final = {"uploading": "wait", "sending": "wait", "paused": "wait", "cancelled": "plain", "done": "ok"}


async def _find(visit: Visit) -> CampaignStatus:
    """Read the campaign that the address names.

    Raises:
        Refusal: there is none.
    """
    try:
        status = await visit.ask(
            campaigns.find(visit.keys, visit.office.hours, checked(visit.request.path_params["campaign_id"]))
        )
    except InvalidMessage:
        status = None
    if status is None:
        raise not_found("This campaign is unknown, or forgotten.", "/campaigns")
    return status


def _changed(status: CampaignStatus) -> Refusal:
    return too_late(state_of(status)[1], _path(status))


def _path(status: CampaignStatus) -> str:
    return address(f"/campaigns/{status.campaign_id}")


PAGES: Final = (
    Page("/campaigns", show),
    Page("/campaigns/{campaign_id}", show_one),
    Page("/campaigns/{campaign_id}/pause", pause, method="POST", role="operator"),
    Page("/campaigns/{campaign_id}/resume", resume, method="POST", role="operator"),
    Page("/campaigns/{campaign_id}/cancel", cancel, method="POST", role="operator"),
    Page("/campaigns/{campaign_id}/budget", change_budget, method="POST", role="operator"),
)
