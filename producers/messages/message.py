"""An SMS as an application describes it, and the frozen wire form that the gateway will receive.

`Message` holds what the caller gave. `freeze` checks all of it and turns it into a `FrozenMessage`: the
exact bytes of the POST, made once, so that every attempt sends the same. Pure: no I/O, no clock.
"""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypedDict

import msgspec

from ..contract.discreet import discreet
from ..contract.jobs import queue_for
from ..contract.plain_text import plain
from ..rules.settings import RulesSettings
from ..rules.text import sender_problem
from . import content, fields
from .body import Body, encode
from .dues import dues_of, refuse_unreachable
from .frozen import FrozenMessage, Talk
from .leaving import check_leaving
from .options import Options, checked_options, share_of
from .places import places_of
from .recipient import Recipient
from .wording import Wording, word

Purpose = Literal["alert", "wholesale"]
SmsType = Literal["sms_premium", "sms_low_cost"]
Schedule = Literal["queue", "gateway"]

Recipients = str | Recipient | Iterable[str | Recipient]


class CampaignOptions(TypedDict, total=False):
    """The options of `Message` that a campaign passes on to each of its slices: all but the request_id."""

    sender: str
    type: SmsType
    purpose: Purpose
    send_at: datetime | str | None
    with_replies: bool
    simulation_mode: bool
    auto_optimize_text: bool
    auto_remove_blacklisted_numbers: bool
    context: Any
    ttl: timedelta | None
    schedule: Schedule
    zone: str | None


class MessageOptions(CampaignOptions, total=False):
    """The keyword arguments of `Message`, shared by every way of sending one."""

    request_id: str | None
    reply_to: str | None


#: What may be text.
_TEXTS: Final = (
    "recipients",
    "text",
    "sender",
    "type",
    "purpose",
    "send_at",
    "request_id",
    "schedule",
    "reply_to",
    "zone",
)


def _new_request_id() -> str:
    """Make a random UUID (version 4), in half the time of the uuid module."""
    h = os.urandom(16).hex()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"


@discreet
class _Content(msgspec.Struct, frozen=True):
    """What may be given by position."""

    recipients: Recipients
    text: str


@discreet
class Message(_Content, frozen=True, kw_only=True):
    """One send: a text for 1 to 500 recipients, under one request_id, in one call to the gateway.

    Names and defaults are those of the gateway's send call. The message is checked when it is sent, and not
    here. A request_id is minted (UUID4) unless given, so sending the same object again is safe.

    Attributes:
        recipients: a number, a `Recipient`, or 1 to 500 of either, each number once. Numbers are
            international, or national in the producer's default region.
        text: ``{first_name}``, ``{last_name}``, ``{param1}`` … ``{param5}`` are filled per recipient; what
            each of them gets has 1 to 1224 characters and is not blank.
        sender: 3 to 11 letters and digits, not digits only, no word such as INFO. With ``with_replies`` a
            short number replaces it.
        type: ``sms_premium`` (receipts) or ``sms_low_cost`` (none).
        purpose: ``wholesale`` for marketing, whose text must have the STOP mention if anybody in France gets
            it; ``alert`` for the rest.
        send_at: aware datetime or ISO 8601 text with offset, before the year 9990; a past date means now.
        with_replies: two-way SMS, mainland France.
        simulation_mode: the gateway answers but sends nothing.
        request_id: 1 to 36 letters, digits or ``-_.:``; at most once per message.
        auto_optimize_text: lets the gateway replace costly characters, as it does by default.
        auto_remove_blacklisted_numbers: the gateway drops blocked numbers (0.01 € per call).
        context: any JSON value up to 4 KiB; comes back with statuses, replies and receipts.
        ttl: never POSTed later than this after now (or after ``send_at``).
        reply_to: the event_id of the reply that this message answers; to one recipient only. It shows in
            `MessageStatus` and in the conversation; nothing of it goes to the gateway.
        schedule: ``queue`` holds ``send_at`` in our queue, where cancel and ttl still work; ``gateway`` hands
            the date on at once.
        zone: where the recipients are, for the hours of marketing: ``FR-AM``, ``MF`` … or the two letters of
            a country. Without one their numbers tell. The gateway does not get it.
    """

    sender: str = ""
    type: SmsType = "sms_premium"
    purpose: Purpose = "wholesale"
    send_at: datetime | str | None = None
    with_replies: bool = False
    simulation_mode: bool = False
    request_id: str | None = None
    auto_optimize_text: bool = True
    auto_remove_blacklisted_numbers: bool = False
    context: Any = None
    ttl: timedelta | None = None
    schedule: Schedule = "queue"
    reply_to: str | None = None
    zone: str | None = None

    def __post_init__(self) -> None:
        for name in _TEXTS:  # whoever looks at one, and whoever looks it up, finds a str and nothing else
            if type(value := getattr(self, name)) is not str and isinstance(value, str):
                msgspec.structs.force_setattr(self, name, plain(value))
        if self.request_id is None:
            msgspec.structs.force_setattr(self, "request_id", _new_request_id())


#: What holds where the owner has chosen nothing.
_DEFAULTS: Final = RulesSettings()


def freeze(
    message: Message,
    *,
    rules: RulesSettings = _DEFAULTS,
    allow_spaces: bool = False,
    default_region: str = "",
    campaign: str = "",
    now: datetime | None = None,
    priced: bool = False,
) -> FrozenMessage:
    """Check a message and make its wire form.

    Args:
        message: what the caller gave.
        rules: what the owner has chosen about texts and senders.
        allow_spaces: whether a sender may contain spaces.
        default_region: whose national numbers are read, such as ``FR``; none if empty.
        campaign: the campaign it is a slice of.
        now: to look whether it can ever leave; None to leave that out.
        priced: whether to say what it may cost although no rule asks.

    Raises:
        InvalidMessage: lists every field that is wrong.
    """
    check = fields.Problems()
    request_id = check.field("request_id", fields.request_id, message.request_id)
    worded = word(check, message, rules, default_region)
    send_at = check.field("send_at", fields.send_at, message.send_at)
    context = check.field("context", content.context, message.context)
    reply_to = check.field("reply_to", fields.reply_to, message.reply_to, len(worded.recipients))
    options = check.together(checked_options, message, allow_spaces)
    _check_sender(check, message.sender, worded.numbers, rules)
    places = places_of(check, message.zone, worded.recipients, told=message.purpose != "alert")
    refuse_unreachable(check, worded.recipients, rules, told="" if places.given else places.zones)
    check_leaving(check, message, places.zones, send_at=send_at, rules=rules, now=now)
    check.raise_if_any()
    options = _for_gateway(options, rules)
    body = _body(request_id, places.recipients, worded.template.text, options)
    due_ms = _schedule(body, send_at, options)
    wire = encode(body)
    stoppable, scope = _stops(options, rules)
    meant = _meant(body, wire, send_at)
    return FrozenMessage(  # all by position: to name twenty fields takes five times as long
        request_id,
        queue_for(options.purpose),
        wire,
        content.digest(meant, due_ms, options.ttl_ms, context, reply_to, places.given),
        worded.numbers,
        due_ms,
        options.ttl_ms,
        context,
        sum(worded.segments),
        "" if campaign or body.send_at else _share(worded, options, places.zones, rules),
        campaign,
        Talk(options.with_replies, reply_to) if options.with_replies or reply_to else None,
        _receipts(options, send_at),
        places.zones,
        dues_of(worded, options) if priced or rules.counts_money else (),
        worded.warnings,
        stoppable,
        scope,
        _weights(worded.segments),
    )


def _weights(segments: list[int]) -> str:
    return "" if segments.count(segments[0]) == len(segments) else "".join(map(str, segments))


def _check_sender(check: fields.Problems, sender: str, numbers: list[str], rules: RulesSettings) -> None:
    if "sender" not in check.by_field and (problem := sender_problem(sender, numbers, rules.country_senders)):
        check.by_field["sender"] = problem


def _stops(options: Options, rules: RulesSettings) -> tuple[bool, str]:
    """Say whether opt-outs end a message, and what opt-outs from it end."""
    return options.purpose != "alert" or rules.optout_blocks_alerts, rules.optout_scope_of(options.sender)


def _for_gateway(options: Options, rules: RulesSettings) -> Options:
    # Our own replacement is done, or was not wanted.
    return msgspec.structs.replace(options, auto_optimize_text=False) if rules.text_optimize else options


def _share(worded: Wording, options: Options, zones: str, rules: RulesSettings) -> str:
    if len(worded.numbers) > 1 or not worded.template.variables:
        return ""
    stoppable, scope = _stops(options, rules)
    # The estimate of a call is the sum of those of its members: all of them have one, or none.
    others = f"{stoppable} {scope} {rules.app} {rules.counts_money}"
    return share_of(worded.template.text, options, zones, others)


def _body(request_id: str, recipients: list[Recipient], text: str, options: Options) -> Body:
    return Body(
        recipients,
        text,
        options.sender,
        options.type,
        options.purpose,
        request_id,
        options.auto_optimize_text,
        options.with_replies,
        options.simulation_mode,
        options.auto_remove_blacklisted_numbers,
    )


def _schedule(body: Body, send_at: datetime | None, options: Options) -> int | None:
    """Write the date into the body if the gateway keeps it; else say when the queue lets it go, in ms."""
    if send_at is None:
        return None
    if options.schedule == "gateway":
        body.send_at = send_at.isoformat(timespec="seconds")
        return None
    return int(send_at.timestamp() * 1000)


def _meant(body: Body, wire: bytes, send_at: datetime | None) -> bytes:
    """Write what a body means: the same instant may be written with another offset."""
    if not body.send_at or not send_at:
        return wire
    return encode(msgspec.structs.replace(body, send_at=content.instant(send_at)))


def _receipts(options: Options, send_at: datetime | None) -> int:
    if options.type != "sms_premium" or options.simulation_mode:
        return 0
    return int(send_at.timestamp() * 1000) if send_at and options.schedule == "gateway" else 1
