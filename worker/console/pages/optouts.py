"""Opt-outs, the newest first: where each came from, whether it counts now, and how to lift it."""

from typing import Final

from starlette.responses import Response

from producers.contract.steps import Commands, Steps
from producers.rules.settings import ACCOUNT
from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.console.refusals import not_found, too_late
from worker.inquiry import optouts
from worker.inquiry.code_words import meaning_of
from worker.inquiry.paging import is_stream_id
from worker.operator.suppressions import Suppressions


async def show(visit: Visit) -> Response:
    """Show a page of them."""
    page = await read(visit, optouts.newest(visit.keys, visit.pseudonyms, cursor_of(visit)))
    return visit.render(
        "optouts.html",
        page=page,
        older=older("/optouts", page.cursor),
        newest=address("/optouts") if cursor_of(visit) else "",
        meaning=meaning_of,
    )


async def lift(visit: Visit) -> Response:
    """Lift the suppression that an opt-out has brought about."""
    entry_id = visit.request.path_params["entry_id"]
    optout = await visit.ask(optouts.find(visit.keys, entry_id)) if is_stream_id(entry_id) else None
    if optout is None:
        raise not_found("This opt-out has been forgotten: see octopush-worker suppress remove.", "/optouts")
    decisions = Suppressions(visit.office.settings, visit.by)
    lifted = await visit.ask(decisions.lift(optout.number, "console", scope=optout.scope or ACCOUNT))
    if not lifted:
        raise too_late("not suppressed", "/optouts")
    return await visit.done("/optouts", "Lifted. Octopush may still block the number.")


def find_number(visit: Visit, entry_id: str) -> Steps[str | None]:
    """Find the number of an opt-out, for `REVEALS`."""
    if not is_stream_id(entry_id):
        return None
    [found] = yield Commands([("XRANGE", visit.keys.stream("optouts"), entry_id, entry_id, "COUNT", 1)])
    number: bytes | None = found[0][1].get(b"number") if found else None
    return number.decode("utf-8", "replace") if number else None


PAGES: Final = (
    Page("/optouts", show),
    Page("/optouts/{entry_id}/lift", lift, method="POST", role="operator"),
)
