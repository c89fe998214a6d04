"""What waits for a person: counted, listed, sent again one by one or all that match, behind a preview."""

from decimal import Decimal
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from worker.console.listing import address, cursor_of, older, panel
from worker.console.page import Page, Visit
from worker.console.refusals import Refusal, not_found, too_late
from worker.inquiry import failures
from worker.inquiry.code_words import meaning_of
from worker.inquiry.parked import Group, ParkedMessages
from worker.operator.bulk import Bulk, Job
from worker.operator.decisions import REPLAYABLE
from worker.presentation.amounts import amount

_STATES: Final = ("rejected", "failed", "unknown")


async def show(visit: Visit) -> Response:
    """Show counts by state and code, and the messages of one such group or of all."""
    parked = ParkedMessages.of(visit.office.settings)
    groups = (await visit.panel(parked.groups())).value
    state, code = visit.asked("state"), visit.asked("code")
    state = state if state in _STATES else ""
    chosen = [
        each
        for each in groups or ()
        if state in {"", each.state} and ("code" not in visit.request.query_params or code == each.code)
    ]
    # Groups lie apart: those of one state, or one code, are listed group by group.
    group = Group(state, code, 0) if state and "code" in visit.request.query_params else None
    page = (await panel(visit, failures.newest(parked, group, cursor_of(visit)))).value
    jobs = (await visit.panel(_bulk(visit).newest())).value
    matching = [each for each in chosen if each.state in REPLAYABLE]
    here = {"state": state, "code": code} if group else {}
    return visit.render(
        "failures.html",
        groups=groups,
        group=group,
        state=state,
        code=code,
        page=page,
        matching=sum(each.count for each in matching),
        jobs=None if jobs is None else [job for job in jobs if job.state != "planned"],
        replayable=REPLAYABLE,
        older=older("/failures", page.cursor if page else None, **here),
        newest=address("/failures", **here) if cursor_of(visit) else "",
        address=address,
        meaning=meaning_of,
    )


async def plan(visit: Visit) -> Response:
    """Count and price what would be sent again, and show it; nothing is sent."""
    state, code = visit.form.get("state") or None, visit.form.get("code")
    if state is not None and state not in REPLAYABLE:
        words = "Only rejected and failed messages are sent again together."
        raise Refusal(HTTPStatus.BAD_REQUEST, words, back="/failures")
    job_id = await visit.ask(_bulk(visit).plan(state, code, visit.by))
    return await visit.done(_path(job_id))


async def show_job(visit: Visit) -> Response:
    """Show a plan for a decision, or how far it is carried out."""
    job = await visit.ask(_bulk(visit).find(_job_id(visit)))
    if job is None:
        words = "This preview is forgotten after 15 minutes. Look at what waits now, and preview again."
        raise not_found(words, "/failures")
    return visit.render("job.html", job=job, cost=_cost(job), more_than=job.total > job.examined)


async def begin(visit: Visit) -> Response:
    """Let a plan be carried out."""
    job_id = _job_id(visit)
    why_not = await _bulk(visit).begin(job_id, visit.by).arun(visit.office.redis)
    _raise_if_not(why_not, job_id)
    return await visit.done(_path(job_id), "The job has begun.")


async def stop(visit: Visit) -> Response:
    """Stop a job."""
    job_id = _job_id(visit)
    why_not = await _bulk(visit).stop(job_id, visit.by).arun(visit.office.redis)
    _raise_if_not(why_not, job_id)
    return await visit.done(_path(job_id), "Stopped. What was queued again by then stays queued.")


def _cost(job: Job) -> str:
    """Write what a job may cost, as far as that is known."""
    if job.cost == Decimal(0) and job.unpriced:
        return "price unknown"
    cost = f"about {amount(job.cost)}"
    return f"{cost}, and {job.unpriced:,} of unknown price" if job.unpriced else cost


def _raise_if_not(why_not: str | None, job_id: str) -> None:
    if why_not == "gone":
        raise not_found("This preview is forgotten. Look at what waits now, and preview again.", "/failures")
    if why_not is not None:
        raise too_late(why_not, _path(job_id))


def _path(job_id: str) -> str:
    return address(f"/failures/jobs/{job_id}")


def _job_id(visit: Visit) -> str:
    job_id: str = visit.request.path_params["job_id"]
    return job_id


def _bulk(visit: Visit) -> Bulk:
    return Bulk(visit.office.settings)


PAGES: Final = (
    Page("/failures", show),
    Page("/failures/replay", plan, method="POST", role="operator"),
    Page("/failures/jobs/{job_id}", show_job),
    Page("/failures/jobs/{job_id}/begin", begin, method="POST", role="operator"),
    Page("/failures/jobs/{job_id}/stop", stop, method="POST", role="operator"),
)
