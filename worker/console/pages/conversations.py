"""Both directions of a conversation, and the box in which an operator answers.

The request_id of an answer is made of the conversation and its newest turn as the form knew it. So a double
click, a reload and a repeat after an outage send once, also if a reply comes in between; and of two people
who answer the same turn in different words the second one is told that somebody was faster.
"""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from producers.contract.phone import mask
from producers.contract.steps import Commands, Steps
from producers.errors import InvalidMessage, RequestIdConflict
from producers.queueing.conversations import Conversation, Conversations
from producers.queueing.turns import Turn
from worker.console.answer_box import Draft, consent_of, counted
from worker.console.page import Page, Visit, step
from worker.console.pages.replies import MATCHES, LookedFor, show_with
from worker.console.refusals import Refusal, not_found
from worker.console.standing import standing_of
from worker.inquiry import audit
from worker.inquiry.paging import now_ms
from worker.presentation import counts

_KEY: Final = re.compile(r"[\w-]{22}", re.ASCII)
#: Two-way messages reach mainland France only; there a short number takes the place of the sender.
_TWO_WAY: Final = "+33"
_STATES: Final = {
    "accepted": "ok",
    "unknown": "unknown",
    "failed": "bad",
    "rejected": "bad",
    "expired": "bad",
}


async def show(visit: Visit) -> Response:
    """Show the newest 50 turns, and what holds for the number; at most ten round trips."""
    conversation = await _read(visit)
    return await _render(visit, conversation, Draft(seen=await _newest(visit, conversation)))


async def look_up(visit: Visit) -> Response:
    """Go to the conversation with a number that was typed: a form's body carries it, never an address."""
    if not await visit.office.sessions.may_look_up(visit.visitor):
        words = "You have looked up many numbers. Wait ten minutes, or ask an operator."
        raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, words, back="/replies")
    number = visit.form.get("number", "")
    try:
        found = await visit.office.producer.conversation(number)
    except InvalidMessage as error:
        return await show_with(visit, LookedFor(number[:40], f"The number {error.fields['number']}."))
    if not found.turns:
        words = "Nothing is kept of a conversation with this number."
        return await show_with(visit, LookedFor(number[:40], words))
    # Whoever can tell a conversation from others by a number knows the number.
    await visit.audit("lookup", number=mask(found.number or ""))
    return await visit.done(f"/conversations/{found.key}")


async def answer(visit: Visit) -> Response:
    """Count the segments of an answer, or queue it. Safe to repeat: one turn gets one answer."""
    conversation = await _read(visit)
    draft = Draft(visit.form.get("text", "").replace("\r\n", "\n"), visit.form.get("seen", ""))
    if conversation.number is None:
        raise not_found("Nothing that is kept tells whom to answer.", _path(visit))
    if visit.form.get("do") != "send":
        return await _render(visit, conversation, counted(draft))
    return await _queue(visit, conversation, conversation.number, draft)


def number_of(visit: Visit, key: str) -> Steps[str | None]:
    """Find with whom a conversation is."""
    if not _KEY.fullmatch(key):
        return None
    return (yield from Conversations(visit.keys, visit.pseudonyms).by_key(key, 1)).number


async def _read(visit: Visit) -> Conversation:
    key = visit.request.path_params["key"]
    if not _KEY.fullmatch(key):
        raise not_found("There is no such conversation.", "/replies")
    return await visit.ask(Conversations(visit.keys, visit.pseudonyms).by_key(key))


async def _render(
    visit: Visit, conversation: Conversation, draft: Draft, status: int = HTTPStatus.OK
) -> Response:
    number = conversation.number
    return visit.render(
        "conversation.html",
        status,
        talk=conversation,
        draft=draft,
        problems=dict(draft.problems),
        matches=MATCHES,
        states=_STATES,
        consent=consent_of(conversation),
        standing=await visit.panel(standing_of(visit, number)) if number else None,
        sender=visit.office.settings.sender,
        two_way=(number or "").startswith(_TWO_WAY),
    )


def _path(visit: Visit) -> str:
    return f"/conversations/{visit.request.path_params['key']}"


async def _queued_already(visit: Visit, request_id: str | None = None) -> Response:
    """Say so. Redis may have gone away between this answer, if it has this id, and its entry in the audit."""
    if request_id is not None:
        deeds = await visit.ask(audit.of_send(visit.keys, request_id))
        if not any(deed.action == "answer" for deed in deeds):
            await visit.audit("answer", request_id=request_id)
    return await visit.done(_path(visit), "This answer was queued already; it leaves once.")


async def _queue(visit: Visit, conversation: Conversation, number: str, draft: Draft) -> Response:
    """Queue an answer, unless it was queued already, or somebody else was faster."""
    request_id = await _request_id(visit, draft.seen)
    meanwhile = _sent_since(conversation, draft.seen, await _now(visit))
    if same := [turn.request_id for turn in meanwhile if turn.text == draft.text]:
        return await _queued_already(visit, request_id if request_id in same else None)
    if any(turn.request_id != request_id for turn in meanwhile):
        return await _too_late(visit, conversation, draft)
    try:
        sent = await visit.office.producer.send(
            number,
            draft.text,
            sender=visit.office.settings.sender,
            purpose="alert",
            with_replies=number.startswith(_TWO_WAY),
            reply_to=_answered_reply(conversation, draft.seen),
            request_id=request_id,
        )
    except InvalidMessage as error:
        problems = tuple((_field(name), _words(name, words)) for name, words in error.fields.items())
        mended = Draft(draft.text, draft.seen, problems)
        return await _render(visit, conversation, mended, HTTPStatus.UNPROCESSABLE_ENTITY)
    except RequestIdConflict:
        return await _conflict(visit, draft, request_id)
    if not sent.created:
        return await _queued_already(visit, request_id)
    await visit.audit("answer", request_id=request_id, segments=sent.segments)
    words = f"The answer is queued: {counts.counted(sent.segments, 'segment')}."
    return await visit.done(_path(visit), words)


async def _conflict(visit: Visit, draft: Draft, request_id: str) -> Response:
    """Tell an answer that was queued, and is about another reply by now, from another answer to this turn."""
    conversation = await _read(visit)
    if any(turn.request_id == request_id and turn.text == draft.text for turn in conversation.turns):
        return await _queued_already(visit, request_id)
    return await _too_late(visit, conversation, draft)


async def _too_late(visit: Visit, conversation: Conversation, draft: Draft) -> Response:
    words = "Somebody answered meanwhile. Your text was not sent: read on, then decide again."
    kept = Draft(draft.text, await _newest(visit, conversation), (("text", words),))
    return await _render(visit, conversation, kept, HTTPStatus.CONFLICT)


def _name(turn: Turn) -> str:
    return f"in:{turn.event_id}" if turn.direction == "in" else f"out:{turn.request_id}"


async def _newest(visit: Visit, conversation: Conversation) -> str:
    """Name the newest turn that there has been: what is scheduled stays the last one until it leaves."""
    now = await _now(visit)
    return next((_name(turn) for turn in reversed(conversation.turns) if not _is_scheduled(turn, now)), "")


async def _now(visit: Visit) -> datetime:
    [time] = await visit.ask(step(Commands([("TIME",)])))
    return datetime.fromtimestamp(now_ms(time) / 1000, UTC)


def _is_scheduled(turn: Turn, now: datetime) -> bool:
    return turn.state == "queued" and turn.at > now


def _answered_reply(conversation: Conversation, seen: str) -> str | None:
    """Name the newest reply that the writer saw: what came later is no part of what an answer is about."""
    names = [_name(turn) for turn in conversation.turns]
    known = conversation.turns[: names.index(seen) + 1] if seen in names else conversation.turns
    return next((turn.event_id for turn in reversed(known) if _is_reply(turn)), None)


def _is_reply(turn: Turn) -> bool:
    return turn.direction == "in" and not turn.opted_out


def _sent_since(conversation: Conversation, seen: str, now: datetime) -> list[Turn]:
    """List the messages that are newer than what the writer saw, whoever wrote them, and not scheduled."""
    names = [_name(turn) for turn in conversation.turns]
    later = conversation.turns[names.index(seen) + 1 :] if seen in names else ()
    return [turn for turn in later if turn.direction == "out" and not _is_scheduled(turn, now)]


async def _request_id(visit: Visit, seen: str) -> str:
    """Name the answer to a turn; keyed, since who knew how it is made could try out whose turn it was."""
    known = await visit.ask(visit.pseudonyms.known())
    return "answer-" + known.seal(f"answer {visit.request.path_params['key']} {seen}")[:24]


def _field(name: str) -> str:
    return name if name in {"text", "sender"} else "text"


def _words(name: str, words: str) -> str:
    if name == "sender":
        return f"The sender of answers {words}: see CONSOLE_SENDER."
    return f"The answer {words}." if name == "text" else f"{name}: {words}."


PAGES = (
    Page("/conversations", look_up, method="POST"),
    Page("/conversations/{key}", show),
    Page("/conversations/{key}/answer", answer, method="POST", role="operator"),
)
