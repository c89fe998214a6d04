"""What is forwarded: how each forwarder is, what is due, what could not be delivered; replay, pause, test."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final, TypeVar

from starlette.responses import Response

from producers.contract.clients import connect
from worker.console.listing import address
from worker.console.page import Page, Visit
from worker.console.refusals import Refusal, not_found, too_late
from worker.forwarding.store import check_name
from worker.inquiry import forwarders
from worker.inquiry.paging import PAGE, is_stream_id
from worker.operator.forwarder_decisions import ForwarderDecisions, NoRoomError
from worker.presentation.counts import counted

T = TypeVar("T")

#: How far into what waits pages go.
_DEEPEST: Final = 10_000
_TESTED: Final = "A test event is on its way; once it is delivered, “Last delivered” shows it."
#: The same while the forwarder is paused.
_TEST_WAITS: Final = "A test event waits: nothing is delivered until somebody resumes."


async def show(visit: Visit) -> Response:
    """Show all forwarders."""
    names = await visit.ask(forwarders.names(visit.keys))
    found = await visit.ask(forwarders.states(visit.keys, names)) if names else []
    return visit.render("forwarders.html", forwarders=found, state_of=state_of)


async def show_one(visit: Visit) -> Response:
    """Show one forwarder: attempts, what is due, what could not be delivered."""
    forwarder = await _find(visit)
    start, before = visit.asked("from"), visit.asked("before")
    first = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 0
    first = min(first, _DEEPEST)
    waiting = (await visit.panel(forwarders.waiting(visit.keys, forwarder.name, first))).value
    place = before if is_stream_id(before) else None
    dead = (await visit.panel(forwarders.dead(visit.keys, forwarder.name, place))).value
    here, further = f"/forward/{forwarder.name}", first + PAGE
    more_wait = forwarder.waiting > further and further < _DEEPEST
    return visit.render(
        "forwarder.html",
        forwarder=forwarder,
        state=state_of(forwarder),
        waiting=waiting,
        dead=None if dead is None else [(letter, _instant(letter.at)) for letter in dead.rows],
        later=address(here, **{"from": str(further)}) if more_wait else "",
        older=address(here, before=dead.cursor) if dead and dead.cursor else "",
        newest=address(here) if first or place else "",
    )


async def pause(visit: Visit) -> Response:
    """Stop delivering until somebody resumes."""
    forwarder = await _find(visit)
    if not await _decide(visit, forwarder.name, ForwarderDecisions.pause):
        raise too_late("paused", _path(forwarder.name))
    return await visit.done(_path(forwarder.name), "Nothing is delivered until somebody resumes.")


async def resume(visit: Visit) -> Response:
    """End a pause or a hold."""
    forwarder = await _find(visit)
    if not await _decide(visit, forwarder.name, ForwarderDecisions.resume):
        raise too_late("delivering", _path(forwarder.name))
    return await visit.done(_path(forwarder.name), "Events are delivered again.")


async def test(visit: Visit) -> Response:
    """Let an event that means nothing be delivered."""
    forwarder = await _find(visit)
    await _decide(visit, forwarder.name, ForwarderDecisions.test)
    waits = forwarder.paused is not None
    return await visit.done(_path(forwarder.name), _TEST_WAITS if waits else _TESTED)


async def replay(visit: Visit) -> Response:
    """Deliver all dead letters once more, or one event that waits or is dead."""
    forwarder = await _find(visit)
    event_id, back = visit.form.get("event", ""), _path(forwarder.name)
    if event_id:
        found = await _decide(visit, forwarder.name, lambda decisions: decisions.replay_one((), event_id))
        if not found:
            raise too_late("delivered, or forgotten", back)
        return await visit.done(back, "The event is tried now.")
    done = await _decide(visit, forwarder.name, ForwarderDecisions.replay_dead)
    if not done:
        raise too_late("without dead letters", back)
    return await visit.done(back, f"{counted(done, 'dead letter is', 'dead letters are')} tried again.")


def state_of(forwarder: forwarders.ForwarderState) -> tuple[str, str]:
    """Say how a forwarder is, as kind and word for ``ui.state``."""
    word = forwarders.word_of(forwarder, failing=bool(forwarder.trouble))
    return _KINDS[word], word


#: The shape and colour of each word.
_KINDS: Final[Mapping[forwarders.Word, str]] = {
    "paused": "wait",
    "held": "bad",
    "no process seen": "bad",
    "tries again": "wait",
    "delivering": "ok",
    "ready": "ok",
}


async def _find(visit: Visit) -> forwarders.ForwarderState:
    """Read how the forwarder is that the address names.

    Raises:
        Refusal: there is none.
    """
    try:
        name = check_name(visit.request.path_params["name"])
    except ValueError:
        raise _unknown() from None
    [found] = await visit.ask(forwarders.states(visit.keys, [name]))
    if found.heard_ms is None and not (found.streams or found.waiting or found.dead):
        raise _unknown()
    return found


async def _decide(visit: Visit, name: str, decision: Callable[[ForwarderDecisions], T]) -> T:
    """Let a person's decision be carried out. It may take as long as there are dead letters: in a thread.

    Raises:
        Refusal: there is no room for what is to be delivered once more.
    """

    def run() -> T:
        with connect(visit.office.settings.redis_url) as client:
            return decision(ForwarderDecisions(client, visit.keys, name, visit.by))

    try:
        return await asyncio.to_thread(run)
    except NoRoomError as error:
        words = f"There is no room for more than {error.done} of them: too many events wait already."
        raise Refusal(HTTPStatus.CONFLICT, words, back=_path(name)) from None


def _instant(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def _unknown() -> Refusal:
    return not_found("There is no such forwarder.", "/forward")


def _path(name: str) -> str:
    return address(f"/forward/{name}")


PAGES: Final = (
    Page("/forward", show),
    Page("/forward/{name}", show_one),
    Page("/forward/{name}/pause", pause, method="POST", role="operator"),
    Page("/forward/{name}/resume", resume, method="POST", role="operator"),
    Page("/forward/{name}/test", test, method="POST", role="operator"),
    Page("/forward/{name}/replay", replay, method="POST", role="operator"),
)
