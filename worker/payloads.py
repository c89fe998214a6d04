"""What a callback event means: reply, delivery receipt, opt-out, or unknown. Pure and total.

The gateway signs nothing, numbers nothing and names no kind; the kind is told by the date field present
(Octopush docs, callbacks page). Its pages disagree on names and case, so both are read.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from producers.events import OptOut, Receipt, Reply
from producers.phone import from_gateway
from worker.delivery import is_final

#: Dates carry no zone; the gateway's other interfaces speak Central European Time. Assumed, not documented.
GATEWAY_ZONE: Final = ZoneInfo("Europe/Paris")
#: Characters of any one field that are read; real ones have far fewer.
_FIELD_MAX: Final = 4096


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


def parse(event: Mapping[str, Any], kind: str, received_at: datetime) -> Parsed:
    """Read one event.

    Args:
        event: a JSON object, or form fields, as `producers.callback_body.read_events` returns it.
        kind: ``replies``, ``receipts``, ``optouts`` as the URL said, or ``""``. The fields win over it.
        received_at: when the callback came.

    Returns:
        The typed event, not yet connected to a send (request_id and context are None).
    """
    given = _Given(_flat(event), msgspec.json.encode(event).decode(), received_at)
    if not given.text("number", "phone_number"):
        return given.unknown("no_number")
    match _kind(given.fields, kind):
        case "receipts":
            return _receipt(given)
        case "optouts":
            return _opt_out(given)
        case "replies":
            return _reply(given)
    return given.unknown("no_known_field")


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
        return from_gateway(self.text("number", "phone_number"))

    @property
    def ticket(self) -> str | None:
        """The ticket, under any of its names."""
        return self.text("message_id", "ticket_number", "sms_ticket") or None

    def unknown(self, reason: str) -> UnknownCallback:
        """Give up on placing it."""
        return UnknownCallback(_event_id("unknown", self.raw), reason, self.raw)


def _kind(fields: Mapping[str, str], hint: str) -> str:
    """The date field decides; then a status; then what the URL said; a text alone is a reply."""
    for kind, names in (
        ("optouts", ("stop_date",)),
        ("receipts", ("delivery_date",)),
        ("replies", ("reception_date", "answer_date")),
        ("receipts", ("status",)),
    ):
        if any(fields.get(name) for name in names):
            return kind
    if hint in {"optouts", "replies"}:
        return hint
    return "replies" if fields.get("text") else ""


def _receipt(given: _Given) -> Receipt | UnknownCallback:
    status, date = given.text("status").upper(), given.text("delivery_date")
    if not status:
        return given.unknown("no_status")
    number, _ = given.number
    return Receipt(
        event_id=_event_id("receipt", given.ticket, number, status, date),
        request_id=None,
        ticket=given.ticket,
        number=number,
        status=status,
        final=is_final(status),
        delivered_at=_utc(date) or given.received_at,
        context=None,
        raw=given.raw,
    )


def _opt_out(given: _Given) -> OptOut:
    text, date = given.text("text"), given.text("stop_date")
    number, _ = given.number
    return OptOut(
        event_id=_event_id("optout", given.ticket, number, text, date),
        request_id=None,
        ticket=given.ticket,
        number=number,
        text=text,
        at=_utc(date) or given.received_at,
        raw=given.raw,
    )


def _reply(given: _Given) -> Reply:
    text, date = given.text("text"), given.text("reception_date", "answer_date")
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
        gateway_date=date or None,
        country=country,
        context=None,
        raw=given.raw,
    )


def opt_out_of(receipt: Receipt) -> OptOut | None:
    """The opt-out that a receipt reports: a blocked number wants no SMS, whoever blocked it."""
    if receipt.status != "BLACKLISTED_NUMBER":
        return None
    return OptOut(
        event_id=_event_id("blacklisted", receipt.ticket, receipt.number),
        request_id=receipt.request_id,
        ticket=receipt.ticket,
        number=receipt.number,
        text="",
        at=receipt.delivered_at,
        raw=receipt.raw,
    )


def _flat(event: Mapping[str, Any]) -> dict[str, str]:
    """Scalar fields by lower-case name; nested metadata fills gaps (an account setting nests some fields)."""
    fields: dict[str, str] = {}
    nested = [value for value in event.values() if isinstance(value, dict)]
    for level in (*nested, event):
        for name, value in level.items():
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                fields[str(name).lower()] = str(value)[:_FIELD_MAX]
    return fields


def _utc(date: str) -> datetime | None:
    """``2030-01-31 14:05:09`` in Paris as UTC; a date with an offset keeps its own meaning."""
    try:
        at = datetime.fromisoformat(date)
        return (at if at.utcoffset() is not None else at.replace(tzinfo=GATEWAY_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _event_id(*facts: str | None) -> str:
    """Name an event by its facts: the gateway gives none. Two equal replies within a second count as one."""
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]
