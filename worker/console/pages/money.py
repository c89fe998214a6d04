"""Money: what today has cost and may cost, prices, blocks that get no alerts, the newest alarms."""

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from producers.rules.money import MICRO, micros
from worker.console.listing import address, cursor_of, older, read
from worker.console.page import Page, Visit
from worker.console.refusals import Refusal, not_found, too_late
from worker.inquiry import money
from worker.inquiry.alarm_words import alarm_words
from worker.operator.money_decisions import lift_block, set_budget
from worker.presentation.counts import counted
from worker.presentation.masking import mask_block

_HERE: Final = "/money"
#: What stands for what the workers are set to.
_DEFAULT: Final = "default"
#: What is wrong with a budget that cannot be read, by field.
PROBLEM: Final = {"euros": f"The budget: euros such as 250 or 250.50, 0 for any, or {_DEFAULT}."}
#: The budgets of a day, and what they are about.
_SCOPES: Final = {
    "account": "The account, marketing",
    "app": "Each application, marketing",
    "hard": "The account, alerts, too",
}


async def show(visit: Visit) -> Response:
    """Show all of it, and a page of alarms; at most six round trips."""
    return await _render(visit, {})


async def lift(visit: Visit) -> Response:
    """Let a block of numbers get alerts again, and go back to the page on which that was decided."""
    block = visit.form.get("block", "")
    back = "/" if visit.form.get("back") == "/" else _HERE
    if not await lift_block(visit.keys, block, visit.by).arun(visit.office.redis):
        raise too_late("not blocked any more", back)
    return await visit.done(back, "These numbers get alerts again.")


async def change_budget(visit: Visit) -> Response:
    """Set a budget of a day for all workers at once; what waits is looked at again."""
    scope = visit.form.get("scope", "")
    if scope not in _SCOPES:
        raise Refusal(HTTPStatus.BAD_REQUEST, "There is no such budget.", back=_HERE)
    words = await budget_set(visit, scope)
    return await visit.done(_HERE, words) if words else await _render(visit, PROBLEM)


async def budget_set(visit: Visit, scope: str) -> str:
    """Set the budget that a form has in its field ``euros``. Safe to repeat; the script has the audit entry.

    Args:
        visit: the form.
        scope: ``account``, ``app``, ``hard`` or ``campaign:<id>``.

    Returns:
        What was done, in words; empty if that is no amount.

    Raises:
        Refusal: there is no such campaign.
    """
    written = visit.form.get("euros", "").strip().replace(",", ".")
    try:
        limit = _DEFAULT if written == _DEFAULT else str(micros(written))
    except ValueError:
        return ""
    done, again = await visit.ask(set_budget(visit.keys, scope, limit, visit.by))
    if not done:
        raise not_found("This campaign is unknown, or forgotten.", "/campaigns")
    waiting = counted(again, "that waited is looked at again", "that waited are looked at again")
    return f"The budget holds from now on; {waiting}." if again else "The budget holds from now on."


def block_name(visit: Visit, start: str) -> str:
    """Name a block of numbers, for whoever sees numbers as much of it as of any number."""
    return f"{start}…" if visit.visitor.is_operator else mask_block(start)


def alarm_in_words(visit: Visit, row: money.AlarmRow) -> str:
    """Say what an alarm tells; empty if it cannot be read."""
    return alarm_words(row.alarm, block_name(visit, row.alarm.scope)) if row.alarm else ""


def words_of(visit: Visit) -> dict[str, Any]:
    """Give what `money_parts.html` reads besides its figures."""
    return {
        "block_name": lambda start: block_name(visit, start),
        "in_sentence": lambda row: alarm_in_words(visit, row),
    }


async def _render(visit: Visit, problems: Mapping[str, str]) -> Response:
    page = await read(visit, money.read_alarms(visit.keys, cursor_of(visit)))
    found = await visit.ask(money.panels(visit.keys))
    return visit.render(
        "money.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        page=page,
        found=found,
        prices=await visit.panel(money.read_prices(visit.keys)),
        assumed=_assumed(visit),
        scopes=tuple(_SCOPES.items()),
        chosen=visit.form.get("scope", ""),
        written=visit.form.get("euros", ""),
        problems=problems,
        older=older(_HERE, page.cursor),
        newest=address(_HERE) if cursor_of(visit) else "",
        **words_of(visit),
    )


def _assumed(visit: Visit) -> Decimal | None:
    """Say what a segment is taken to cost whose price nobody knows, by the console's own setting."""
    found = visit.office.settings.unknown_micros
    return None if found is None else Decimal(found) / MICRO


PAGES: Final = (
    Page(_HERE, show),
    Page("/money/lift", lift, method="POST", role="operator"),
    Page("/money/budget", change_budget, method="POST", role="operator"),
)
