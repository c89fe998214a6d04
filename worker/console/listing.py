"""Lists that are read a page at a time: the answer, and the address of what comes behind it."""

from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode

from producers.contract.steps import Steps
from worker.console.page import Visit
from worker.console.refusals import Refusal
from worker.inquiry.paging import BadCursor
from worker.inquiry.panels import Panel

T = TypeVar("T")


async def read(visit: Visit, steps: Steps[T]) -> T:
    """Carry out the steps of a list.

    Raises:
        Refusal: the cursor in the address is none of ours.
    """
    return await visit.ask(_refusing(visit, steps))


async def panel(visit: Visit, steps: Steps[T]) -> Panel[T]:
    """Carry out the steps of a list that may fail while the rest of its page shows; raises as `read`."""
    return await visit.panel(_refusing(visit, steps))


def _refusing(visit: Visit, steps: Steps[T]) -> Steps[T]:
    try:
        return (yield from steps)
    except BadCursor:
        words = "This address names no place in this list."
        raise Refusal(HTTPStatus.BAD_REQUEST, words, back=visit.request.url.path) from None


def address(path: str, **query: str | None) -> str:
    """Write an address of the console; parameters that are empty are left out."""
    given = {name: value for name, value in query.items() if value}
    return quote(path, safe="/@:") + (f"?{urlencode(given)}" if given else "")


def older(path: str, cursor: str | None, **query: str | None) -> str:
    """Write the address of the next page of a list, or ``""``."""
    return address(path, **query, before=cursor) if cursor else ""


def cursor_of(visit: Visit) -> str | None:
    """Return the place in a list that an address names."""
    return visit.asked("before") or None
