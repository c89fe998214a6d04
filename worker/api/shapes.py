"""The shapes of bodies and answers. The OpenAPI document is made of them; answers are made with them.

Bodies are closed: an unknown member is an error. Answers may get further members, and enumerations further
words.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from producers.contract.amounts import plain_amount
from producers.contract.jobs import ENDS

RequestId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,36}$", description="Never . or ..")]
Time = Annotated[
    str,
    Meta(
        description="RFC 3339. Any offset on the way in; UTC, with milliseconds and Z, on the way out.",
        extra_json_schema={"format": "date-time"},
    ),
]
Money = Annotated[
    str, Meta(pattern=r"^-?\d+(\.\d+)?$", description="A decimal number, in the account's currency.")
]
StateWord = Annotated[
    str,
    Meta(
        description="Words may be added: `ended` says whether a state is an end.",
        examples=["queued", "sending", *ENDS],
    ),
]
ReasonWord = Annotated[
    str,
    Meta(
        description="Words may be added; `sentence` says it to people.",
        examples=[
            *("ended", "attempt", "newer", "hold", "pause", "campaign", "due", "lifetime", "hours", "budget"),
            *("hours_mismatch", "credit", "breaker", "retry", "dead", "no_worker", "gathering", "shared"),
            *("rate", "in_flight", "behind", "next", "fetched"),
        ],
    ),
]
Value = Annotated[str, Meta(max_length=50)]
OnInvalid = Literal["refuse", "leave_out"]


class RecipientBody(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Who receives an SMS, with values for the placeholders of its text."""

    phone_number: Annotated[str, Meta(description="International.", examples=["+33612345678"])]
    first_name: Value = ""
    last_name: Value = ""
    param1: Value = ""
    param2: Value = ""
    param3: Value = ""
    param4: Value = ""
    param5: Value = ""
    zone: str = ""


Recipients = Annotated[list[str | RecipientBody], Meta(min_length=1, max_length=500)]
Text = Annotated[str, Meta(min_length=1, max_length=1224)]


class Options(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a message has besides its id, its recipients, its text and its sender."""

    type: Literal["sms_premium", "sms_low_cost"] = "sms_premium"
    purpose: Literal["wholesale", "alert"] = "wholesale"
    send_at: Time | None = None
    ttl_s: Annotated[int, Meta(ge=1, le=31_622_400)] | None = None
    schedule: Literal["queue", "gateway"] = "queue"
    with_replies: bool = False
    simulation_mode: bool = False
    auto_remove_blacklisted_numbers: bool = False
    auto_optimize_text: bool = True
    context: Annotated[Any, Meta(description="Any JSON, at most 4096 bytes when compact.")] = None
    zone: str | None = None


class Addressed(Options, forbid_unknown_fields=True, kw_only=True):
    """What all messages have."""

    recipients: Recipients
    text: Text
    sender: Annotated[str, Meta(description="3 to 11 letters and digits.", examples=["Bistro"])]
    reply_to: Annotated[str, Meta(description="event_id of the reply that it answers.")] | None = None


class MessageBody(Addressed, forbid_unknown_fields=True, kw_only=True):
    """One message. Without request_id the header Idempotency-Key must name it."""

    request_id: RequestId | msgspec.UnsetType = msgspec.UNSET


class BatchMessage(Addressed, forbid_unknown_fields=True, kw_only=True):
    """One message of a batch."""

    request_id: RequestId


class BatchBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """Messages that are queued together, all or none."""

    messages: Annotated[list[BatchMessage], Meta(min_length=1, max_length=500)]
    on_invalid: OnInvalid = "refuse"


class PreviewBody(Options, forbid_unknown_fields=True, kw_only=True):
    """A text to be looked at."""

    text: Text
    recipients: Recipients
    sender: str | msgspec.UnsetType = msgspec.UNSET


class DeliveryAnswer(Struct):
    """The receipt that stands of one recipient."""

    number: str
    state: Annotated[str, Meta(examples=["sent", "undelivered", "delivered"])]
    status: str
    final: bool
    at: Time


class StatusAnswer(Struct):
    """What is known of a message. `ended` says whether the state is an end: unknown states are none."""

    request_id: str
    state: StateWord
    ended: bool
    app: str | None
    recipients: int
    segments: int | None
    cost: Money | None
    ticket: str | None
    attempts: int
    code: str | None
    message: str | None
    waits_for: str | None
    held: str | None
    held_until: Time | None
    left_out: int
    reply_to: str | None
    context: Any
    queued_at: Time
    due_at: Time | None
    expires_at: Time | None
    first_attempt_at: Time | None
    ended_at: Time | None
    deliveries: list[DeliveryAnswer]


class SentAnswer(Struct):
    """A message that is in the queue, or was there already (`created` is false then)."""

    request_id: str
    state: StateWord
    ended: bool
    created: bool
    segments: int
    left_out: int
    code: str | None
    duplicate_of: str | None
    warnings: list[str]
    status: StatusAnswer | None


class LeftOut(Struct):
    """What was left out, and why."""

    index: int
    errors: list["PlaceAnswer"]
    request_id: str | None = None


class PlaceAnswer(Struct):
    """One place in the body that is wrong."""

    pointer: str
    detail: str


class BatchAnswer(Struct):
    """What became of a batch; the messages in the order in which they were given, without those left out."""

    created: int
    existing: int
    messages: list[SentAnswer]
    left_out: list[LeftOut]


class MessagesAnswer(Struct):
    """Several messages, in the order in which they were asked for."""

    messages: list[StatusAnswer]
    unknown_ids: list[str]


class CancelAnswer(Struct):
    """A message that will never be sent."""

    request_id: str
    state: StateWord
    ended: bool


class ExplainAnswer(Struct):
    """Why a message has not left yet, or what became of it."""

    request_id: str
    reason: ReasonWord
    until: Time | None
    sentence: str


class Estimate(Struct):
    """What something costs: as counted, and at its dearest."""

    middle: Money
    worst: Money


class PreviewAnswer(Struct):
    """What a text would become and cost. Nothing is queued."""

    recipients: int
    segments: int
    encoding: Annotated[str, Meta(examples=["gsm7", "ucs2"])]
    costly_characters: str
    estimate: Estimate | None
    left_out: list[LeftOut]
    held_until: Time | None
    rendered: list[str]
    problems: list[PlaceAnswer]
    warnings: list[str]


class SendingAnswer(Struct):
    """Whether messages leave now."""

    sending: Annotated[str, Meta(examples=["on", "held", "paused"])]
    since: Time | None
    until: Time | None
    reason: str | None
    workers: int
    oldest_alert_s: float | None


class DocumentAnswer(Struct):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]


class HealthAnswer(Struct):
    """The process runs."""

    status: str


def money(amount: Decimal | None) -> str | None:
    """Write an amount as streams and webhooks have it, too; None stays None."""
    return None if amount is None else plain_amount(amount)
