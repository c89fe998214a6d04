"""Opt-outs, the newest first, with where each came from."""

from typing import Final

from starlette.responses import Response

from producers.contract.steps import Commands, Steps
from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.inquiry import optouts
from worker.inquiry.paging import is_stream_id
from worker.inquiry.state_of_sending import meaning_of


async def show(visit: Visit) -> Response:
    """Show a page of them."""
    page = await read(visit, optouts.newest(visit.keys, cursor_of(visit)))
    return visit.render(
        "optouts.html",
        page=page,
        older=older("/optouts", page.cursor),
        newest=address("/optouts") if cursor_of(visit) else "",
        meaning=meaning_of,
    )


def find_number(visit: Visit, entry_id: str) -> Steps[str | None]:
    """Find the number of an opt-out, for `REVEALS`."""
    if not is_stream_id(entry_id):
        return None
    [found] = yield Commands([("XRANGE", visit.keys.stream("optouts"), entry_id, entry_id, "COUNT", 1)])
    number: bytes | None = found[0][1].get(b"number") if found else None
    return number.decode("utf-8", "replace") if number else None


PAGES: Final = (Page("/optouts", show),)
