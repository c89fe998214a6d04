"""An entry of a thread in words, the same for the page with scripts and without, and for tests."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from worker.sandbox.simulator.callback_record import CallbackRecord
from worker.sandbox.simulator.events import Event
from worker.sandbox.simulator.handsets import Handsets, Pen
from worker.sandbox.simulator.harmless import harmless
from worker.sandbox.simulator.journal import RequestRecord
from worker.sandbox.simulator.segments import (
    GSM7_ALONE,
    GSM7_PART,
    UCS2_ALONE,
    UCS2_PART,
    count_units,
    forces_unicode,
)
from worker.sandbox.simulator.threads import Entry, Sending, Told


class Callback(msgspec.Struct, kw_only=True):
    """An event and how its POSTs went, e.g. ``Reply`` and ``200 in 12 ms``; `event` is its serial number."""

    event: int
    what: str
    tries: list[str]


class EntryInWords(msgspec.Struct, kw_only=True):
    """One bubble, ready to be shown. All texts are harmless: nothing in them hides or reverses anything.

    Attributes:
        id: Never changes.
        order: Entries stand in this order.
        kind: ``message`` to the handset; ``reply`` or ``optout`` from it.
        name: The number, spaced for reading.
        time: Time of day on this machine, by the simulator's clock.
        shown: Whether it is a message that the handset shows.
        talks: Whether the handset has written.
        pen: What the person with this handset can do now, the same in all its entries.
        why: Why that is nothing; empty when it is not.
        mood: ``good``, ``wait`` or ``bad``.
        line: The sentence under the bubble, e.g. ``Shown 1 of 1 · 1 POST · DELIVERED``.
        facts: Names and values to look up.
        callbacks: Receipts of a message, or the reply or opt-out itself.
    """

    id: int
    order: int
    kind: Literal["message", "reply", "optout"]
    number: str
    name: str
    text: str
    at: float
    time: str
    day: str
    shown: bool
    talks: bool
    pen: Pen
    why: str
    mood: Literal["good", "wait", "bad"]
    line: str
    facts: list[tuple[str, str]]
    callbacks: list[Callback]


def in_words(entry: Entry, handsets: Handsets) -> EntryInWords:
    """Describe an entry as it is now, and what its handset can do."""
    callbacks = [_callback(told) for told in entry.told.values()]
    if entry.sending is not None:
        at = entry.message.sent_at if entry.message else entry.sending.requests[-1].at
        mood, line = _of_message(entry, entry.sending)
        facts = list(_facts(entry, entry.sending))
    else:
        at = entry.event.at if entry.event else 0.0
        mood, line = _of_writing(entry)
        if entry.event and not entry.event.possible:
            line = f"No real phone could · {line}"
        facts = list(_facts_of_writing(entry.event)) if entry.event else []
    local = datetime.fromtimestamp(at).astimezone()
    return EntryInWords(
        id=entry.id,
        order=entry.order,
        kind="optout"
        if entry.event and entry.event.kind == "optout"
        else "reply"
        if entry.event
        else "message",
        number=entry.number,
        name=spaced(entry.number),
        text=harmless(entry.text),
        at=at,
        time=f"{local:%H:%M}",
        day=f"{local:%A} {local.day} {local:%B}",
        shown=bool(entry.message and entry.message.reached),
        talks=entry.talks,
        pen=handsets.pen(entry.number),
        why=why_nothing(entry.number, handsets),
        mood=mood,
        line=line,
        facts=[(name, harmless(value)) for name, value in facts],
        callbacks=callbacks,
    )


def why_nothing(number: str, handsets: Handsets) -> str:
    """Say why nobody can answer on a handset; empty when somebody can."""
    if handsets.pen(number) != "nothing":
        return ""
    name = harmless(handsets.name_shown(number))
    return f"“{name}” is a name: nobody can answer it. Send with_replies for a two-way SMS."


def spaced(number: str) -> str:
    """Write a French number in pairs, as people there do; others stay as they are, harmless."""
    digits = number.removeprefix("+33")
    if digits != number and len(digits) == 9 and digits.isdigit():
        return f"+33 {digits[0]} " + " ".join(digits[place : place + 2] for place in range(1, 9, 2))
    return harmless(number)


def _of_message(entry: Entry, sending: Sending) -> tuple[Literal["good", "wait", "bad"], str]:
    posts = len(sending.requests)
    counted = f"{posts} POST{'' if posts == 1 else 's'}"
    shown = sum(message.reached for message in sending.messages)
    if entry.message is None:
        mood, state = _not_yet(sending.requests)
        return mood, f"{state} · {counted}"
    receipt = _latest_receipt(entry)
    if not entry.message.reached:
        return "bad", f"Not shown: {harmless(entry.message.status)} · {counted}"
    if shown > 1:
        return "bad", f"Shown {shown} times · {counted}"
    return "good", " · ".join(filter(None, ("Shown 1 of 1", counted, receipt)))


def _not_yet(requests: Sequence[RequestRecord]) -> tuple[Literal["wait", "bad"], str]:
    """Tell why nothing left for the handset: a POST was accepted, or what the newest one heard."""
    if any(request.outcome == "accepted" for request in requests):
        return "wait", "Accepted, has not left"
    request = requests[-1]
    waiting = {"": "The gateway has it", "simulated": "Simulation only"}
    if request.outcome in waiting:
        return "wait", waiting[request.outcome]
    if request.code is not None:
        return "bad", f"Not shown: refused with {harmless(str(request.code))}"
    return "bad", "Not shown: the gateway did not take it"


def _of_writing(entry: Entry) -> tuple[Literal["good", "wait", "bad"], str]:
    attempts = [record for told in entry.told.values() for record in told.attempts]
    if not attempts:
        is_told = any(told.has_url for told in entry.told.values())
        return ("wait", "On its way to your app") if is_told else ("bad", "Your app has no callback URL here")
    word = "Opt-out" if entry.event and entry.event.kind == "optout" else "Callback"
    many = f"{word}s" if len(attempts) > 1 else word
    mood: Literal["good", "bad"] = "good" if any(r.outcome == "delivered" for r in attempts) else "bad"
    return mood, f"{many} answered {', '.join(map(_try, attempts[-3:]))}"


def _facts(entry: Entry, sending: Sending) -> Iterator[tuple[str, str]]:
    request = sending.requests[-1] if sending.requests else None
    message = entry.message
    if message is not None:
        kind = "answers go there" if message.with_replies else "a name: nobody can answer"
        yield "Sender", f"{message.sender} ({kind})"
        yield "Segments", _weight(entry.text, message.segments)
        yield "Ticket", message.ticket
    request_id = message.request_id if message else request and request.request_id
    yield "request_id", request_id or "none"
    for number, post in enumerate(sending.requests, 1):
        yield f"POST {number}", _post(post)
    yield "Left for the handset", _times(len(sending.messages))


def _facts_of_writing(event: Event) -> Iterator[tuple[str, str]]:
    if not event.possible:
        yield "On a real phone", "impossible: what it answers is not there, or came from a name"
    yield "Answers ticket", event.message_id or "none: the handset shows no two-way message"


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")


def _weight(text: str, segments: int) -> str:
    units, forcing = count_units(text), forces_unicode(text)
    alphabet, alone, part = ("UCS-2", UCS2_ALONE, UCS2_PART) if forcing else ("GSM-7", GSM7_ALONE, GSM7_PART)
    room = alone if segments == 1 else segments * part
    why = f" because of “{forcing}” (U+{ord(forcing):04X})" if forcing else ""
    return f"{segments} in {alphabet}{why}: {units} of {room} characters"


def _post(request: RequestRecord) -> str:
    if request.outcome == "dropped":
        outcome = "not taken" if request.code is None else "refused"
    else:
        outcome = {"": "under way", "claimed": "not taken, its request_id is used up"}.get(
            request.outcome, request.outcome
        )
    code = f" {request.code}" if request.code is not None else ""
    # The labels of the weather are words with underscores.
    fault = f", then {request.fault.replace('_', ' ')}" if request.fault and not code else ""
    return f"{outcome}{code}{fault}"


def _latest_receipt(entry: Entry) -> str:
    told = [each.event.status for each in entry.told.values() if each.attempts]
    return harmless(told[-1]) if told else ""


def _callback(told: Told) -> Callback:
    names = {"reply": "Reply", "optout": "Opt-out", "receipt": f"Receipt {harmless(told.event.status)}"}
    return Callback(
        event=told.event.serial,
        what=names[told.event.kind],
        tries=[_try(record) for record in told.attempts] or [_untried(told)],
    )


def _untried(told: Told) -> str:
    return "not posted yet" if told.has_url else "not posted: no callback URL is set"


def _try(record: CallbackRecord) -> str:
    if record.outcome in ("lost", "off"):
        return {"lost": "lost on purpose", "off": "not posted: the URL is switched off"}[record.outcome]
    status = str(record.http_status or "nothing")
    wrong = f" ({', '.join(record.violations)})" if record.violations else ""
    return f"{status} in {record.ms:.0f} ms{wrong}"
