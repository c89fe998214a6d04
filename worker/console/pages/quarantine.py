"""Callbacks that nobody could place, and how a person lets one be read again."""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from producers.contract.steps import Steps
from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.console.refusals import Refusal, not_found
from worker.inquiry import quarantine
from worker.operator.given_up import READINGS, parse_again
from worker.presentation.masking import first_number, mask_numbers


async def show(visit: Visit) -> Response:
    """Show a page of them."""
    page = await read(visit, quarantine.newest(visit.keys, cursor_of(visit)))
    return visit.render(
        "quarantine.html",
        page=page,
        reasons=quarantine.REASONS,
        readings=READINGS,
        mask_numbers=mask_numbers,
        first_number=first_number,
        older=older("/quarantine", page.cursor),
        newest=address("/quarantine") if cursor_of(visit) else "",
    )


async def parse(visit: Visit) -> Response:
    """Put one back into processing."""
    kind = visit.form.get("kind", "")
    if kind not in READINGS:
        raise Refusal(HTTPStatus.BAD_REQUEST, "There is no such kind of callback.", back="/quarantine")
    entry_id = visit.request.path_params["entry_id"]
    verdict = await read(visit, parse_again(visit.keys, entry_id, kind, visit.by))
    if verdict == "gone":
        raise not_found("This callback is not in quarantine any more: somebody was faster.", "/quarantine")
    if verdict == "cut":
        words = "This callback was too long to be kept whole, so it cannot be read again."
        raise Refusal(HTTPStatus.CONFLICT, words, back="/quarantine")
    words = "The callback is processed again. If nobody can place it, it comes back here."
    return await visit.done("/quarantine", words)


def find_number(visit: Visit, entry_id: str) -> Steps[str | None]:
    """Find the first number in a callback, for `REVEALS`."""
    row = yield from quarantine.find(visit.keys, entry_id)
    return first_number(row.raw) if row else None


PAGES: Final = (
    Page("/quarantine", show),
    Page("/quarantine/{entry_id}/parse", parse, method="POST", role="operator"),
)
