"""What a callback event means: reply, delivery receipt, opt-out, or unknown. Pure and total.

The gateway signs nothing, numbers nothing and names no kind; the kind is told by the date field present
(Octopush docs, callbacks page). Its pages disagree on names and case, and a live account was seen to post
receipts as forms and replies as JSON with number and ticket below ``metadata``: all of that is read.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from producers.contract.phone import from_gateway
from producers.events import OptOut, Receipt, Reply
from worker.callbacks.callback_fields import COMPOSED, flatten
from worker.callbacks.dates import read_date
from worker.callbacks.delivery import is_final

#: Bytes of an event that are kept as it came; real ones have a few hundred.
RAW_MAX: Final = 8 * 1024

#: The date field of each kind: it tells the kind, too.
_DATES: Final = {
    "optouts": ("stop_date",),
    "receipts": ("delivery_date",),
    "replies": ("reception_date", "answer_date"),
}
_STATUS: Final = ("status", "delivery_status")
_NUMBER: Final = ("number", "phone_number")


@dataclass(frozen=True, slots=True)
class UnknownCallback:
    """An event that no rule places.

    Attributes:
        event_id: the same for every repeat.
        reason: why, in one word.
        raw: the event as JSON.
    """

    event_id: str
    reason: str
    raw: str


Parsed = Reply | Receipt | OptOut | UnknownCallback


def parse(event: Any, kind: str, received_at: datetime) -> Parsed:
    """Read one event.

    Args:
        event: an element of what `producers.intake.callback_body.read_events` returns: a JSON object, form
            fields, or an element of an array that is no event.
        kind: ``replies``, ``receipts``, ``optouts`` as the URL said, or ``""``. The fields win over it.
        received_at: when the callback came. The event's date is judged by it, and an event without a date
            that can be read is named by it.

    Returns:
        The typed event, not yet connected to a send (request_id and context are None).
    """
    whole = msgspec.json.encode(event).decode()
    if not isinstance(event, dict):
        return _unknown("no_event", whole)
    given = _Given(flatten(event), bounded(whole), received_at)
    if not given.text(*_NUMBER):
        return _unknown("no_number", whole)
    match kind_of(given.fields, kind):
        case "receipts":
            return _receipt(given) if given.text(*_STATUS) else _unknown("no_status", whole)
        case "optouts":
            return _opt_out(given)
        case "replies":
            return _reply(given)
    return _unknown("no_known_field", whole)


def bounded(raw: str) -> str:
    """Return what came; if it has more than `RAW_MAX` bytes, its beginning as JSON under the name ``cut``."""
    if len(raw.encode("utf-8", "replace")) <= RAW_MAX:
        return raw
    return msgspec.json.encode({"cut": raw[: RAW_MAX // 8]}).decode()


def _unknown(reason: str, whole: str) -> UnknownCallback:
    return UnknownCallback(_event_id("unknown", whole), reason, bounded(whole))


@dataclass(frozen=True, slots=True)
class _Given:
    """An event as it came, with what all kinds have in common."""

    fields: Mapping[str, str]
    raw: str
    received_at: datetime

    def text(self, *names: str) -> str:
        """The first of these fields that is not blank."""
        for name in names:
            if self.fields.get(name, "").strip():
                return self.fields[name] if name == "text" else self.fields[name].strip()
        return ""

    @property
    def number(self) -> tuple[str, str | None]:
        """The other party, and its region."""
        return from_gateway(self.text(*_NUMBER))

    @property
    def ticket(self) -> str | None:
        """The ticket, under any of its names."""
        return self.text("message_id", "sms_ticket", "ticket", "ticket_number") or None

    def date(self, kind: str) -> str:
        """The gateway's date, unchanged."""
        return self.text(*_date_names(kind))

    def at(self, kind: str) -> datetime:
        """When it happened: the gateway's date, else the arrival."""
        return read_date(self.date(kind), self.received_at) or self.received_at

    def naming_date(self, kind: str) -> str:
        """What tells an event from an equal one of another day: its date, else its arrival.

        A date that was put together from the fields of an object is good enough to show. It is not good
        enough to drop an event for having the same one: nobody has seen the gateway write such dates.
        """
        date = self.text(*_DATES[kind])
        return date if read_date(date, self.received_at) else self.received_at.isoformat()


def kind_of(fields: Mapping[str, str], hint: str) -> str:
    """Tell the kind: the date field decides; then a status; then what the URL said; a text alone is a reply.

    Args:
        fields: fields of an event by lower-case name.
        hint: ``replies``, ``receipts``, ``optouts`` or ``""``.

    Returns:
        ``replies``, ``receipts``, ``optouts``, or ``""`` if nothing tells.
    """
    for kind in _DATES:
        if any(fields.get(name) for name in _date_names(kind)):
            return kind
    if any(fields.get(name) for name in _STATUS):
        return "receipts"
    if hint in {"optouts", "replies"}:
        return hint
    return "replies" if fields.get("text") else ""


def _date_names(kind: str) -> tuple[str, ...]:
    return (*_DATES[kind], *(name + COMPOSED for name in _DATES[kind]))


def _receipt(given: _Given) -> Receipt:
    status = given.text(*_STATUS).upper()
    number, _ = given.number
    return Receipt(
        event_id=_event_id("receipt", given.ticket, number, status, given.naming_date("receipts")),
        request_id=None,
        ticket=given.ticket,
        number=number,
        status=status,
        final=is_final(status),
        delivered_at=given.at("receipts"),
        context=None,
        raw=given.raw,
    )


def _opt_out(given: _Given) -> OptOut:
    text = given.text("text")
    number, _ = given.number
    return OptOut(
        event_id=_event_id("optout", given.ticket, number, text, given.naming_date("optouts")),
        request_id=None,
        ticket=given.ticket,
        number=number,
        text=text,
        at=given.at("optouts"),
        raw=given.raw,
    )


def _reply(given: _Given) -> Reply:
    text, date = given.text("text"), given.naming_date("replies")
    short_number = given.text("sim_card_number", "short_number") or None
    number, country = given.number
    return Reply(
        event_id=_event_id("reply", given.ticket, number, text, date, short_number),
        request_id=None,
        ticket=given.ticket,
        number=number,
        text=text,
        short_number=short_number,
        received_at=given.received_at,
        gateway_date=given.date("replies") or None,
        country=country,
        context=None,
        raw=given.raw,
    )


def opt_out_of(receipt: Receipt) -> OptOut | None:
    """The opt-out that a receipt reports: a blocked number wants no SMS, whoever blocked it."""
    if receipt.status != "BLACKLISTED_NUMBER":
        return None
    return OptOut(
        event_id=_event_id("blacklisted", receipt.ticket or receipt.event_id, receipt.number),
        request_id=receipt.request_id,
        ticket=receipt.ticket,
        number=receipt.number,
        text="",
        at=receipt.delivered_at,
        raw=receipt.raw,
    )


def _event_id(*facts: str | None) -> str:
    """Name an event by its facts: the gateway gives none. Two equal replies within a second count as one."""
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]
