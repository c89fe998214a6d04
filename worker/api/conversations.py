"""Conversations: who wrote lately, and what went to and fro. No number stands in an address."""

import re
from typing import Final

from producers.contract.events import Reply, from_fields
from producers.contract.steps import Commands
from producers.errors import InvalidMessage
from producers.queueing.conversations import Conversation
from worker.api.call import Answer, Call
from worker.api.event_shapes import ConversationAnswer, ConversationRow, ConversationsAnswer, TurnAnswer
from worker.api.messages import moment
from worker.api.problems import Refusal

#: Replies that one call looks at for those who wrote them.
_LOOKED_AT: Final = 500
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{22}")


async def get_conversations(call: Call) -> Answer:
    """List who wrote lately; who wrote more than once may come again on a later page."""
    known = await call.desk.ask(call.desk.pseudonyms.known())
    before = call.query["before"]
    until = f"({before}" if before else "+"
    [entries] = await call.desk.do(
        Commands([("XREVRANGE", call.desk.keys.stream("replies"), until, "-", "COUNT", _LOOKED_AT)])
    )
    rows: dict[str, ConversationRow] = {}
    last: str | None = None
    for entry_id, fields in entries:
        last = entry_id.decode()
        try:
            reply = from_fields(Reply, fields)
        except ValueError:
            continue
        key = known.of(reply.number)
        rows.setdefault(key, ConversationRow(key, reply.number, moment(reply.received_at), reply.text))
        if len(rows) == call.query["max"]:
            break
    goes_on = len(rows) == call.query["max"] or len(entries) == _LOOKED_AT
    return Answer(ConversationsAnswer(list(rows.values()), last if goes_on else None))


async def get_conversation(call: Call) -> Answer:
    """Show the newest turns of a conversation."""
    if not _KEY.fullmatch(call.path["id"]):
        raise Refusal("unknown-conversation")
    found = await call.desk.ask(call.desk.conversations.by_key(call.path["id"]))
    return Answer(_told(found))


async def look_up_conversation(call: Call) -> Answer:
    """Show the newest turns with a number."""
    number = call.members("number").text("number")
    call.refuse()
    try:
        found = await call.desk.ask(call.desk.conversations.with_number(number))
    except InvalidMessage as error:
        call.refuse_fields(error)
    return Answer(_told(found))


def _told(found: Conversation) -> ConversationAnswer:
    if not found.turns:
        raise Refusal("unknown-conversation")
    return ConversationAnswer(
        found.key,
        found.number,
        [
            TurnAnswer(
                direction=turn.direction,
                at=moment(turn.at),
                text=turn.text,
                event_id=turn.event_id,
                request_id=turn.request_id,
                match=turn.match,
                state=turn.state,
                reply_to=turn.reply_to,
                context=turn.context,
                opted_out=turn.opted_out,
            )
            for turn in found.turns
        ],
    )
