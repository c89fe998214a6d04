"""Who did what, the newest first."""

from typing import Final

from starlette.responses import Response

from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.inquiry import audit


async def show(visit: Visit) -> Response:
    """Show a page of actions."""
    page = await read(visit, audit.newest(visit.keys, cursor_of(visit)))
    return visit.render(
        "audit.html",
        page=page,
        older=older("/audit", page.cursor),
        newest=address("/audit") if cursor_of(visit) else "",
    )


PAGES: Final = (Page("/audit", show),)
