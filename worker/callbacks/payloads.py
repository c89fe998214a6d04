"""What a callback means: a reply, a receipt, an opt-out, or something for the quarantine. Pure and total.

The gateway signs nothing, numbers nothing and names no kind; the kind is told by the date field present
(Octopush docs, callbacks page). Its pages disagree on names and case, and a live account was seen to post
receipts as forms and replies as JSON with number and ticket below ``metadata``: all of that is read.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from producers.contract.events import CallbackEvent, OptOut, Quarantined, Receipt, Reply
from producers.contract.kinds import KIND_OF, Kind
from producers.contract.phone import from_gateway
from producers.contract.receipts import STATES
from producers.intake.callback_body import MAX_EVENTS, read_events
from worker.callbacks.callback_fields import flatten
from worker.callbacks.dates import read_date
from worker.callbacks.ranks import RANKS
from worker.callbacks.which_kind import date_names, kind_of

#: Bytes of an event that are kept as it came; real ones have a few hundred.
RAW_MAX: Final = 8 * 1024

_NUMBER: Final = ("number", "phone_number")
_TICKET: Final = ("message_id", "sms_ticket", "ticket", "ticket_number")

#: An amount of money; what is written otherwise is none.
_AMOUNT: Final = re.compile(r"\d{1,6}(?:\.\d{1,12})?", re.ASCII)

Parsed = CallbackEvent | Quarantined


def read_callback(raw: bytes, named: str, only: str, received_at: datetime, callback_id: str) -> list[Parsed]:
    """Read a stored callback.

    Args:
        raw: the body as it came.
        named: the kind that the URL named, or ``""``.
        only: the kind that its token may bring, or ``""`` for any.
        received_at: when it came.
        callback_id: names it.

    Returns:
        What it says, in order, at least one; events are not yet connected to a send.
    """
    events = read_events(raw)
    if events is None or len(events) > MAX_EVENTS:
        return [
            Quarantined(
                event_id=hashlib.sha256(raw).hexdigest()[:32],
                reason="too_many_events" if events else "unreadable",
                received_at=received_at,
                raw=bounded(raw.decode("utf-8", "backslashreplace")),
            )
        ]
    return [_allowed(parse(event, named, received_at, callback_id), only, received_at) for event in events]


def _allowed(found: Parsed, only: str, received_at: datetime) -> Parsed:
    """Quarantine an event of a kind that its token may not bring."""
    if isinstance(found, Quarantined) or only in {"", KIND_OF[type(found)].name}:
        return found
    return Quarantined(event_id=found.event_id, reason="other_kind", received_at=received_at, raw=found.raw)


def parse(event: Any, named: str, received_at: datetime, callback_id: str) -> Parsed:
    """Read one event.

    Args:
        event: an element of what `producers.intake.callback_body.read_events` returns: a JSON object, form
            fields, or an element of an array that is no event.
        named: the kind that the URL named, or ``""``. The fields win over it.
        received_at: when the callback came. The event's date is judged by it.
        callback_id: names the callback. An event without a date that can be read is told from others by it: a
            callback may be stored twice under one id, if Redis could not say that it had it.

    Returns:
        The typed event, not yet connected to a send (request_id and context are None).
    """
    whole = msgspec.json.encode(event).decode()
    fields = flatten(event) if isinstance(event, dict) else {}
    kind = kind_of(fields, named)
    if not isinstance(event, dict):
        reason = "no_event"
    elif not _text(fields, *_NUMBER):
        reason = "no_number"
    elif kind is None:
        reason = "no_known_field"
    elif kind.needs and not _text(fields, *kind.needs):
        reason = f"no_{kind.needs[0]}"
    else:
        number, country = from_gateway(_text(fields, *_NUMBER))
        return _PARSERS[kind.name](
            _Given(kind, fields, number, country, bounded(whole), received_at, callback_id)
        )
    name = event_id_of("unknown", whole)
    return Quarantined(event_id=name, reason=reason, received_at=received_at, raw=bounded(whole))


def bounded(raw: str) -> str:
    """Return what came; if it has more than `RAW_MAX` bytes, its beginning as JSON under the name ``cut``."""
    if len(raw.encode("utf-8", "replace")) <= RAW_MAX:
        return raw
    return msgspec.json.encode({"cut": raw[: RAW_MAX // 8]}).decode()


def _text(fields: Mapping[str, str], *names: str) -> str:
    """The first of these fields that is not blank."""
    for name in names:
        if fields.get(name, "").strip():
            return fields[name] if name == "text" else fields[name].strip()
    return ""


@dataclass(frozen=True, slots=True)
class _Given:
    """An event as it came, with what all kinds have in common.

    Attributes:
        kind: its kind.
        fields: its fields by lower-case name.
        number, country: the other party, and its region.
        raw: the event as JSON, bounded.
        received_at: when the callback came.
        callback_id: names the callback.
    """

    kind: Kind
    fields: Mapping[str, str]
    number: str
    country: str | None
    raw: str
    received_at: datetime
    callback_id: str

    def text(self, *names: str) -> str:
        """The first of these fields that is not blank."""
        return _text(self.fields, *names)

    @property
    def ticket(self) -> str | None:
        """The ticket, under any of its names."""
        return self.text(*_TICKET) or None

    @property
    def origin(self) -> dict[str, Any]:
        """The fields of an event that are the same for all kinds."""
        return {
            "request_id": None,
            "match": "none",
            "ticket": self.ticket,
            "number": self.number,
            "raw": self.raw,
        }

    @property
    def date(self) -> str:
        """The gateway's date, unchanged."""
        return self.text(*date_names(self.kind))

    @property
    def at(self) -> datetime:
        """When it happened: the gateway's date, else the arrival."""
        return read_date(self.date, self.received_at) or self.received_at

    def event_id(self, word: str, fact: str, *more: str | None) -> str:
        """Name the event by its facts and its date, else its callback: what tells it from one of another day.

        A date that was put together from the fields of an object is good enough to show. It is not good
        enough to drop an event for having the same one: nobody has seen the gateway write such dates.
        """
        date = self.text(*self.kind.dates)
        dated = date if read_date(date, self.received_at) else self.callback_id
        return event_id_of(word, self.ticket, self.number, fact, dated, *more)


def _receipt(given: _Given) -> Receipt:
    status = given.text(*given.kind.needs).upper()
    rank = RANKS.get(status, 0)
    return Receipt(
        **given.origin,
        event_id=given.event_id("receipt", status),
        status=status,
        state=STATES[rank],
        final=rank > 0,
        delivered_at=given.at,
        unit_price=_amount(given.text("unit_price")),
        context=None,
    )


def _amount(written: str) -> Decimal | None:
    return Decimal(written) if _AMOUNT.fullmatch(written) else None


def _opt_out(given: _Given) -> OptOut:
    text = given.text("text")
    return OptOut(
        **given.origin,
        event_id=given.event_id("optout", text),
        text=text,
        action="out",
        reason="callback",
        at=given.at,
    )


def _reply(given: _Given) -> Reply:
    text, short_number = given.text("text"), given.text("sim_card_number", "short_number") or None
    return Reply(
        **given.origin,
        event_id=given.event_id("reply", text, short_number),
        text=text,
        short_number=short_number,
        received_at=given.received_at,
        gateway_date=given.date or None,
        country=given.country,
        context=None,
    )


#: How an event of a kind is read.
_PARSERS: Final[Mapping[str, Callable[[_Given], CallbackEvent]]] = {
    "optouts": _opt_out,
    "receipts": _receipt,
    "replies": _reply,
}


def event_id_of(*facts: str | None) -> str:
    """Name an event by its facts: the gateway gives none. Two equal replies within a second count as one.

    Whoever has this name finds number and text by trying. So it never leaves the process: the publisher
    seals it.
    """
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]
