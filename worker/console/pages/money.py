"""Money: what today has cost, prices, blocks of numbers that get no alerts, the newest alarms."""

from typing import Final

from starlette.responses import Response

from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.console.refusals import too_late
from worker.inquiry import money
from worker.operator.money_decisions import lift_block
from worker.presentation.amounts import amount

_HERE: Final = "/money"


async def show(visit: Visit) -> Response:
    """Show all of it, and a page of alarms."""
    page = await read(visit, money.read_alarms(visit.keys, cursor_of(visit)))
    return visit.render(
        "money.html",
        page=page,
        budgets=await visit.panel(money.read_budgets(visit.keys)),
        prices=await visit.panel(money.read_prices(visit.keys)),
        blocks=await visit.panel(money.read_blocks(visit.keys)),
        amount=amount,
        older=older(_HERE, page.cursor),
        newest=address(_HERE) if cursor_of(visit) else "",
    )


async def lift(visit: Visit) -> Response:
    """Let a block of numbers get alerts again."""
    block = visit.form.get("block", "")
    if not await lift_block(visit.keys, block, visit.by).arun(visit.office.redis):
        raise too_late("not blocked any more", _HERE)
    return await visit.done(_HERE, "These numbers get alerts again.")


PAGES: Final = (Page(_HERE, show), Page("/money/lift", lift, method="POST", role="operator"))
