"""Sends: what runs, waits, comes later and has ended; one send with why it is where it is, and decisions."""

from datetime import datetime
from http import HTTPStatus
from typing import Final

import msgspec
from markupsafe import Markup, escape
from starlette.responses import Response

from producers.contract.keys import Keys
from producers.contract.steps import Steps
from producers.queueing.records import Records
from worker.console.forms import local_path
from worker.console.listing import address, cursor_of, older, panel
from worker.console.page import Page, Visit, see
from worker.console.refusals import Refusal, not_found, too_late
from worker.console.rendering import when
from worker.inquiry import audit, explain, send_detail, sends, timeline
from worker.inquiry.code_words import meaning_of
from worker.inquiry.paging import Page as Rows
from worker.inquiry.reason import Reason, clock
from worker.inquiry.send_rows import SendRow
from worker.operator.decisions import Decision, Decisions
from worker.presentation.masking import hide_number, mask_numbers
from worker.presentation.visible import visible

#: What stands above the times of a tab, and what an empty one means.
_TABS: Final = {
    "running": ("Running", "Since", "Attempts that run now", "No attempt runs."),
    "waiting": ("Waiting", "Queued", "Ready to leave, the next one first", "Nothing waits."),
    "scheduled": ("Scheduled", "Due", "What comes later, the next one first", "Nothing is scheduled."),
    "ended": ("Ended", "Ended", "The newest ends", "Nothing has ended yet."),
}
#: What is wrong with the text of a message that cannot be sent again.
_NOT_REPLAYABLE: Final = {"body_lost": "is not kept any more", "body_damaged": "is damaged"}
_RECIPIENTS: Final = 100
#: Receipts in a timeline; the others stand with their recipients.
_RECEIPTS: Final = 50


async def show(visit: Visit) -> Response:
    """Show one tab, or go to the send that is asked for."""
    word, problem = visit.asked("id"), ""
    if word:
        found = await visit.ask(sends.look_up(visit.keys, word))
        if found is not None:
            return see(address(f"/sends/{found}"))
        problem = "Nobody knows this id or ticket, or it is forgotten."
    tab = visit.asked("tab")
    tab = tab if tab in _TABS else "running"
    queue = visit.asked("queue")
    queue = queue if queue in sends.QUEUES else sends.QUEUES[0]
    counts = (await visit.panel(sends.count(visit.keys))).value
    page = (await panel(visit, _ask(visit.keys, tab, queue, cursor_of(visit)))).value
    by_queue = {"waiting": counts.waiting, "scheduled": counts.scheduled} if counts else {}
    has_queues = tab in {"waiting", "scheduled"}
    here = {"tab": tab, "queue": queue if has_queues else None}
    _, when, caption, nothing = _TABS[tab]
    return visit.render(
        "sends.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        word=word,
        problem=problem,
        tab=tab,
        tabs=[
            (name, words[0], size) for (name, words), size in zip(_TABS.items(), _sums(counts), strict=True)
        ],
        queue=queue,
        queues=by_queue.get(tab, dict.fromkeys(sends.QUEUES)) if has_queues else None,
        page=page,
        caption=caption,
        when=when,
        nothing=nothing,
        older=older("/sends", page.cursor if page else None, **here),
        newest=address("/sends", **here) if cursor_of(visit) else "",
        deepest=sends.DEEPEST if counts and counts.waiting[queue] > sends.DEEPEST else 0,
        meaning=meaning_of,
    )


def _sums(counts: sends.SendCounts | None) -> tuple[str, ...]:
    """Say how many each tab has; ``?`` if that cannot be read. Nobody has counted what ended."""
    if counts is None:
        return "?", "?", "?", ""
    sums = counts.running, sum(counts.waiting.values()), sum(counts.scheduled.values())
    return *(f"{each:,}" for each in sums), ""


def _ask(keys: Keys, tab: str, queue: str, cursor: str | None) -> Steps[Rows[SendRow]]:
    if tab == "waiting":
        return sends.waiting(keys, queue, cursor)
    if tab == "scheduled":
        return sends.scheduled(keys, queue, cursor)
    return sends.ended(keys, cursor) if tab == "ended" else sends.running(keys, cursor)


async def show_one(visit: Visit) -> Response:
    """Show one send: why it is where it is, its facts, life, recipients, and what people did."""
    request_id = _named(visit)
    detail = await visit.ask(send_detail.find(visit.keys, _records(visit), request_id))
    if detail is None:
        days = visit.office.settings.retention_days
        raise not_found(f"Unknown, or forgotten after {days} days.", "/sends")
    cursor = visit.asked("before")
    first = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else 0
    last = first + _RECIPIENTS
    more = str(last) if last < len(detail.numbers) else None
    return visit.render(
        "send.html",
        request_id=request_id,
        is_call=bool(detail.members) or request_id.startswith("@"),
        detail=detail,
        why=await visit.panel(explain.why(visit.keys, visit.office.hours, request_id)),
        life=await visit.panel(timeline.of_send(visit.keys, visit.pseudonyms, request_id, _RECEIPTS)),
        audit=await visit.panel(audit.of_send(visit.keys, request_id)),
        examined=audit.EXAMINED,
        numbers=list(enumerate(detail.numbers))[first:last],
        older=older(f"/sends/{request_id}", more),
        newest=address(f"/sends/{request_id}") if first else "",
        context=_context(visit, detail),
        # The gateway's own words may name whom it refuses.
        hidden=lambda words: mask_numbers(words, visit.visitor.sees),
        told=_told,
        meaning=meaning_of,
    )


def _context(visit: Visit, detail: send_detail.SendDetail) -> str:
    """Write the application's own value, without the numbers of recipients that this session does not see."""
    if detail.status.context is None:
        return ""
    context = msgspec.json.encode(detail.status.context).decode()
    if len(detail.numbers) < detail.recipients:
        # The text is gone, and with it what tells a recipient's number from any other.
        return mask_numbers(context, visit.visitor.sees)
    for number in detail.numbers:
        if not visit.visitor.sees(number):
            context = hide_number(context, number)
    return context


def _told(reason: Reason) -> Markup:
    """Write a reason without the command to type, and with its times as all times of a page are written."""
    shown = escape(visible(reason.cause, lines=True))
    for at in reason.details.values():
        if isinstance(at, datetime):
            shown = shown.replace(clock(at.timestamp() * 1000), when(at))
    return shown


async def cancel(visit: Visit) -> Response:
    """Cancel a message of which no attempt has begun. Safe to repeat: it has one entry in the audit.

    Redis may have gone away between the deed and its entry: then the repeat writes the entry.
    """
    request_id = _named(visit)
    outcome = await visit.office.producer.cancel(request_id)
    if outcome == "unknown_id":
        raise not_found("This message is forgotten.", "/sends")
    if outcome == "too_late":
        raise await _changed(visit, request_id)
    deeds = await visit.ask(audit.of_send(visit.keys, request_id))
    if not any(deed.action == "cancel" for deed in deeds):
        await visit.audit("cancel", request_id=request_id)
    return await visit.done(_back(visit, request_id), "The message is cancelled.")


async def resolve(visit: Visit) -> Response:
    """Decide about a message whose outcome nobody knows."""
    request_id = _named(visit)
    decisions: dict[str, Decision] = {"as-accepted": "as-accepted", "send-again": "send-again"}
    decision = decisions.get(visit.form.get("decision", ""))
    if decision is None:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "Say whether it was sent, or is to be sent again.", back="/sends"
        )
    _raise_if_not(await visit.ask(_decisions(visit).resolve(request_id, decision)), _back(visit, request_id))
    words = "is called accepted" if decision == "as-accepted" else "is queued again"
    return await visit.done(_back(visit, request_id), f"The message {words}.")


async def replay(visit: Visit) -> Response:
    """Send a failed or rejected message again."""
    request_id = _named(visit)
    _raise_if_not(await visit.ask(_decisions(visit).replay(request_id)), _back(visit, request_id))
    return await visit.done(_back(visit, request_id), "The message is queued again.")


def find_number(visit: Visit, name: str) -> Steps[str | None]:
    """Find the number of a recipient, for `REVEALS`."""
    return send_detail.number_of(visit.keys, _records(visit), name)


def _raise_if_not(why_not: str | None, back: str) -> None:
    """Refuse what could not be decided any more."""
    if why_not == "gone":
        raise not_found("This message is forgotten.", "/sends")
    if why_not in _NOT_REPLAYABLE:
        words = f"Its text {_NOT_REPLAYABLE[why_not]}, so it cannot be sent again."
        raise Refusal(HTTPStatus.CONFLICT, words, back=back)
    if why_not is not None:
        raise too_late(why_not, back)


async def _changed(visit: Visit, request_id: str) -> Refusal:
    status = await visit.office.producer.status(request_id)
    return too_late(status.state if status else "forgotten", _back(visit, request_id))


def _named(visit: Visit) -> str:
    request_id: str = visit.request.path_params["request_id"]
    return request_id


def _back(visit: Visit, request_id: str) -> str:
    """Say where an action leads: to the list it came from, else to the send."""
    return local_path(visit.form.get("back", ""), address(f"/sends/{request_id}"))


def _decisions(visit: Visit) -> Decisions:
    return Decisions(visit.office.settings, visit.by)


def _records(visit: Visit) -> Records:
    return Records(visit.office.settings)


PAGES: Final = (
    Page("/sends", show),
    Page("/sends/{request_id}", show_one),
    Page("/sends/{request_id}/cancel", cancel, method="POST", role="operator"),
    Page("/sends/{request_id}/resolve", resolve, method="POST", role="operator"),
    Page("/sends/{request_id}/replay", replay, method="POST", role="operator"),
)
