"""Callback payloads: the fields of each kind, in each form that was seen, as bytes. Pure functions.

Field names are from Octopush's pages on receipts, replies and opt-outs; dates are ``Y-m-d H:i:s``, by the
clock of a zone that is assumed.
"""

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from worker.sandbox.simulator.settings import CallbackSettings, MessageIdForm

Kind = Literal["reply", "receipt", "optout"]

_FORM_TYPE = "application/x-www-form-urlencoded"
_JSON_TYPE = "application/json"
_SERIALS = itertools.count(1)


class Event(msgspec.Struct, kw_only=True, frozen=True):
    """What a callback tells the customer: a reply, a receipt or an opt-out.

    Attributes:
        kind: Which of the three.
        number: E.164 number of the handset.
        message_id: Ticket of the message that the event belongs to; None when the gateway found no message.
        at: Seconds since the epoch on the simulator's clock.
        text: What the handset wrote (replies and opt-outs).
        status: What became of the message (receipts).
        short_number: The number that the handset wrote to (replies).
        message_id_form: Overrides the setting `callback_message_id` for this event.
        possible: Whether a real phone could have written it: False for a reply to a message that came from
            a name, or that the handset does not show. No callback carries it.
        serial: Number of the event within the process. No callback carries it.
    """

    kind: Kind
    number: str
    message_id: str | None
    at: float
    text: str = ""
    status: str = ""
    short_number: str = ""
    message_id_form: MessageIdForm | None = None
    possible: bool = True
    serial: int = msgspec.field(default_factory=_SERIALS.__next__)


def event_fields(event: Event, settings: CallbackSettings) -> dict[str, Any]:
    """Build the fields of one callback in the form the settings ask for."""
    fields = _message_id(event, settings)
    fields["number"] = _written(event.number, settings)
    zone = ZoneInfo(settings.callback_zone)
    date = datetime.fromtimestamp(event.at, zone).strftime("%Y-%m-%d %H:%M:%S")
    if event.kind == "receipt":
        fields = {"channel": "sms"} | fields
        fields["status"] = event.status
        fields["DELIVERY_DATE" if settings.receipt_date_in_capitals else "delivery_date"] = date
        if settings.callback_meta_data != "absent":
            fields["meta_data"] = {} if settings.callback_meta_data == "object" else []
        return fields
    fields["text"] = event.text
    if event.kind == "reply":
        if settings.inbound_layout == "metadata":
            metadata = {name: fields.pop(name) for name in ("message_id", "number") if name in fields}
            fields["metadata"] = metadata
        fields["sim_card_number"] = event.short_number
        fields[settings.reply_date_field] = date
    else:
        fields["stop_date"] = date
    return fields


def encode(events: Sequence[dict[str, Any]], settings: CallbackSettings, kind: Kind = "reply") -> bytes:
    """Encode events of one kind: a JSON array has them all, a JSON object or a form only the first."""
    if _is_form(settings, kind):
        return urlencode(dict(_form_fields(events[0]))).encode()
    return msgspec.json.encode(list(events) if settings.callback_array else events[0])


def _is_form(settings: CallbackSettings, kind: Kind) -> bool:
    return settings.callback_format == "form" or (settings.callback_format == "mixed" and kind == "receipt")


def _form_fields(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and values of a form. Nested fields are named as in PHP: ``metadata[number]``.

    Null, empty lists and empty objects are left out.
    """
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from ((f"{name}[{inner}]", text) for inner, text in _form_fields(value))
        elif value is not None and value != []:
            yield name, value


def content_type(settings: CallbackSettings, kind: Kind = "reply") -> str:
    """Return the Content-Type to send; empty when no such header is sent."""
    if settings.callback_content_type != "default":
        return settings.callback_content_type
    return _FORM_TYPE if _is_form(settings, kind) else _JSON_TYPE


def _message_id(event: Event, settings: CallbackSettings) -> dict[str, Any]:
    form = event.message_id_form or settings.callback_message_id
    if form == "absent" or (form == "present" and event.message_id is None):
        return {}
    return {"message_id": {"present": event.message_id, "empty": "", "null": None}[form]}


def _written(number: str, settings: CallbackSettings) -> str:
    form = settings.callback_number_format
    if form == "e164" or not number.startswith("+"):
        return number
    if form == "national" and number.startswith("+33"):
        return "0" + number.removeprefix("+33")
    digits = number.removeprefix("+")
    return digits if form == "no_plus" else "00" + digits
