"""The entries of the public streams, as typed objects and as fields; docs/streams.md is their contract.

Fields of an entry are strings: absent values are empty, times are ISO 8601 in UTC, flags are ``1`` or
``0``, amounts have no zeros at their end, and ``context`` is JSON. Fields that a reader does not know are
ignored, so that newer workers can add some.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar, get_type_hints

import msgspec

from . import tracing
from .amounts import plain_amount
from .discreet import discreet
from .jobs import State
from .receipts import DeliveryState

#: Version of the entries' layout, in each entry as ``v``.
ENTRY_VERSION: Final = "1"

#: How a callback was bound to a send: by the ticket that it named, by its number and time, or not at all.
Match = Literal["ticket", "number", "none"]

#: What an entry about opt-outs tells: that somebody wants no more SMS, or wants them again.
OptOutAction = Literal["out", "in"]
#: Who said so, the weakest first: see ``lua/optouts.lua``.
OptOutReason = Literal["reply", "callback", "gateway", "operator", "erasure"]


class _Traced:
    """An event that belongs to a message, and so may belong to its trace."""

    __slots__ = ()
    trace: str | None

    def span(self) -> AbstractContextManager[Any]:
        """Let what is done about the event be a span ``process <stream>`` of its trace, and the current one.

        ``with reply.span(): …`` does nothing where OpenTelemetry is not there, or no trace. docs/tracing.md
        says when an event has one.

        Returns:
            A context manager; its value is the span, or None.
        """
        from .kinds import KIND_OF  # noqa: PLC0415 - the table of kinds imports this module

        return tracing.within("process", KIND_OF[type(self)].name, "CONSUMER", self.trace or "")  # type: ignore[index]


@discreet
class Reply(_Traced, msgspec.Struct, frozen=True, kw_only=True):
    """A person answered.

    Attributes:
        event_id: the same for every repeat of the same callback.
        request_id: the send it answers, or None.
        match: why it is taken for an answer to that send: ``ticket``, or ``number`` for a reply that named no
            ticket; ``none`` when it belongs to no send that we know. None in an entry of an older worker.
        ticket: as the gateway named it, or None.
        number: who wrote, E.164 where it could be read as such.
        text: what was written; may be empty.
        optout_hint: whether a person should decide if this is an opt-out. None in an entry of an older
            worker.
        short_number: the number that was written to, or None.
        received_at: when our web process received the callback.
        gateway_date: the gateway's date, unchanged (Paris wall-clock).
        country: region of the number, such as ``FR``, or None.
        context: the context of the send, or None.
        raw: the callback event as JSON.
        trace: the ``traceparent`` with which ``span()`` goes on, or None.
    """

    event_id: str
    request_id: str | None
    ticket: str | None
    number: str
    text: str
    optout_hint: bool | None = None
    match: Match | None = None
    short_number: str | None
    received_at: datetime
    gateway_date: str | None
    country: str | None
    context: Any
    raw: str
    trace: str | None = None


@discreet
class Receipt(_Traced, msgspec.Struct, frozen=True, kw_only=True):
    """The network said what became of an SMS for one recipient.

    Attributes:
        event_id, request_id, ticket, number, context, raw, trace: as in `Reply`.
        match: ``ticket`` or ``none``; None in an entry of an older worker.
        status: the gateway's word, such as ``ACK``, ``DELIVERED``, ``NOT_DELIVERED``.
        state: where the recipient stands with this receipt and all before it: ``sent``, ``undelivered`` or
            ``delivered``, never back to one before. None in an entry of an older worker.
        final: whether no other status is expected after this one.
        delivered_at: the gateway's date, read as Paris time; without one that can be read, the arrival of the
            callback.
        unit_price: what a segment has cost, by the gateway; None if it does not say so, as mostly. Its page
            names no unit: it is taken for euros.
    """

    event_id: str
    request_id: str | None
    ticket: str | None
    number: str
    status: str
    state: DeliveryState | None = None
    final: bool
    match: Match | None = None
    delivered_at: datetime
    unit_price: Decimal | None = None
    context: Any
    raw: str
    trace: str | None = None


@discreet
class OptOut(_Traced, msgspec.Struct, frozen=True, kw_only=True):
    """A person wants no more SMS, or wants SMS again; in the same step the number was suppressed, or is not.

    Attributes:
        event_id, request_id, ticket, number, raw, trace: as in `Reply`.
        match: as in `Receipt`.
        text: what was written, such as ``STOP``; empty when a receipt or an operator told us.
        action: ``out``, or ``in`` when a suppression was lifted. None, here and in what follows, in an entry
            of an older worker.
        reason: who said so: a ``reply``, a ``callback`` for opt-outs, the ``gateway`` by a receipt that calls
            the number blocked, an ``operator``, or an ``erasure`` of all that is kept of a person.
        scope: what it is about: ``account``, ``sender:<name>`` or ``app:<name>``.
        cancelled: messages to this number that were cancelled in the same step.
        cancelled_ids: their request_ids, with blanks between them.
        at: as `Receipt.delivered_at`.
    """

    event_id: str
    request_id: str | None
    ticket: str | None
    number: str
    text: str
    match: Match | None = None
    action: OptOutAction | None = None
    reason: OptOutReason | None = None
    scope: str | None = None
    cancelled: int | None = None
    cancelled_ids: str | None = None
    at: datetime
    raw: str
    trace: str | None = None


@discreet
class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A send reached a new state, or an accepted send learnt its ticket.

    Attributes:
        request_id: which send.
        state: ``accepted``, ``rejected``, ``expired``, ``cancelled``, ``unknown`` or ``failed``.
        ticket, cost, segments, context: as in `MessageStatus`.
        code, message: the gateway's, or our word for what happened.
        attempt: POSTs made.
        at: when, by Redis's clock.
        held_until: when it could have left, of one that ended because it was held for longer: its code is
            ``quiet_hours`` or ``over_budget``. None in an entry of an older worker.
    """

    request_id: str
    state: State
    ticket: str | None
    code: str | None
    message: str | None
    cost: Decimal | None
    segments: int | None
    attempt: int
    at: datetime
    context: Any
    held_until: datetime | None = None


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody should look at what is spent, or at who gets alerts.

    Attributes:
        kind: ``budget``: so much of a budget is spent or reserved. ``price_drift``: sends cost something else
            than was estimated. ``credit_low``: little is left on the account. ``prefix``: many numbers of one
            block of 10,000 get alerts; ``prefix_blocked``: the block gets none for some hours.
        scope: of what: ``account``, ``app:<name>``, ``hard``, ``campaign:<id>``, or the beginning of the
            numbers of a block.
        level: percent: 50, 80 or 100 of a budget, how far estimates are wrong; None of the other kinds.
        value: euros that are spent and reserved, were charged, or are left; numbers of a block in an hour.
        limit: euros of the budget, of the estimates, or of ``CREDIT_LOW``; numbers that a block may have.
        at: when, by Redis's clock.
    """

    kind: str
    scope: str
    level: int | None
    value: Decimal
    limit: Decimal
    at: datetime


@discreet
class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """What came in a callback and is no event of any kind, kept for an operator.

    Attributes:
        event_id: as in `Reply`.
        reason: why, in one word.
        received_at: when our web process received the callback.
        raw: what came, as text.
    """

    event_id: str
    reason: str
    received_at: datetime
    raw: str


#: What a callback says.
CallbackEvent = Reply | Receipt | OptOut
#: What a public stream holds.
Event = CallbackEvent | Status | Alarm
E = TypeVar("E", bound=Event)


def to_fields(event: Event | Quarantined) -> dict[str, str]:
    """Write an event as stream fields, ``v`` first."""
    fields = {"v": ENTRY_VERSION}
    for name in event.__struct_fields__:
        fields[name] = _to_text(name, getattr(event, name))
    return fields


def from_fields(kind: type[E], fields: Mapping[bytes, bytes]) -> E:
    """Read an entry back. A field that may be empty may also be absent: an older worker did not write it.

    Raises:
        ValueError: the entry is of another version, or a field is missing or cannot be read.
    """
    text = {name.decode(): value.decode() for name, value in fields.items()}
    if text.get("v") != ENTRY_VERSION:
        raise ValueError("entry of another version")
    hints = get_type_hints(kind)
    try:
        values = {name: _from_text(name, hints[name], text) for name in kind.__struct_fields__}
        return msgspec.convert(values, kind, strict=False)
    except (KeyError, msgspec.DecodeError) as error:
        raise ValueError(f"unreadable entry: {type(error).__name__}") from None


def _to_text(name: str, value: Any) -> str:
    if name == "context":
        return "" if value is None else msgspec.json.encode(value).decode()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return plain_amount(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def _from_text(name: str, hint: Any, text: Mapping[str, str]) -> Any:
    may_be_empty = name == "context" or type(None) in getattr(hint, "__args__", ())
    if may_be_empty and not text.get(name):
        return None
    return msgspec.json.decode(text[name]) if name == "context" else text[name]
