"""An SMS as an application describes it, and the frozen wire form that the gateway will receive.

`Message` holds what the caller gave. `freeze` checks all of it and turns it into a `FrozenMessage`: the
exact bytes of the POST, made once, so that every attempt sends the same. Pure: no I/O, no clock.
"""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

import msgspec

from producers import fields
from producers.jobs import queue_for
from producers.recipient import Recipient
from producers.segments import segment

Purpose = Literal["alert", "wholesale"]
SmsType = Literal["sms_premium", "sms_low_cost"]
Schedule = Literal["queue", "gateway"]


Recipients = str | Recipient | Iterable[str | Recipient]


class MessageOptions(TypedDict, total=False):
    """The keyword arguments of `Message`, shared by every way of sending one."""

    sender: str
    type: SmsType
    purpose: Purpose
    send_at: datetime | str | None
    with_replies: bool
    simulation_mode: bool
    request_id: str | None
    auto_optimize_text: bool
    auto_remove_blacklisted_numbers: bool
    context: Any
    ttl: timedelta | None
    schedule: Schedule


def _new_request_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Message:
    """One send: a text for 1 to 500 recipients, under one request_id, in one call to the gateway.

    Names and defaults are those of the gateway's send call. Nothing is checked here: `freeze` does, when
    the message is sent. A request_id is minted (UUID4) unless given, so sending the same object again is
    safe.

    Attributes:
        recipients: a number, a `Recipient`, or 1 to 500 of either, each number once.
        text: 1 to 1224 characters; ``{first_name}``, ``{last_name}``, ``{param1}`` … ``{param5}`` are filled
            per recipient.
        sender: 3 to 11 letters and digits. With ``with_replies`` a short number replaces it.
        type: ``sms_premium`` (receipts) or ``sms_low_cost`` (none).
        purpose: ``wholesale`` for marketing (France wants the STOP mention), ``alert`` for the rest.
        send_at: aware datetime or ISO 8601 text with offset; a past date means now.
        with_replies: two-way SMS, mainland France.
        simulation_mode: the gateway answers but sends nothing.
        request_id: 1 to 36 letters, digits or ``-_.:``; at most once per message.
        auto_optimize_text: lets the gateway replace costly characters, as it does by default.
        auto_remove_blacklisted_numbers: the gateway drops blocked numbers (0.01 € per call).
        context: any JSON value up to 4 KiB; comes back with statuses, replies and receipts.
        ttl: never POSTed later than this after now (or after ``send_at``).
        schedule: ``queue`` holds ``send_at`` in our queue, where cancel and ttl still work; ``gateway`` hands
            the date on at once.
    """

    recipients: Recipients
    text: str
    sender: str = field(kw_only=True, default="")
    type: SmsType = field(kw_only=True, default="sms_premium")
    purpose: Purpose = field(kw_only=True, default="wholesale")
    send_at: datetime | str | None = field(kw_only=True, default=None)
    with_replies: bool = field(kw_only=True, default=False)
    simulation_mode: bool = field(kw_only=True, default=False)
    request_id: str | None = field(kw_only=True, default=None)
    auto_optimize_text: bool = field(kw_only=True, default=True)
    auto_remove_blacklisted_numbers: bool = field(kw_only=True, default=False)
    context: Any = field(kw_only=True, default=None)
    ttl: timedelta | None = field(kw_only=True, default=None)
    schedule: Schedule = field(kw_only=True, default="queue")

    def __post_init__(self) -> None:
        if self.request_id is None:
            object.__setattr__(self, "request_id", _new_request_id())


@dataclass(frozen=True, slots=True)
class FrozenMessage:
    """A checked message in the form in which it is stored and sent.

    Attributes:
        request_id: names the message from here on.
        queue: where its entry goes.
        body: the JSON bytes of every POST, request_id included.
        digest: fingerprint of all that the caller gave; tells a repeat from a conflict.
        due_ms: epoch milliseconds before which it is held, or None.
        ttl_ms: milliseconds it may still be POSTed after it is due, or None.
        context: the JSON text of the caller's context, ``""`` without one.
        segments: segments over all recipients, as we count them.
        recipients: how many.
    """

    request_id: str
    queue: str
    body: bytes
    digest: str
    due_ms: int | None
    ttl_ms: int | None
    context: str
    segments: int
    recipients: int


def freeze(message: Message, *, allow_spaces: bool = False) -> FrozenMessage:
    """Check a message and make its wire form.

    Args:
        message: what the caller gave.
        allow_spaces: whether a sender may contain spaces.

    Raises:
        InvalidMessage: lists every field that is wrong.
    """
    check = fields.Problems()
    request_id = check("request_id", fields.request_id, message.request_id)
    text = check("text", fields.text, message.text)
    recipients = fields.recipients(check, message.recipients)
    fields.placeholders(check, text, recipients)
    send_at = check("send_at", fields.send_at, message.send_at)
    body = {
        "recipients": recipients,
        "text": text,
        "sender": check("sender", fields.sender, message.sender, allow_spaces),
        "type": check("type", fields.one_of, message.type, ("sms_premium", "sms_low_cost")),
        "purpose": check("purpose", fields.one_of, message.purpose, ("wholesale", "alert")),
        "request_id": request_id,
        # Explicit always: the gateway's own pages disagree on what its absence means.
        "auto_optimize_text": check("auto_optimize_text", fields.flag, message.auto_optimize_text),
    }
    for name in ("with_replies", "simulation_mode", "auto_remove_blacklisted_numbers"):
        if check(name, fields.flag, getattr(message, name)):
            body[name] = True
    schedule = check("schedule", fields.one_of, message.schedule, ("queue", "gateway"))
    context = check("context", fields.context, message.context)
    ttl_ms = check("ttl", fields.ttl_ms, message.ttl)
    check.raise_if_any()
    if send_at is not None and schedule == "gateway":
        body["send_at"] = send_at.isoformat(timespec="seconds")
    due_ms = int(send_at.timestamp() * 1000) if send_at is not None and schedule == "queue" else None
    wire = msgspec.json.encode(body)
    return FrozenMessage(
        request_id=request_id,
        queue=queue_for(message.purpose),
        body=wire,
        digest=_digest(wire, due_ms, ttl_ms, context),
        due_ms=due_ms,
        ttl_ms=ttl_ms,
        context=context,
        segments=sum(_segments(text, recipient) for recipient in recipients),
        recipients=len(recipients),
    )


def _digest(wire: bytes, due_ms: int | None, ttl_ms: int | None, context: str) -> str:
    return hashlib.blake2b(
        b"%b|%r|%r|%b" % (wire, due_ms, ttl_ms, context.encode()), digest_size=16
    ).hexdigest()


def _segments(text: str, recipient: Recipient) -> int:
    return segment(fields.fill(text, recipient)).segments
