"""Campaigns that are uploaded in parts: begun, completed, looked at, paused, resumed, cancelled."""

from typing import Any, Final, get_args

import msgspec

from producers.contract.jobs import ENDS
from producers.contract.receipts import DeliveryState
from producers.errors import InvalidMessage
from producers.queueing.campaign_status import CampaignStatus
from producers.queueing.campaigns import Slicer, checked
from producers.queueing.uploads import Upload, canonical
from worker.api.call import Answer, Call
from worker.api.campaign_shapes import CampaignAnswer, CampaignCancelAnswer, HoldAnswer
from worker.api.message_fields import OPTIONS, note_fields, read_options
from worker.api.messages import moment, when
from worker.api.problems import Refusal
from worker.api.shapes import money
from worker.inquiry.campaigns import word_of

PARTS_MAX: Final = 100_000
_DELIVERIES: Final = get_args(DeliveryState)


async def put_campaign(call: Call) -> Answer:
    """Begin a campaign; 200 if it was begun already."""
    campaign_id = call.path["id"]
    if not _is_id(campaign_id):
        call.wrong.parameter("id", "must be 1 to 24 letters, digits or -_.")
    definition, waits = _definition(call)
    call.refuse()
    begun = await call.desk.do(call.desk.uploads.begin(campaign_id, canonical(definition), waits=waits))
    if begun == "conflict":
        raise Refusal("campaign-conflict")
    if begun == "stopped":
        raise Refusal("campaign-cancelled")
    return Answer(await _answer(call), 201 if begun == "created" else 200)


async def get_campaign(call: Call) -> Answer:
    """Say where a campaign stands, and which part is to come."""
    return Answer(await _answer(call))


async def complete_campaign(call: Call) -> Answer:
    """Say that all parts are there; what waited for that may leave."""
    parts = call.members("parts").integer("parts", 0, PARTS_MAX)
    if "parts" not in call.body:
        call.wrong.body("#/parts", "is required")
    call.refuse()
    verdict = await call.desk.ask(call.desk.uploads.complete(_named(call), parts or 0))
    if verdict == "unknown_id":
        raise Refusal("unknown-campaign")
    if verdict == "stopped":
        raise Refusal("campaign-cancelled")
    if verdict == "missing":
        upload = await call.desk.ask(call.desk.uploads.read(call.path["id"]))
        raise Refusal("parts-missing", next_part=upload.next_part if upload else None)
    return Answer(await _answer(call))


async def pause_campaign(call: Call) -> Answer:
    """Let no further attempt of a campaign begin. Safe to repeat."""
    return await _halted(call, await call.desk.ask(call.desk.campaigns.pause(_named(call))))


async def resume_campaign(call: Call) -> Answer:
    """Let a paused campaign go on. Safe to repeat; must be, if it was cut short."""
    return await _halted(call, await call.desk.ask(call.desk.campaigns.resume(_named(call))))


async def cancel_campaign(call: Call) -> Answer:
    """Cancel all of a campaign that has not left. Safe to repeat; must be, if it was cut short."""
    found = await call.desk.ask(call.desk.campaigns.cancel(_named(call)))
    if found is None:
        raise Refusal("unknown-campaign")
    if found.done:
        raise Refusal("campaign-complete", "all of it has ended")
    return Answer(CampaignCancelAnswer(call.path["id"], "cancelled", found.cancelled, found.too_late))


def _definition(call: Call) -> tuple[dict[str, Any], bool]:
    """Read and check what all messages have in common; say whether they wait for the last part."""
    members = call.members("text", *OPTIONS, "start", "on_invalid", "budget")
    text, options = members.text("text") or "", read_options(members)
    start = members.choice("start", ("on_complete", "at_once"))
    on_invalid = members.choice("on_invalid", ("refuse", "leave_out"))
    budget = members.text("budget", nullable=True)
    try:
        Slicer(text, options, "checked", settings=call.desk.settings, budget=budget)  # type: ignore[arg-type]
    except InvalidMessage as error:
        note_fields(error.fields, call.body, "#", call.wrong)
    ttl, send_at = options.pop("ttl"), options["send_at"]
    definition = {
        **options,
        "text": text,
        "start": start,
        "on_invalid": on_invalid,
        "budget": budget,
        "ttl_s": None if ttl is None else int(ttl.total_seconds()),
        "send_at": None if send_at is None else moment(send_at),
        "app": call.desk.app,
    }
    return definition, start == "on_complete"


async def _halted(call: Call, verdict: str) -> Answer:
    if verdict == "unknown_id":
        raise Refusal("unknown-campaign")
    if verdict == "stopped":
        raise Refusal("campaign-cancelled")
    if verdict == "done":
        raise Refusal("campaign-complete", "all of it has ended")
    return Answer(await _answer(call))


async def _answer(call: Call) -> CampaignAnswer:
    campaign_id = _named(call)
    upload = await call.desk.ask(call.desk.uploads.read(campaign_id))
    status = await call.desk.ask(call.desk.campaigns.status(campaign_id))
    if status is None:
        raise Refusal("unknown-campaign")
    return _told(status, upload)


def _told(status: CampaignStatus, upload: Upload | None) -> CampaignAnswer:
    is_uploading = upload is not None and not upload.complete and not status.stopped
    definition = msgspec.json.decode(upload.definition) if upload else {}
    return CampaignAnswer(
        campaign_id=status.campaign_id,
        state="uploading" if is_uploading else word_of(status),
        done=status.done,
        complete=upload.complete if upload else status.complete,
        start=definition.get("start"),
        next_part=upload.next_part if upload else None,
        recipients=status.recipients,
        pending=status.pending,
        ends={name: getattr(status, name) for name in ENDS},
        deliveries={name: getattr(status, name) for name in _DELIVERIES},
        receipts_missing=status.receipts_missing,
        suppressed=status.suppressed,
        cost=money(status.cost) or "0",
        slices=status.slices,
        waits_for=list(status.waits_for),
        holds=[HoldAnswer(each.messages, each.reason, moment(each.until)) for each in status.holds],
        started_at=when(status.started_at),
        completed_at=when(status.completed_at),
    )


def _named(call: Call) -> str:
    campaign_id = call.path["id"]
    if not _is_id(campaign_id):
        raise Refusal("unknown-campaign")
    return campaign_id


def _is_id(campaign_id: str) -> bool:
    try:
        return checked(campaign_id) not in {".", ".."}
    except InvalidMessage:
        return False
