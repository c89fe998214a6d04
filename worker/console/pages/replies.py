"""Replies by country, by date, by what they say and by what they answer."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from producers.contract.steps import Commands, Steps
from producers.queueing.conversations import name_talks
from worker.console.page import Page, Visit
from worker.console.pages.reply_filters import read_filter
from worker.console.refusals import Refusal
from worker.inquiry import replies
from worker.inquiry.paging import is_stream_id
from worker.inquiry.panels import Panel

#: What a match is called, as in docs/architecture.md, with its shape.
MATCHES: Final = {
    "ticket": ("ok", "by ticket"),
    "number": ("wait", "by number"),
    "none": ("plain", "none"),
}


@dataclass(frozen=True, slots=True)
class LookedFor:
    """A number that was looked for in vain.

    Attributes:
        number: as it was typed, such as ``06 12``.
        problem: what is wrong with it, or ``""``.
    """

    number: str = ""
    problem: str = ""


async def show(visit: Visit) -> Response:
    """Show a page of 50."""
    return await show_with(visit, LookedFor())


async def show_with(visit: Visit, looked_for: LookedFor) -> Response:
    """Show a page of 50, and what was typed below it.

    Three or four round trips; up to 42 while a text or a match is looked for.
    """
    asked, before = read_filter(visit), visit.asked("before")
    if before and not is_stream_id(before):
        words = "This address leads to no page of replies."
        raise Refusal(HTTPStatus.BAD_REQUEST, words, back="/replies")
    page = await visit.panel(replies.find(visit.keys, asked.filter, before or None))
    wrong = asked.problems or asked.nothing or looked_for.problem
    talks = await visit.panel(_talks(visit, page.value)) if page.value else Panel(None)
    return visit.render(
        "replies.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        page=page.value,
        talks=talks.value,
        countries=(await visit.panel(replies.read_countries(visit.keys))).value or {},
        asked=asked,
        matches=MATCHES,
        match_choices=[("", "All"), *((match, words) for match, (_, words) in MATCHES.items())],
        before=before,
        looked_for=looked_for,
    )


def _talks(visit: Visit, page: replies.ReplyPage) -> Steps[list[str]]:
    """Name the conversation of each reply; ``""`` where there is none."""
    pseudonyms = yield from visit.pseudonyms.read()
    numbers = [each.reply.number for each in page.replies if each.reply is not None]
    names = iter((yield from name_talks(visit.keys, pseudonyms, numbers)))
    return ["" if each.reply is None else next(names) for each in page.replies]


def number_of(visit: Visit, stream_id: str) -> Steps[str | None]:
    """Find who wrote a reply."""
    if not is_stream_id(stream_id):
        return None
    [entries] = yield Commands([("XRANGE", visit.keys.stream("replies"), stream_id, stream_id)])
    return entries[0][1].get(b"number", b"").decode() if entries else None


PAGES = (Page("/replies", show),)
