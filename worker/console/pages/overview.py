"""The first page: is all well, and if not, what keeps messages from leaving."""

from collections.abc import Iterable

from starlette.responses import Response

from producers.contract.admission import CREDIT
from worker.account.throttle import DEFAULT, Default
from worker.console.page import Page, Visit
from worker.console.pages.money import words_of
from worker.console.refusals import not_found
from worker.inquiry import money
from worker.inquiry.held_reasons import mismatch_words
from worker.inquiry.money import Spent
from worker.inquiry.overview import QUEUES, panels
from worker.inquiry.panels import Panel
from worker.inquiry.state_of_sending import Limits
from worker.operator.decisions import Decisions
from worker.presentation.counts import counted

#: What limits may be: as `WorkerSettings` says.
_LIMIT_MAX = 10_000


async def show(visit: Visit) -> Response:
    """Show how sending is, and money: at most 95 commands in six round trips. Each part fails alone."""
    return await _render(visit, 200, {})


async def _render(visit: Visit, status: int, problems: dict[str, str]) -> Response:
    found = await visit.ask(panels(visit.keys))
    purse = await visit.ask(money.panels(visit.keys))
    queues = {name: found[f"queue_{name}"] for name in QUEUES}
    return visit.render(
        "overview.html",
        status,
        found=found,
        queues=queues,
        holds=held.value.told(visit.office.hours) if (held := found["held"]).value else [],
        mismatch=mismatch_words,
        of_calls=_of_calls(found["limits"], found["strain"]),
        problems=problems,
        purse_of=purse,
        counts_money=_counts_money(purse["budgets"].value or (), purse["waiting"].value),
        **words_of(visit),
    )


def _counts_money(budgets: Iterable[Spent], waiting: int | None) -> bool:
    """Say whether anything of money is counted, or was today: else the first page leaves it out."""
    return bool(waiting) or any(each.limit or each.hard or each.spent or each.reserved for each in budgets)


def _of_calls(limits: Panel[Limits], strain: Panel[int | None]) -> str:
    """Say of how many calls, as far as that is known."""
    live = limits.value.in_flight if limits.value else None
    known = [limit for limit in (live or None, strain.value) if limit is not None]
    if known:
        return f"of {min(known)}"
    return "now" if limits.failed or strain.failed else "now, no limit"


async def release(visit: Visit) -> Response:
    """End a hold or a pause, and let go on what could not be paid. The script has the audit entry."""
    done = await visit.ask(_decisions(visit).release())
    if not (done.held or done.paused or done.unpaid or done.given_back):
        return await visit.done("/", "Sending was not held; nothing was changed.")
    go_on = counted(done.given_back, "that could not be paid goes on", "that could not be paid go on")
    words = f" {go_on}." if done.given_back else ""
    return await visit.done("/", "Sending goes on." + words)


async def open_breaker(visit: Visit) -> Response:
    """Let go on what waits at a breaker. The script has the audit entry."""
    name = visit.form.get("name", "")
    if not name or name == CREDIT:
        raise not_found("There is no such breaker.")
    shut, given_back = await visit.ask(_decisions(visit).open_breaker(name))
    if not (shut or given_back):
        raise not_found("There is no such breaker any more; nothing was changed.")
    return await visit.done(
        "/", f"The breaker {name} is released; {counted(given_back, 'goes on', 'go on')}."
    )


async def set_limits(visit: Visit) -> Response:
    """Change the limits for all workers at once. The script has the audit entry."""
    problems: dict[str, str] = {}
    limits = {name: _limit(visit.form.get(name, ""), name, problems) for name in ("rate", "in_flight")}
    if problems:
        return await _render(visit, 422, problems)
    in_flight = limits["in_flight"]
    if isinstance(in_flight, float):
        in_flight = int(in_flight)
    changing = _decisions(visit).set_limits(rate=limits["rate"], in_flight=in_flight)
    changed = await changing.arun(visit.office.redis)
    return await visit.done("/", "The limits hold from now on." if changed else "No limit was changed.")


def _limit(written: str, name: str, problems: dict[str, str]) -> float | Default | None:
    if not written.strip():
        return None
    if written.strip() == DEFAULT:
        return DEFAULT
    try:
        limit = float(written)
    except ValueError:
        limit = -1
    if not 0 <= limit <= _LIMIT_MAX or (name == "in_flight" and not limit.is_integer()):
        words = {"rate": "Recipients per second", "in_flight": "Calls in flight"}[name]
        problems[name] = f"{words}: a number from 0 to {_LIMIT_MAX}, 0 for no limit, or {DEFAULT}."
        return None
    return limit


def _decisions(visit: Visit) -> Decisions:
    return Decisions(visit.office.settings, visit.by)


PAGES = (
    Page("/", show),
    Page("/release", release, method="POST", role="operator"),
    Page("/release-breaker", open_breaker, method="POST", role="operator"),
    Page("/limits", set_limits, method="POST", role="operator"),
)
