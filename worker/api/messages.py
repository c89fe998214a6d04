"""Messages: one, many, how they are, why, and their cancel."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from producers.contract.jobs import ENDS
from producers.contract.steps import Together
from producers.errors import InvalidMessage, RequestIdConflict
from producers.queueing.answers import Sent
from producers.queueing.message_status import MessageStatus
from worker.api.aside import aside
from worker.api.call import Answer, Call
from worker.api.desk import Desk
from worker.api.message_fields import is_request_id, read_message, weight_of
from worker.api.problems import Refusal
from worker.api.shapes import (
    CancelAnswer,
    DeliveryAnswer,
    ExplainAnswer,
    MessagesAnswer,
    SentAnswer,
    StatusAnswer,
    money,
)
from worker.inquiry.explain import why


async def send_message(call: Call) -> Answer:
    """Queue one message; 200 if it was there already."""
    read = partial(read_message, call.body, "#", call.wrong, call.desk.settings, call.key)
    frozen = await aside(weight_of(call.body), read)
    call.refuse()
    if frozen is None:
        raise AssertionError("a message without a mistake was read")
    try:
        [sent] = await call.desk.ask(call.desk.records.enqueue_whole([frozen]))
    except RequestIdConflict as error:
        raise Refusal("request-id-conflict", request_ids=list(error.request_ids)) from None
    except InvalidMessage as error:
        call.refuse_fields(error)
    status = await _awaited(call, sent)
    return Answer(
        sent_answer(sent, status),
        201 if sent.created else 200,
        {"Location": f"/v1/messages/{sent.request_id}"} if sent.created else {},
    )


async def get_message(call: Call) -> Answer:
    """Say what is known of a message, perhaps when it has ended."""
    request_id = _named(call)
    found = await _status(call.desk, request_id)
    if found and found.state not in ENDS and call.query["wait_s"]:
        await call.caller.wait(call.desk.lookout.until_ended(request_id, call.query["wait_s"]))
        found = await _status(call.desk, request_id)
    return Answer(_known(found))


async def get_messages(call: Call) -> Answer:
    """Say what is known of several messages."""
    ids = list(dict.fromkeys(call.query["ids"].split(",")))
    commands = [call.desk.records.status(each) for each in ids]
    found: Sequence[MessageStatus | None] = await call.desk.do(Together(commands))
    return Answer(
        MessagesAnswer(
            messages=[status_answer(each) for each in found if each],
            unknown_ids=[each for each, known in zip(ids, found, strict=True) if not known],
        )
    )


async def cancel_message(call: Call) -> Answer:
    """Cancel a message that is in no attempt and in no doubt."""
    request_id = _named(call)
    verdict = await call.desk.do(call.desk.records.cancel(request_id))
    if verdict == "unknown_id":
        raise Refusal("unknown-message")
    if verdict == "too_late":
        raise Refusal("too-late")
    return Answer(CancelAnswer(request_id, "cancelled", ended=True))


async def explain_message(call: Call) -> Answer:
    """Say why a message has not left yet, or what became of it."""
    request_id = _named(call)
    reasons = await call.desk.ask(why(call.desk.keys, call.desk.hours, request_id))
    if not reasons:
        raise Refusal("unknown-message")
    first = reasons[0]
    until = first.details.get("until") or (first.details.get("at") if first.word != "ended" else None)
    known = until if isinstance(until, datetime) else None
    return Answer(ExplainAnswer(request_id, first.word, when(known), first.cause))


def sent_answer(sent: Sent, known: StatusAnswer | None = None) -> SentAnswer:
    """Tell of a message that was handed over."""
    state = known.state if known else sent.state
    return SentAnswer(
        request_id=sent.request_id,
        state=state,
        ended=state in ENDS,
        created=sent.created,
        segments=sent.segments,
        left_out=sent.left_out,
        code=sent.code,
        duplicate_of=sent.duplicate_of,
        warnings=list(sent.warnings),
        status=known,
    )


def status_answer(known: MessageStatus) -> StatusAnswer:
    """Tell what is known of a message."""
    return StatusAnswer(
        request_id=known.request_id,
        state=known.state,
        ended=known.state in ENDS,
        app=known.app,
        recipients=known.recipients,
        segments=known.segments,
        cost=money(known.cost),
        ticket=known.ticket,
        attempts=known.attempts,
        code=known.code,
        message=known.message,
        waits_for=known.waits_for,
        held=known.held,
        held_until=when(known.held_until),
        left_out=known.left_out,
        reply_to=known.reply_to,
        context=known.context,
        queued_at=moment(known.queued_at),
        due_at=when(known.due_at),
        expires_at=when(known.expires_at),
        first_attempt_at=when(known.first_attempt_at),
        ended_at=when(known.ended_at),
        deliveries=[
            DeliveryAnswer(number, each.state, each.status, each.final, moment(each.at))
            for number, each in known.deliveries.items()
        ],
    )


def moment(at: datetime) -> str:
    """Write a time in UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def when(at: datetime | None) -> str | None:
    """Write a time, if there is one."""
    return moment(at) if at else None


async def _awaited(call: Call, sent: Sent) -> StatusAnswer | None:
    """Wait as long as the caller wants to, and say what has become of the message; None if it did not ask."""
    if not call.query["wait_s"]:
        return None
    if sent.state not in ENDS:
        await call.caller.wait(call.desk.lookout.until_ended(sent.request_id, call.query["wait_s"]))
    found = await _status(call.desk, sent.request_id)
    return status_answer(found) if found else None


async def _status(desk: Desk, request_id: str) -> MessageStatus | None:
    found: MessageStatus | None = await desk.do(desk.records.status(request_id))
    return found


def _named(call: Call) -> str:
    """Return the id in the path: what can be none is not looked for."""
    request_id = call.path["id"]
    if not is_request_id(request_id):
        raise Refusal("unknown-message")
    return request_id


def _known(found: MessageStatus | None) -> StatusAnswer:
    if found is None:
        raise Refusal("unknown-message")
    return status_answer(found)
