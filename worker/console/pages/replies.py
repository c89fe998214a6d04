"""Replies by country, by date, by what they say and by what they answer."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from producers.contract.talks import talk_key
from worker.console.page import Page, Visit
from worker.console.pages.reply_filters import Asked, read_filter
from worker.console.refusals import Refusal
from worker.inquiry import replies
from worker.inquiry.paging import is_stream_id

#: What a match is called, with its shape.
MATCHES: Final = {
    "ticket": ("ok", "by ticket"),
    "number": ("wait", "by number"),
    "none": ("unknown", "unknown"),
}


@dataclass(frozen=True, slots=True)
class _List:
    """What the page shows.

    Attributes:
        page: the replies.
        talks: keys of their conversations, in order; ``""`` where there is none.
        countries: how many replies are kept, by country.
    """

    page: replies.Page
    talks: tuple[str, ...]
    countries: dict[str, int]


async def show(visit: Visit) -> Response:
    """Show a page of 50. One or two round trips; up to 40 while a text or a match is looked for."""
    asked = read_filter(visit)
    try:
        found = await visit.ask(_find(visit.keys, asked, visit.asked("before") or None))
    except ValueError:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "This address leads to no page of replies.", back="/replies"
        ) from None
    status = HTTPStatus.UNPROCESSABLE_ENTITY if asked.problems else HTTPStatus.OK
    before = visit.asked("before")
    return visit.render("replies.html", status, found=found, asked=asked, matches=MATCHES, before=before)


def _find(keys: Keys, asked: Asked, cursor: str | None) -> Steps[_List]:
    page = yield from replies.find(keys, asked.filter, cursor)
    countries = yield from replies.read_countries(keys)
    [secret] = yield Commands([("GET", keys.talk_secret)])
    talks = (
        talk_key(secret, each.reply.number) if secret and each.reply is not None else ""
        for each in page.replies
    )
    return _List(page, tuple(talks), countries)


def number_of(keys: Keys, stream_id: str) -> Steps[str | None]:
    """Find who wrote a reply."""
    if not is_stream_id(stream_id):
        return None
    [entries] = yield Commands([("XRANGE", keys.stream("replies"), stream_id, stream_id)])
    return entries[0][1].get(b"number", b"").decode() if entries else None


PAGES = (Page("/replies", show),)
