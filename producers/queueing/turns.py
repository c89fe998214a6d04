"""The turns of a conversation, as they are read from stream entries, records and bodies. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from ..contract.discreet import discreet
from ..contract.events import Match, OptOut, Reply, from_fields
from ..contract.jobs import State
from ..messages.recipient import Recipient
from ..messages.template import template
from .message_status import Delivery, read_delivery

#: What a person wrote.
Written = Reply | OptOut
#: The same by the kind of member: the stream that has it, and its event.
WRITTEN: Final[Mapping[str, tuple[str, type[Written]]]] = {
    "in": ("replies", Reply),
    "opt": ("optouts", OptOut),
}


@discreet
@dataclass(frozen=True, slots=True)
class Turn:
    """A reply, or a message to its recipient. What does not apply, or is not known, is None.

    Attributes:
        direction: ``in`` for what the person wrote, ``out`` for a message.
        at: when the reply came; when the first attempt of the message began, before that when it was due or
            queued. Aware UTC by Redis's clock.
        text: what was written, or what this recipient was to read; None if it was not kept.
        event_id: of a reply or an opt-out.
        request_id: of a message; of a reply the message that it answers.
        match: of a reply, why it is taken for an answer to that message.
        country: of a reply, as in `producers.events.Reply`.
        short_number: the number that was written to; of a message the one that a reply to it named.
        state: of a message, see docs/architecture.md.
        delivery: of a message, the last receipt of this recipient.
        reply_to: of a message, the event_id of the reply that it answers.
        context: the application's own value, given with the message.
        opted_out: whether this is no reply: the person asked for no more messages, such as by ``STOP``.
    """

    direction: Literal["in", "out"]
    at: datetime
    text: str | None = None
    event_id: str | None = None
    request_id: str | None = None
    match: Match | None = None
    country: str | None = None
    short_number: str | None = None
    state: State | None = None
    delivery: Delivery | None = None
    reply_to: str | None = None
    context: Any = None
    opted_out: bool = False


@discreet
class Body(msgspec.Struct):
    """What is read of a body."""

    recipients: list[Recipient]
    text: str


@discreet
@dataclass(slots=True)
class SendTurn:
    """A message of a conversation, as far as it is known.

    Attributes:
        request_id: its id.
        state, at, call, context, reply_to, short_number: from its record; at is in ms.
        body: its recipients and text, if they were kept and can be read.
        delivery: the last receipt of the recipient, as Redis has it.
    """

    request_id: str
    state: str = ""
    at: str = "0"
    call: str = ""
    context: str = ""
    reply_to: str = ""
    short_number: str = ""
    body: Body | None = None
    delivery: bytes | None = None

    def learn(self, values: Sequence[bytes | None], body: bytes | None) -> None:
        """Take in the record and the body."""
        found = [(value or b"").decode() for value in values]
        self.state, queued, due, first, self.call, self.context, self.reply_to, self.short_number = found
        self.at = first or due or queued or self.at
        self.body = _body(body) if body else None

    def complete(self, delivery: bytes | None, call: Sequence[bytes | None]) -> None:
        """Take in the receipt; and a message that has not ended is where its call is."""
        self.delivery = delivery
        state, first = call
        if self.call and self.state == "queued" and state:
            self.state = "queued" if state == b"queued" else "sending"
            self.at = first.decode() if first else self.at

    def turn(self, number: str | None) -> Turn | None:
        """Show the message as the recipient with this number is to read it; None if nobody can read it."""
        try:
            return Turn(
                direction="out",
                at=datetime.fromtimestamp(int(self.at) / 1000, UTC),
                text=_text_for(number, self.body) if self.body else None,
                request_id=self.request_id,
                short_number=self.short_number or None,
                state=self.state,  # type: ignore[arg-type]
                delivery=read_delivery(self.delivery.decode()) if self.delivery else None,
                reply_to=self.reply_to or None,
                context=msgspec.json.decode(self.context) if self.context else None,
            )
        except (ValueError, ArithmeticError, LookupError, OSError, msgspec.MsgspecError):
            return None


def _body(raw: bytes) -> Body | None:
    """Read a body; None if somebody damaged it: what else is known of the message is shown."""
    try:
        return msgspec.json.decode(raw, type=Body)
    except (ValueError, msgspec.MsgspecError):
        return None


def _text_for(number: str | None, body: Body) -> str | None:
    """Fill in the values of one recipient, as the gateway will."""
    for recipient in body.recipients:
        if recipient.phone_number == number:
            return template(body.text).fill(recipient)
    return None


def read_written(kind: str, entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> Written | None:
    """Read a stream entry; None if it was dropped meanwhile, or nobody can read it."""
    if not entries:
        return None
    entry_id, fields = entries[0]
    try:
        event = from_fields(WRITTEN[kind][1], fields)
    except ValueError:
        return None
    if isinstance(event, OptOut):
        # Its own date is the gateway's, to the second: beside other turns counts when it was published.
        at = datetime.fromtimestamp(int(entry_id.partition(b"-")[0]) / 1000, UTC)
        return msgspec.structs.replace(event, at=at)
    return event


def turn_of(event: Written) -> Turn:
    """Show what a person wrote as a turn."""
    told = {name: getattr(event, name) for name in ("text", "event_id", "request_id", "match")}
    if isinstance(event, OptOut):
        return Turn("in", event.at, **told, opted_out=True)
    return Turn(
        "in",
        event.received_at,
        **told,
        country=event.country,
        short_number=event.short_number,
        context=event.context,
    )
