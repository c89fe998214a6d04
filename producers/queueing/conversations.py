"""Conversations: what went to a number and what came back, oldest first. No I/O: `producer` and `aio` do it.

A conversation is read in three or four round trips of plain commands, whatever else is in Redis: its newest
turns from a sorted set, then for each reply its stream entry and for each send its record, text and receipt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from producers.contract.events import Match, OptOut, Reply, from_fields
from producers.contract.jobs import State
from producers.contract.keys import Keys
from producers.contract.phone import to_e164
from producers.contract.steps import Commands, Steps
from producers.contract.talks import talk_key
from producers.errors import InvalidMessage
from producers.messages.recipient import Recipient
from producers.messages.template import template
from producers.queueing.records import Delivery, read_delivery

#: Turns that are kept of a conversation: ``lua/talks.lua`` drops older ones.
TURNS_MAX: Final = 200


_Written = Reply | OptOut
#: What a person wrote, by the kind of member: the stream that has it, and its event.
_WRITTEN: Final[Mapping[str, tuple[str, type[_Written]]]] = {
    "in": ("replies", Reply),
    "opt": ("optouts", OptOut),
}


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


@dataclass(frozen=True, slots=True)
class Conversation:
    """The newest turns with one number.

    Attributes:
        number: E.164, or as the gateway wrote it if that is no number; None if nothing that is kept tells.
        key: names the conversation without showing the number; None before anything was ever noted.
        turns: oldest first: messages that can be answered or answer a reply, replies, and opt-outs that the
            person wrote.
    """

    number: str | None
    key: str | None
    turns: tuple[Turn, ...]


class Conversations:
    """Builds the steps that read conversations.

    Args:
        keys: key names.
        default_region: whose national numbers are read, such as ``FR``; none if empty.
    """

    def __init__(self, keys: Keys, default_region: str = "") -> None:
        self._keys = keys
        self._default_region = default_region

    def with_number(self, number: str, limit: int = 50) -> Steps[Conversation]:
        """Read the conversation with a number.

        Raises:
            InvalidMessage: names ``number`` or ``limit``.
        """
        known = _checked(number, limit, self._default_region)
        [secret] = yield Commands([("GET", self._keys.talk_secret)])
        if secret is None:
            return Conversation(known, None, ())
        key = talk_key(secret, known)
        return (yield from self._read(key, secret, known, limit))

    def by_key(self, key: str, limit: int = 50) -> Steps[Conversation]:
        """Read a conversation by its name; one that nobody knows is empty.

        The number is that of its replies, else the one among the recipients of its messages that has this
        name.
        """
        [secret] = yield Commands([("GET", self._keys.talk_secret)])
        return (yield from self._read(key, secret or b"", None, limit))

    def _read(self, key: str, secret: bytes, number: str | None, limit: int) -> Steps[Conversation]:
        [members] = yield Commands([("ZREVRANGE", self._keys.talk(key), 0, limit - 1)])
        ids = [member.decode().partition(":")[::2] for member in reversed(members)]
        written = [(direction, _id) for direction, _id in ids if direction in _WRITTEN]
        sends = [_Send(_id) for direction, _id in ids if direction == "out"]
        turns: list[Turn] = []
        if ids:
            found = yield Commands([*self._ask_for_written(written), *self._ask_for_sends(sends)])
            events = [_event(kind, entries) for (kind, _), entries in zip(written, found, strict=False)]
            answers = [event for event in events if event is not None]
            for place, send in enumerate(sends):
                start = len(written) + 2 * place
                send.learn(*found[start : start + 2])
            number = number or _number(key, secret, answers, sends)
            sends = [send for send in sends if send.state]
            yield from self._complete(sends, number)
            sent = [turn for send in sends if (turn := send.turn(number)) is not None]
            turns = [*map(_turn, answers), *sent]
        return Conversation(number, key, tuple(sorted(turns, key=lambda turn: turn.at)))

    def _ask_for_written(self, turns: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
        return [("XRANGE", self._keys.stream(_WRITTEN[kind][0]), _id, _id) for kind, _id in turns]

    def _ask_for_sends(self, sends: Sequence["_Send"]) -> list[tuple[str, ...]]:
        asked: list[tuple[str, ...]] = []
        for send in sends:
            asked.append(_facts_of(self._keys.record(send.request_id)))
            asked.append(("GET", self._keys.body(send.request_id)))
        return asked

    def _complete(self, sends: Sequence["_Send"], number: str | None) -> Steps[None]:
        """Learn what became of the messages: their receipts, and where the calls are that they leave with."""
        if not sends:
            return
        asked: list[tuple[str, ...]] = []
        for send in sends:
            call = self._keys.record(send.call or send.request_id)
            asked.append(("HGET", self._keys.deliveries(send.request_id), number or ""))
            asked.append(("HMGET", call, "state", "first"))
        found = yield Commands(asked)
        for place, send in enumerate(sends):
            send.complete(*found[2 * place : 2 * place + 2])


def _facts_of(record: str) -> tuple[str, ...]:
    """Ask for what `_Send.learn` reads of a record, in its order."""
    return "HMGET", record, "state", "queued", "due", "first", "call", "context", "reply_to", "short_number"


class _Body(msgspec.Struct):
    """What is read of a body."""

    recipients: list[Recipient]
    text: str


@dataclass(slots=True)
class _Send:
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
    body: _Body | None = None
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


def _body(raw: bytes) -> _Body | None:
    """Read a body; None if somebody damaged it: what else is known of the message is shown."""
    try:
        return msgspec.json.decode(raw, type=_Body)
    except (ValueError, msgspec.MsgspecError):
        return None


def _text_for(number: str | None, body: _Body) -> str | None:
    """Fill in the values of one recipient, as the gateway will."""
    for recipient in body.recipients:
        if recipient.phone_number == number:
            return template(body.text).fill(recipient)
    return None


def _event(kind: str, entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> _Written | None:
    """Read a stream entry; None if it was dropped meanwhile, or nobody can read it."""
    if not entries:
        return None
    entry_id, fields = entries[0]
    try:
        event = from_fields(_WRITTEN[kind][1], fields)
    except ValueError:
        return None
    if isinstance(event, OptOut):
        # Its own date is the gateway's, to the second: beside other turns counts when it was published.
        at = datetime.fromtimestamp(int(entry_id.partition(b"-")[0]) / 1000, UTC)
        return msgspec.structs.replace(event, at=at)
    return event


def _turn(event: _Written) -> Turn:
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


def _number(key: str, secret: bytes, written: Sequence[_Written], sends: Sequence[_Send]) -> str | None:
    """Find the number that a conversation's name stands for."""
    if written:
        return written[-1].number
    bodies = (send.body for send in sends if send.body)
    numbers = (each.phone_number for body in bodies for each in body.recipients)
    return next((number for number in numbers if talk_key(secret, number) == key), None)


def _checked(number: object, limit: object, region: str) -> str:
    problems, known = {}, ""
    try:
        known = to_e164(number, default_region=region) if isinstance(number, str) else ""
    except ValueError as error:
        problems["number"] = str(error)
    if not isinstance(number, str):
        problems["number"] = "must be text"
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= TURNS_MAX:
        problems["limit"] = f"must be 1 to {TURNS_MAX}"
    if problems:
        raise InvalidMessage(problems)
    return known
