"""The shapes of campaigns: bodies and answers."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from worker.api.shapes import LeftOut, Money, OnInvalid, Options, Recipients, StateWord, Text, Time


class CampaignBody(Options, forbid_unknown_fields=True, kw_only=True):
    """What all messages of a campaign have in common. `budget`: euros that it may cost."""

    text: Text
    sender: Annotated[str, Meta(description="3 to 11 letters and digits.", examples=["Bistro"])]
    start: Literal["on_complete", "at_once"] = "on_complete"
    on_invalid: OnInvalid = "refuse"
    budget: Annotated[str, Meta(description="A decimal number above 0.", examples=["25.00"])] | None = None


class PartBody(Struct, forbid_unknown_fields=True):
    """Recipients of a campaign: exactly 500, but 1 to 499 in the last part."""

    recipients: Recipients


class CompleteBody(Struct, forbid_unknown_fields=True):
    """How many parts there are."""

    parts: Annotated[int, Meta(ge=0, le=100_000)]


class PartAnswer(Struct):
    """A part that is queued. `left_out` names recipients by their index in the part."""

    part: int
    next_part: int
    request_ids: list[str]
    recipients: int
    left_out: list[LeftOut]


class HoldAnswer(Struct):
    """Messages of a campaign that are held until a time."""

    messages: int
    reason: str
    until: Time


class CampaignAnswer(Struct):
    """Where a campaign stands. Numbers count recipients, but `slices` counts messages."""

    campaign_id: str
    state: Annotated[str, Meta(examples=["uploading", "sending", "paused", "cancelled", "done"])]
    done: bool
    complete: bool
    start: str | None
    next_part: int | None
    recipients: int
    pending: int
    ends: dict[str, int]
    deliveries: dict[str, int]
    receipts_missing: int
    suppressed: int
    cost: Money
    slices: int
    waits_for: list[str]
    holds: list[HoldAnswer]
    started_at: Annotated[Time | None, Meta(description="When the campaign was begun.")]
    completed_at: Annotated[
        Time | None, Meta(description="When all parts were there: the end of the upload, not of the sending.")
    ]


class CampaignCancelAnswer(Struct):
    """A campaign of which nothing more leaves, counted in messages."""

    campaign_id: str
    state: StateWord
    cancelled: int
    too_late: int
