"""One person: the opt-out that names them or the number that was typed, what holds now, and decisions.

A number that was typed travels in the body of a form, never in an address. So the page that answers a look-up
is no page to come back to; that of an opt-out is, by the id of its entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from producers.contract.phone import mask, to_e164
from producers.contract.steps import Steps
from producers.rules.settings import ACCOUNT
from worker.console.listing import address
from worker.console.page import Page, Visit
from worker.console.pages.optouts import show_with
from worker.console.pages.replies import LookedFor
from worker.console.refusals import Refusal, not_found, too_late
from worker.console.standing import standing_of
from worker.inquiry import optouts
from worker.inquiry.optouts import OptOutRow
from worker.operator.suppressions import Suppressions, read_scope
from worker.presentation.counts import counted
from worker.presentation.masking import mask_numbers

_HERE: Final = "/optouts"
#: Characters of a reason.
_WHY_MAX: Final = 200
_NO_SCOPE: Final = "The scope: account, sender:NAME or app:NAME."
_NO_REASON: Final = "The reason: say why, for the audit."


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a page is about.

    Attributes:
        number: E.164.
        row: the opt-out that names them; None if somebody typed the number.
        scope: what is asked for besides the scopes of late; or ``""``.
    """

    number: str
    row: OptOutRow | None = None
    scope: str = ""

    @property
    def back(self) -> str:
        """Path to which a decision leads."""
        return address(f"{_HERE}/{self.row.id}") if self.row else _HERE


async def show(visit: Visit) -> Response:
    """Show an opt-out, what it has cancelled, and what holds for its number; at most six round trips."""
    return await _render(visit, await _of_entry(visit, visit.request.path_params["entry_id"]))


async def look_up(visit: Visit) -> Response:
    """Show what holds for a number that was typed: a form's body carries it, never an address."""
    if not await visit.office.sessions.may_look_up(visit.visitor):
        words = "You have looked up many numbers. Wait ten minutes, or ask an operator."
        raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, words, back=_HERE)
    typed = visit.form.get("number", "")
    scope = _scope(visit.form.get("scope", ""))
    if scope is None:
        return await show_with(visit, LookedFor(typed[:40], _NO_SCOPE))
    try:
        number = to_e164(typed, default_region=visit.office.settings.default_region)
    except ValueError as error:
        return await show_with(visit, LookedFor(typed[:40], f"The number {error}."))
    # Whoever can tell that a number has opted out knows something about it.
    await visit.audit("lookup", number=mask(number))
    return await _render(visit, Whom(number, scope=scope))


async def suppress(visit: Visit) -> Response:
    """Suppress a number, and cancel what waits for it. Safe to repeat; the script has the audit entry."""
    whom = await _whom(visit)
    scope, why, problems = _decided(visit, "out")
    if problems:
        return await _render(visit, whom, problems)
    cancelled = await visit.ask(_decisions(visit).add(whom.number, why, scope=scope))
    ended = counted(cancelled, "message was cancelled", "messages were cancelled")
    return await visit.done(whom.back, f"{mask(whom.number)} is suppressed; {ended}.")


async def lift(visit: Visit) -> Response:
    """Lift a suppression, whoever it came from. The script has the audit entry."""
    whom = await _whom(visit)
    scope, why, problems = _decided(visit, "in")
    if problems:
        return await _render(visit, whom, problems)
    if not await visit.ask(_decisions(visit).lift(whom.number, why, scope=scope)):
        raise too_late("not suppressed", whom.back)
    words = f"{mask(whom.number)} is not suppressed any more. Octopush may still block the number."
    return await visit.done(whom.back, words)


def find_number(visit: Visit, entry_id: str) -> Steps[str | None]:
    """Find the number of an opt-out, for `REVEALS`."""
    row = yield from optouts.find(visit.keys, entry_id)
    return row.optout.number if row and row.optout else None


async def _of_entry(visit: Visit, entry_id: str) -> Whom:
    row = await visit.ask(optouts.find(visit.keys, entry_id))
    if row is None or row.optout is None:
        raise not_found("This opt-out has been forgotten: look its number up.", _HERE)
    return Whom(row.optout.number, row, row.optout.scope or "")


async def _whom(visit: Visit) -> Whom:
    """Find whom a form is about: it names an opt-out, or has the number that was looked up."""
    if entry_id := visit.form.get("entry"):
        return await _of_entry(visit, entry_id)
    try:
        return Whom(to_e164(visit.form.get("number", "")))
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, "This names nobody.", back=_HERE) from None


def _decided(visit: Visit, way: str) -> tuple[str, str, Mapping[str, str]]:
    """Read the scope and the reason of a decision, and what is wrong with them by field."""
    scope, problems = _scope(visit.form.get(f"scope_{way}", "")), {}
    if scope is None:
        problems[f"scope_{way}"] = _NO_SCOPE
    # Viewers read the audit, too.
    why = mask_numbers(" ".join(visit.form.get(f"why_{way}", "").split())[:_WHY_MAX])
    if not why:
        problems[f"why_{way}"] = _NO_REASON
    return scope or ACCOUNT, why, problems


def _scope(written: str) -> str | None:
    """Read a scope; empty if none was written, None if it is none."""
    try:
        return read_scope(written.strip()) if written.strip() else ""
    except ValueError:
        return None


async def _render(visit: Visit, whom: Whom, problems: Mapping[str, str] | None = None) -> Response:
    standing = await visit.panel(standing_of(visit, whom.number, whom.scope))
    optout = whom.row.optout if whom.row else None
    return visit.render(
        "optout_person.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        whom=whom,
        optout=optout,
        cancelled=(optout.cancelled_ids or "").split() if optout else [],
        standing=standing,
        blocked=[(each.scope, each.scope) for each in standing.value.suppressions] if standing.value else [],
        problems=problems or {},
    )


def _decisions(visit: Visit) -> Suppressions:
    return Suppressions(visit.office.settings, visit.by)


PAGES: Final = (
    Page("/optouts/people", look_up, method="POST"),
    Page("/optouts/suppress", suppress, method="POST", role="operator"),
    Page("/optouts/lift", lift, method="POST", role="operator"),
    Page("/optouts/{entry_id}", show),
)
