"""Opt-outs as they came, the newest first; and who is suppressed now, whoever said so."""

from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.console.pages.replies import LookedFor
from worker.inquiry import optouts, suppressions

_HERE: Final = "/optouts"
#: The tabs, and what they are called.
_TABS: Final = {"came": "As they came", "now": "Suppressed now"}


async def show(visit: Visit) -> Response:
    """Show one tab; at most four round trips."""
    return await show_with(visit, LookedFor())


async def show_with(visit: Visit, looked_for: LookedFor) -> Response:
    """Show one tab, and what was wrong with a number that somebody looked for."""
    tab = visit.asked("tab")
    tab = tab if tab in _TABS else "came"
    page: Any
    if tab == "now":
        page = await read(visit, suppressions.listed(visit.keys, cursor_of(visit)))
    else:
        page = await read(visit, optouts.newest(visit.keys, visit.pseudonyms, cursor_of(visit)))
    here = {"tab": tab if tab == "now" else None}
    return visit.render(
        "optouts.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if looked_for.problem else HTTPStatus.OK,
        tab=tab,
        tabs=_TABS,
        count=await visit.panel(suppressions.count_suppressed(visit.keys)),
        page=page,
        older=older(_HERE, page.cursor, **here),
        newest=address(_HERE, **here) if cursor_of(visit) else "",
        looked_for=looked_for,
    )


PAGES: Final = (Page(_HERE, show),)
