"""The body of a mail about a reply: what was written, what it answers, and where to go on. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from producers.contract.events import Reply
from producers.contract.phone import mask
from worker.inquiry.dates import ZONE, day_in_paris
from worker.presentation.masking import hide_number
from worker.presentation.visible import visible

#: Stands above all that we write. An answer is what stands above it, in any language and mail program.
ANSWER_ABOVE: Final = "##- Write your answer above this line -##"

_INDENT: Final = "    "
#: Members of a context that are shown, and characters of each.
_MEMBERS_MAX: Final = 12
_VALUE_MAX: Final = 120


@dataclass(frozen=True)
class AnsweredSms:
    """The SMS that a reply answers.

    Attributes:
        text: as its recipient was to read it; None if it was not kept.
        at: when it left.
    """

    text: str | None
    at: datetime


@dataclass(frozen=True)
class Letter:
    """What a mail tells.

    Attributes:
        reply: what came.
        entry_id: of its entry in the stream.
        talk: the key of its conversation; None before anything was noted of it.
        campaign: the campaign that it answers, or None.
        answered: the SMS that it answers, or None.
    """

    reply: Reply
    entry_id: str
    talk: str | None = None
    campaign: str | None = None
    answered: AnsweredSms | None = None


def shown_number(number: str, *, full: bool) -> str:
    """Write a number for people: masked, unless all of it may be seen.

    The gateway may give anything for a number. What is none is not shown in headers at all.
    """
    digits = number.removeprefix("+")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        return "an unreadable number"
    return number if full else mask(number)


def body(letter: Letter, *, full: bool, console_url: str, answered_until: datetime | None) -> str:
    """Write the plain text of a mail.

    Args:
        letter: what it tells.
        full: whether the whole number may be seen.
        console_url: address of the console, or nothing.
        answered_until: until when an answer to the mail becomes an SMS; None if it never does.
    """
    reply = letter.reply
    who = shown_number(reply.number, full=full)
    country = f" ({reply.country})" if reply.country else ""
    parts = [ANSWER_ABOVE] if answered_until else []
    parts += [f"{visible(who + country)} wrote on {_when(reply.received_at)}:", _quoted(reply.text)]
    parts += _asked(letter)
    facts = _facts(letter, full=full, console_url=console_url)
    parts += ["\n".join(f"{name:<14}{value}" for name, value in facts)] if facts else []
    parts.append(_how_to_answer(answered_until, console_url))
    return "\n\n".join(parts) + "\n"


def _asked(letter: Letter) -> list[str]:
    answered = letter.answered
    if letter.reply.request_id is None:
        return ["No SMS is known that this answers."]
    if answered is None:
        return []
    # Without a ticket the gateway does not say which SMS was answered.
    seems = "This seems to answer" if letter.reply.match == "number" else "This answers"
    if answered.text is None:
        return [f"{seems} your SMS of {_when(answered.at)}. Its text was not kept."]
    return [f"{seems} your SMS of {_when(answered.at)}:", _quoted(answered.text)]


def _facts(letter: Letter, *, full: bool, console_url: str) -> list[tuple[str, str]]:
    reply, facts = letter.reply, list[tuple[str, str]]()
    if console_url and letter.talk:
        facts.append(("Conversation:", f"{console_url.rstrip('/')}/conversations/{letter.talk}"))
    if letter.campaign:
        facts.append(("Campaign:", visible(letter.campaign)))
    if reply.request_id:
        facts.append(("Message:", visible(reply.request_id)))
    members = _members(reply.context, None if full else reply.number)
    return [*facts, *zip(["Context:", *([""] * len(members))], members, strict=False)]


def _members(context: Any, hidden: str | None) -> list[str]:
    """Show the application's own value member by member, bounded, and without the number if it is masked."""
    if context is None:
        return []
    if not isinstance(context, dict):
        return [_value(context, hidden)]
    return [
        f"{_value(name, hidden)}: {_value(each, hidden)}" for name, each in [*context.items()][:_MEMBERS_MAX]
    ]


def _value(value: Any, hidden: str | None) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = hide_number(text, hidden) if hidden else text
    return visible(text if len(text) <= _VALUE_MAX else text[:_VALUE_MAX] + "…")


def _how_to_answer(until: datetime | None, console_url: str) -> str:
    if until:
        return f"Your answer to this mail goes out as an SMS, until {day_in_paris(until)}."
    where = "Answer on the page of the conversation." if console_url else ""
    return f"An answer to this mail does not reach the person who wrote. {where}".rstrip()


def _quoted(text: str) -> str:
    """Set foreign text apart: no line of it begins where ours do, so that it cannot pass for ours."""
    if not text.strip():
        return _INDENT + "(no text)"
    return "\n".join(_INDENT + line for line in visible(text, lines=True).split("\n"))


def _when(moment: datetime) -> str:
    return f"{day_in_paris(moment)} at {moment.astimezone(ZONE):%H:%M}, Paris time"
