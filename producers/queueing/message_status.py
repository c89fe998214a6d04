"""What is known of a send, and how it is read. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from ..contract.admission import describe, read_gate
from ..contract.amounts import read_amount
from ..contract.discreet import discreet
from ..contract.jobs import State
from ..contract.receipts import AWAITED_MS, STATES, DeliveryState
from ..rules.held import Held, words
from ..rules.hours import Hours
from .rounds import read_rounds

#: Fields of a call that say where its members are, as ``status.lua`` lists them.
_OF_CALL: Final = ("state", "attempts", "code", "message", "first", "held", "held_until")


@discreet
@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery receipt of one recipient that stands: of those that came the one that says most.

    Attributes:
        status: the gateway's word, such as ``DELIVERED``.
        final: whether no other status is expected.
        at: when the gateway says it happened, or when we received it if it did not say.
        state: ``sent``, ``undelivered`` or ``delivered``; never goes back to one before.
    """

    status: str
    final: bool
    at: datetime
    state: DeliveryState


@discreet
@dataclass(frozen=True, slots=True)
class MessageStatus:
    """What is known of a send. Times are aware UTC datetimes by Redis's clock.

    Attributes:
        request_id: its id.
        state: see docs/architecture.md.
        ticket: the gateway's ticket, or None before (or without) one.
        cost: what the gateway charged, in the account's currency.
        segments: the gateway's count once accepted, ours before.
        attempts: POSTs counted so far, in all rounds. One that only found the account in trouble is not
            counted; one whose worker died is counted when its message is taken up again.
        code: the gateway's last error code, or our word for what happened.
        message: the gateway's last error text.
        context: the application's own value.
        queued_at, due_at, expires_at, ended_at: its life; None where it does not apply.
        first_attempt_at: when the first attempt of all began, also if a person has sent it again since.
        deliveries: the receipt that stands, by recipient number.
        receipts_missing: recipients of whom no receipt came within 48 h of the acceptance; 0 for sends on
            which the gateway does not report (low cost, simulation).
        waits_for: why it waits, in words for people: ``held until Tue 08:00, Easter Monday``, a price that
            the account cannot pay, or an error that nobody knows. None while nothing but its turn keeps it.
        held: why it is held until a time: ``hours`` or ``over_budget``; else None.
        held_until: until when. Of one that ended because of it, with the code ``quiet_hours`` or
            ``over_budget``, when it could have left.
        reply_to: event_id of the reply that it answers, or None.
        left_out: recipients who do not get it, since they want no more SMS.
        app: the application that queued it, or None.
        recipients: how many it has, without those left out.
    """

    request_id: str
    state: State
    ticket: str | None
    cost: Decimal | None
    segments: int | None
    attempts: int
    code: str | None
    message: str | None
    context: Any
    queued_at: datetime
    due_at: datetime | None
    expires_at: datetime | None
    first_attempt_at: datetime | None
    ended_at: datetime | None
    deliveries: Mapping[str, Delivery]
    waits_for: str | None = None
    receipts_missing: int = 0
    reply_to: str | None = None
    held: str | None = None
    held_until: datetime | None = None
    left_out: int = 0
    app: str | None = None
    recipients: int = 1


def read_status(
    request_id: str,
    hours: Hours,
    record: Sequence[bytes],
    deliveries: Sequence[bytes],
    call: Sequence[bytes],
    aside: Sequence[bytes],
    now_ms: int,
) -> MessageStatus | None:
    """Read the reply of ``status.lua``; None for an unknown id."""
    if not record:
        return None
    text = dict(_pairs(record))
    if call:
        # A message that has not ended is where its call is.
        text |= zip(_OF_CALL, map(bytes.decode, call), strict=True)
        text["state"] = "queued" if text["state"] == "queued" else "sending"
    return MessageStatus(
        request_id=request_id,
        state=text["state"],  # type: ignore[arg-type]
        ticket=text.get("ticket") or None,
        cost=read_amount(text["cost"]) if text.get("cost") else None,
        segments=int(text["segments"]) if text.get("segments") else None,
        attempts=int(text.get("attempts") or 0),
        code=text.get("code") or None,
        message=text.get("message") or None,
        context=msgspec.json.decode(text["context"]) if text.get("context") else None,
        queued_at=_instant(text["queued"]),
        due_at=_at(text.get("due")),
        expires_at=_at(text.get("expires")),
        first_attempt_at=_at(_first(text.get("rounds"), text.get("first"))),
        ended_at=_at(text.get("ended")),
        deliveries={number: read_delivery(value) for number, value in _pairs(deliveries)},
        # What is held for money waits aside, too: until when it is held says more.
        waits_for=_read_held(hours, text, now_ms) or (_read_aside(*aside) if aside else None),
        receipts_missing=_missing(text, len(deliveries) // 2, now_ms),
        reply_to=text.get("reply_to"),
        held=text.get("held") or None,
        held_until=_at(text.get("held_until")),
        left_out=int(text.get("left_out") or 0),
        app=text.get("app") or None,
        recipients=int(text.get("recipients") or 1),
    )


def _first(rounds: str | None, present: str | None) -> str | None:
    """Say when the first attempt began, in whichever round."""
    tried = (each.first for each in read_rounds(rounds) if each.first)
    return next(tried, present)


def _read_aside(name: bytes, facts: bytes, price: bytes) -> str:
    return describe(name.decode(), read_gate(facts), Decimal(price.decode()) if price else None)


def _read_held(hours: Hours, record: Mapping[str, str], now_ms: int) -> str | None:
    if not record.get("held"):
        return None
    held = Held.of(record["held"], record["held_until"], record.get("zones", ""))
    return words(hours, held, datetime.fromtimestamp(now_ms / 1000, UTC))


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    return zip(map(bytes.decode, flat[::2]), map(bytes.decode, flat[1::2]), strict=True)


def _missing(record: Mapping[str, str], deliveries: int, now_ms: int) -> int:
    """Count the recipients of whom nothing was heard in time, without those whom the gateway left out."""
    if record["state"] != "accepted" or not record.get("receipts"):
        return 0
    since_ms = max(int(record.get("ended") or now_ms), int(record["receipts"]))
    if now_ms < since_ms + AWAITED_MS:
        return 0
    recipients = int(record.get("recipients", 1))
    return max(0, min(recipients, int(record.get("contacts", recipients))) - deliveries)


def read_delivery(value: str) -> Delivery:
    """Read a delivery as the worker's publisher writes it: ``rank|ISO time|status``."""
    rank, at, status = value.split("|", 2)
    return Delivery(status, final=int(rank) > 0, at=datetime.fromisoformat(at), state=STATES[int(rank)])


def _at(ms: str | None) -> datetime | None:
    return _instant(ms) if ms else None


def _instant(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
