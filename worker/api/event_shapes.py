"""The shapes of events and conversations: bodies and answers."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from producers.contract.kinds import TYPES
from worker.api.shapes import Time

#: Names an entry of a stream. Redis keeps both halves in 64 bits, and answers a larger one with an error.
ENTRY_ID = "[0-9]{1,19}-[0-9]{1,19}"
#: Streams that can be read, as a pattern for a parameter, and in words.
STREAMS = "|".join(TYPES)
STREAMS_IN_WORDS = " or ".join(TYPES)
#: Names of groups and of their consumers.
NAME = "[A-Za-z0-9_.-]{1,64}"
NAME_IN_WORDS = "1 to 64 letters, digits or -_."
StreamWord = Annotated[str, Meta(pattern=f"^(?:{STREAMS})$")]
Name = Annotated[str, Meta(pattern=f"^{NAME}$")]
EntryId = Annotated[str, Meta(pattern=rf"^{ENTRY_ID}$")]


class EventEntry(Struct, omit_defaults=True):
    """One entry of a stream. docs/streams.md describes the members of `event`."""

    entry_id: str
    type: Annotated[str, Meta(examples=["sms.reply.received"])]
    event: dict[str, Any]
    deliveries: int | None = None


class EventsAnswer(Struct):
    """Entries for one consumer of a group; none if nothing came in time."""

    entries: list[EventEntry]


class AckBody(Struct, forbid_unknown_fields=True):
    """Entries that were handled."""

    stream: StreamWord
    group: Name
    entry_ids: Annotated[list[EntryId], Meta(min_length=1, max_length=100)]


class AckAnswer(Struct):
    """How many of them were still held."""

    acknowledged: int


class LogAnswer(Struct):
    """Entries behind a cursor. Store `next_after` in the transaction of what they lead to."""

    entries: list[EventEntry]
    next_after: str
    more: bool


class TurnAnswer(Struct):
    """One turn of a conversation: `in` for what the person wrote, `out` for a message."""

    direction: Annotated[str, Meta(examples=["in", "out"])]
    at: Time
    text: str | None
    event_id: str | None
    request_id: str | None
    match: str | None
    state: str | None
    reply_to: str | None
    context: Any
    opted_out: bool


class ConversationAnswer(Struct):
    """The newest turns with one person, oldest first."""

    id: str
    number: str | None
    turns: list[TurnAnswer]


class ConversationRow(Struct):
    """Who wrote, and when last."""

    id: str
    number: str
    last_reply_at: Time
    text: str


class ConversationsAnswer(Struct):
    """Who wrote lately, newest first. Give `before` to go on; null at the end."""

    conversations: list[ConversationRow]
    before: str | None


class LookupBody(Struct, forbid_unknown_fields=True):
    """Whose conversation it is."""

    number: Annotated[str, Meta(examples=["+33612345678"])]
