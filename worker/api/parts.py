"""Parts of campaigns: who is in them, who is left out, and what a repeat is answered."""

import re
from functools import partial
from typing import Any, Final

import msgspec

from producers.contract.phone import to_e164
from producers.errors import InvalidMessage, OverBudget
from producers.messages.frozen import FrozenMessage
from producers.messages.recipient import Recipient
from producers.queueing.campaigns import Slicer
from producers.queueing.chunks import SLICE
from producers.queueing.uploads import Upload
from worker.api.aside import aside
from worker.api.batch import places
from worker.api.call import Answer, Call
from worker.api.campaign_shapes import PartAnswer
from worker.api.json_body import Members
from worker.api.message_fields import note_fields, read_options, read_recipient
from worker.api.problems import Refusal, Wrong, WrongPlace
from worker.api.shapes import LeftOut

#: Looks at an upload while other processes take its parts.
_LOOKS: Final = 5
#: What is wrong with all of a part stands in no member of its body.
_BEGUN: Final = (
    "what the campaign was begun with does not suit these recipients, and stays: cancel it, begin another"
)


async def put_part(call: Call) -> Answer:
    """Queue a part of a campaign; 200 if it was there already."""
    given = call.members("recipients").array("recipients", SLICE, "recipients")
    if not re.fullmatch(r"\d{1,5}", call.path["n"], re.ASCII):
        call.wrong.parameter("n", "must be an integer from 0 to 99999")
    call.refuse()
    campaign_id, number = call.path["id"], int(call.path["n"])
    for _ in range(_LOOKS):
        upload = await call.desk.ask(call.desk.uploads.read(campaign_id, number))
        if upload is None:
            raise Refusal("unknown-campaign")
        # Its opt-outs and its budget are those of the application that began it.
        if msgspec.json.decode(upload.definition)["app"] != call.desk.app:
            raise Refusal("campaign-conflict", "another application has begun it")
        if upload.stopped:
            raise Refusal("campaign-cancelled")
        if upload.written is not None:
            if not await call.desk.ask(call.desk.uploads.is_same(upload, given)):
                raise Refusal("part-conflict")
            return Answer(msgspec.Raw(upload.answer))
        _refuse_place(upload, number)
        if answer := await _queued(call, upload, number, given):
            return Answer(msgspec.Raw(answer), 201)
    raise Refusal("overloaded", headers={"Retry-After": "1"})


def _refuse_place(upload: Upload, number: int) -> None:
    if upload.complete:
        raise Refusal("campaign-complete")
    if upload.last is not None:
        raise Refusal("part-after-last", next_part=upload.next_part)
    if number > upload.next_part:
        raise Refusal("part-out-of-order", next_part=upload.next_part)


async def _queued(call: Call, upload: Upload, number: int, given: list[Any]) -> bytes | None:
    """Queue a part; None if another process has taken it meanwhile."""
    campaign_id, wrongs = call.path["id"], dict[int, Wrong]()
    recipients = await aside(len(given), partial(_recipients, given, wrongs, call.wrong))
    definition = msgspec.json.decode(upload.definition)
    options = read_options(Members(definition, "#", definition, Wrong()))
    slicer = Slicer(
        definition["text"],
        options,  # type: ignore[arg-type]
        campaign_id,
        on_invalid=lambda place, _, error: _note(place - number * SLICE, given, error, wrongs),
        settings=call.desk.settings,
        budget=definition["budget"],
    )
    slicer.priced = slicer.priced or upload.priced
    numbers = await aside(len(given), partial(_numbers, recipients, call.desk.settings.default_region))
    slicer.go_on(number, await call.desk.ask(call.desk.uploads.met(campaign_id, number, numbers)))
    messages = await aside(len(given), partial(_cut, slicer, recipients))
    if wrongs and definition["on_invalid"] == "refuse":
        found = [each for _, wrong in sorted(wrongs.items()) for each in wrong.places()]
        raise Refusal("invalid", errors=found)
    answer = PartAnswer(
        part=number,
        next_part=number + 1,
        request_ids=[each.request_id for each in messages],
        recipients=sum(each.recipients for each in messages),
        left_out=[LeftOut(index, places(wrong)) for index, wrong in sorted(wrongs.items())],
    )
    written = msgspec.json.encode(answer)
    verdict = await _offered(call, number, given, messages, written, slicer.budget)
    return written if verdict == "queued" else None


async def _offered(
    call: Call,
    number: int,
    given: list[Any],
    messages: list[FrozenMessage],
    written: bytes,
    budget: int | None,
) -> str:
    try:
        verdict = await call.desk.ask(
            call.desk.uploads.queue(
                call.path["id"],
                number,
                given,
                messages,
                written,
                is_last=len(given) < SLICE,
                budget=budget,
            )
        )
    except OverBudget as error:
        raise Refusal("over-budget", str(error)) from None
    except InvalidMessage as error:
        raise _refused(error) from None
    if verdict == "conflict":
        raise Refusal("part-conflict", "a message of this name has other content")
    if verdict == "stopped":
        raise Refusal("campaign-cancelled")
    return verdict


def _cut(slicer: Slicer, recipients: list[str | Recipient]) -> list[FrozenMessage]:
    try:
        return slicer.cut(recipients)
    except InvalidMessage as error:
        raise _refused(error) from None


def _refused(error: InvalidMessage) -> Refusal:
    """Say what is wrong with all of a part: the hours of its recipients, or what the rules changed since."""
    found = [WrongPlace(f"{name}: {why}", "#") for name, why in error.fields.items()]
    return Refusal("invalid", _BEGUN, errors=found)


def _recipients(given: list[Any], wrongs: dict[int, Wrong], all_wrong: Wrong) -> list[str | Recipient]:
    return [_recipient(index, each, wrongs, all_wrong) for index, each in enumerate(given)]


def _recipient(index: int, value: object, wrongs: dict[int, Wrong], all_wrong: Wrong) -> str | Recipient:
    wrong = all_wrong.apart()
    found = read_recipient(value, f"#/recipients/{index}", wrong)
    if not len(wrong):
        return found
    # With an empty number the checks leave it out, whatever else is right.
    wrongs[index] = wrong
    return ""


def _note(index: int, given: list[Any], error: InvalidMessage, wrongs: dict[int, Wrong]) -> None:
    if index not in wrongs:
        wrong = wrongs.setdefault(index, Wrong())
        fields = {f"recipients[{index}].{name}": why for name, why in error.fields.items()}
        note_fields(fields, {"recipients": given}, "#", wrong)


def _numbers(recipients: list[str | Recipient], region: str) -> list[str]:
    """Return the numbers that can be read; what cannot is left out anyway."""
    found = []
    for each in recipients:
        try:
            found.append(to_e164(each if isinstance(each, str) else each.phone_number, default_region=region))
        except ValueError:
            continue
    return found
