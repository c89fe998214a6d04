"""Many messages in one call, all or nothing; and a text that is only looked at."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from producers.errors import InvalidMessage, RequestIdConflict
from producers.messages.fields import Problems
from producers.messages.frozen import FrozenMessage
from producers.messages.message import Message
from producers.messages.wording import word
from producers.queueing.batches import freeze_one
from producers.queueing.preview import ANY_SENDER, Previewer, current_prices
from producers.settings import ProducerSettings
from worker.api.aside import aside
from worker.api.call import Answer, Call
from worker.api.message_fields import (
    OPTIONS,
    is_request_id,
    note_fields,
    read_message,
    read_options,
    read_recipients,
    weight_of,
)
from worker.api.messages import sent_answer, when
from worker.api.problems import ERRORS_MAX, Refusal, Wrong
from worker.api.shapes import BatchAnswer, Estimate, LeftOut, PlaceAnswer, PreviewAnswer, money

#: Messages of a batch, and recipients in all of them: as many as keep nobody else waiting for Redis.
MESSAGES_MAX: Final = 500
RECIPIENTS_IN_ALL: Final = 5_000
#: Messages and recipients that are checked in one go: other calls get their turn between.
_BREATH: Final = 50
#: Texts that a preview shows.
_RENDERED_MAX: Final = 10


async def send_batch(call: Call) -> Answer:
    """Queue messages, all or none of those that are not left out."""
    members = call.members("messages", "on_invalid")
    leaves_out = members.choice("on_invalid", ("refuse", "leave_out")) == "leave_out"
    given = members.array("messages", MESSAGES_MAX, "messages")
    if sum(map(weight_of, given)) > RECIPIENTS_IN_ALL:
        members.wrong("messages", f"must have at most {RECIPIENTS_IN_ALL} recipients in all")
    call.refuse()
    # Several that are checked by turns would keep the event loop from others for the sum of their breaths.
    async with call.desk.checking:
        frozen, left_out = await _checked(call, given, leaves_out=leaves_out)
    call.refuse()
    await call.desk.charge(max(0, len(given) - 1), always=True)
    return Answer(await _queued(call, frozen, left_out))


async def _checked(
    call: Call, given: Sequence[Any], *, leaves_out: bool
) -> tuple[list[FrozenMessage], list[LeftOut]]:
    """Check messages; other calls get their turn between."""
    breath = 0
    frozen: list[FrozenMessage] = []
    left_out: list[LeftOut] = []
    for index, each in enumerate(given):
        wrong = call.wrong.apart() if leaves_out else call.wrong
        weight = weight_of(each)
        at, settings = f"#/messages/{index}", call.desk.settings
        read = partial(read_message, each, at, wrong, settings, among_others=True)
        found = await aside(weight, read)
        if found:
            frozen.append(found)
        elif leaves_out:
            left_out.append(LeftOut(index, places(wrong), _id_of(each)))
        breath += 1 + weight
        if breath > _BREATH:
            breath = 0
            await asyncio.sleep(0)
    return frozen, left_out


async def _queued(call: Call, frozen: Sequence[FrozenMessage], left_out: list[LeftOut]) -> BatchAnswer:
    try:
        sent = await call.desk.ask(call.desk.records.enqueue_whole(frozen))
    except RequestIdConflict as error:
        raise Refusal("request-id-conflict", request_ids=list(dict.fromkeys(error.request_ids))) from None
    except InvalidMessage as error:
        # Redis names no message: a price is missing that some of them need.
        call.wrong.body("#/messages", "; ".join(error.fields.values()))
        raise Refusal("invalid", errors=call.wrong.places()) from None
    created = sum(each.created for each in sent)
    return BatchAnswer(created, len(sent) - created, [sent_answer(each) for each in sent], left_out)


async def preview_message(call: Call) -> Answer:
    """Say what a text would become and cost; queue nothing."""
    members = call.members("text", "recipients", *OPTIONS)
    text, options = members.text("text") or "", read_options(members, sender=False)
    recipients = await aside(weight_of(call.body), partial(read_recipients, members, "#", call.wrong))
    call.refuse()
    settings, left_out = call.desk.settings, dict[int, Wrong]()

    def leave_out(index: int, _: Any, error: InvalidMessage) -> None:
        note_fields(
            {f"recipients[{index}].{name}": why for name, why in error.fields.items()},
            *(call.body, "#", left_out.setdefault(index, call.wrong.apart())),
        )

    prices = await call.desk.ask(current_prices(call.desk.keys, settings))
    now = datetime.now(UTC)
    previewer = Previewer(text, options, settings=settings, prices=prices, on_invalid=leave_out, now=now)  # type: ignore[arg-type]
    await aside(len(recipients), partial(previewer.take, list(recipients)))
    found, problems = previewer.result(), Wrong()
    note_fields(found.problems, call.body, "#", problems)
    kept = [each for index, each in enumerate(recipients) if index not in left_out]
    message = Message(kept, text, **{"sender": ANY_SENDER, **options})
    return Answer(
        PreviewAnswer(
            recipients=found.recipients,
            segments=found.segments,
            encoding=found.encoding,
            costly_characters="".join(dict.fromkeys("".join(each.characters for each in found.flips))),
            estimate=None
            if found.cost is None or found.worst_cost is None
            else Estimate(money(found.cost) or "", money(found.worst_cost) or ""),
            left_out=[LeftOut(index, places(wrong)) for index, wrong in sorted(left_out.items())],
            held_until=when(await aside(len(kept), partial(_held_until, call, message, now))),
            rendered=_rendered(message, kept, settings),
            problems=places(problems),
            warnings=list(found.warnings),
        )
    )


def places(wrong: Wrong) -> list[PlaceAnswer]:
    """List what is wrong in the body."""
    return [PlaceAnswer(each.pointer or "#", each.detail) for each in wrong.places()[:ERRORS_MAX]]


def _held_until(call: Call, message: Message, now: datetime) -> datetime | None:
    """Say until when hours hold a message; None if they do not, or if it is refused anyway."""
    try:
        frozen = freeze_one(message, call.desk.settings, to_leave=False)
    except InvalidMessage:
        return None
    if not frozen.zones:
        return None
    at = max(now, message.send_at) if isinstance(message.send_at, datetime) else now
    opens = call.desk.hours.common_opening(frozen.zones.split(), at)
    return opens if opens and opens > at else None


def _rendered(message: Message, kept: Sequence[Any], settings: ProducerSettings) -> list[str]:
    if not kept:
        return []
    first = Message(list(kept[:_RENDERED_MAX]), message.text, sender=message.sender, purpose=message.purpose)
    worded = word(Problems(), first, settings, settings.default_region)
    return [worded.template.fill(each) for each in worded.recipients]


def _id_of(value: object) -> str | None:
    request_id = value.get("request_id") if isinstance(value, dict) else None
    return request_id if is_request_id(request_id) else None
