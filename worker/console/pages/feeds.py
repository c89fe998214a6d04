"""The streams and who reads them; what a group has given up, and how a person gives it back."""

from typing import Final

from starlette.responses import Response

from producers.contract.kinds import TYPES
from producers.contract.steps import Commands, Steps
from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.console.refusals import not_found, too_late
from worker.inquiry import feeds
from worker.inquiry.code_words import meaning_of
from worker.inquiry.paging import is_stream_id
from worker.operator.given_up import replay_poison

_WHY_NOT: Final = {
    "trimmed": "trimmed from its stream: nobody can be given it any more",
    "no_group": "of a group that is gone",
}


async def show(visit: Visit) -> Response:
    """Show all streams."""
    return visit.render("feeds.html", feeds=await visit.ask(feeds.read_feeds(visit.keys)), address=address)


async def show_poison(visit: Visit) -> Response:
    """Show what a group has given up."""
    stream, group = _stream(visit), visit.asked("group")
    page = await read(visit, feeds.read_poison(visit.keys, stream, group, cursor_of(visit)))
    here = f"/feeds/{stream}/poison"
    return visit.render(
        "poison.html",
        stream=stream,
        group=group,
        page=page,
        older=older(here, page.cursor, group=group),
        newest=address(here, group=group) if cursor_of(visit) else "",
        meaning=meaning_of,
    )


async def replay(visit: Visit) -> Response:
    """Give one entry back to the group that gave it up."""
    stream, group, entry_id = _stream(visit), visit.form.get("group", ""), visit.form.get("entry", "")
    back = address(f"/feeds/{stream}/poison", group=group)
    if not is_stream_id(entry_id):
        raise not_found("There is no such entry.", back)
    verdict = await replay_poison(visit.keys, stream, group, entry_id, visit.by).arun(visit.office.redis)
    if verdict == "gone":
        raise too_late("given back already, or dropped", back)
    if verdict != "done":
        raise too_late(_WHY_NOT[verdict], back)
    return await visit.done(back, "The group gets this entry once more, within ten seconds.")


def find_number(visit: Visit, name: str) -> Steps[str | None]:
    """Find the number of a poison entry, ``<stream>~<entry id>~<group>``, for `REVEALS`."""
    stream, _, rest = name.partition("~")
    entry_id, _, group = rest.partition("~")
    if stream not in TYPES or not is_stream_id(entry_id):
        return None
    [found] = yield Commands([("XRANGE", visit.keys.poison(stream, group), entry_id, entry_id, "COUNT", 1)])
    number: bytes | None = found[0][1].get(b"number") if found else None
    return number.decode("utf-8", "replace") if number else None


def _stream(visit: Visit) -> str:
    stream: str = visit.request.path_params["stream"]
    if stream not in TYPES:
        raise not_found("There is no such stream.", "/feeds")
    return stream


PAGES: Final = (
    Page("/feeds", show),
    Page("/feeds/{stream}/poison", show_poison),
    Page("/feeds/{stream}/poison", replay, method="POST", role="operator"),
)
