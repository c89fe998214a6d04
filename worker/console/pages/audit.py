"""Who did what, the newest first."""

from decimal import Decimal
from typing import Final

from starlette.responses import Response

from producers.rules.money import MICRO
from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.console.pages.money import block_name
from worker.inquiry import audit
from worker.presentation.amounts import amount


async def show(visit: Visit) -> Response:
    """Show a page of actions."""
    page = await read(visit, audit.newest(visit.keys, cursor_of(visit)))
    return visit.render(
        "audit.html",
        page=page,
        older=older("/audit", page.cursor),
        newest=address("/audit") if cursor_of(visit) else "",
        told=lambda row, name, value: _told(visit, row, name, value),
    )


def _told(visit: Visit, row: audit.AuditRow, name: str, value: str) -> str:
    """Write what an action was about: budgets in euros, and a block only as far as somebody sees numbers."""
    if row.action == "budget" and name == "limit" and value.isdecimal():
        return f"{amount(Decimal(value) / MICRO)} €"
    return block_name(visit, value) if name == "block" else value


PAGES: Final = (Page("/audit", show),)
