"""``octopush-worker forward``: look at forwarders, of webhooks and of mails, and decide about them."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import click

from worker.commands.command import Command, Desk, Group, at_desk, whoever
from worker.commands.option_types import Date, in_order
from worker.forwarding.store import check_name
from worker.inquiry import forwarders
from worker.inquiry.attempt_words import in_words
from worker.inquiry.dates import read_since, read_until
from worker.inquiry.forwarders import ForwarderState, WaitingEvent
from worker.inquiry.reason import instant
from worker.operator.forwarder_decisions import ForwarderDecisions, NoRoomError
from worker.presentation.counts import counted
from worker.presentation.output import Failed, Forbidden, NotFound, Output

#: Seconds that `forward test` waits: a held forwarder of webhooks probes every 30 s, and a POST may take 15.
#: What waits longer, as mails may, says when it is tried.
_TEST_S: Final = 50.0
#: How a forwarder is that nothing keeps.
_WELL: Final = ("delivering", "ready")
#: What a receiver answers that takes a webhook for a stranger's.
_FORGED: Final = ("400", "401", "403")
#: What becomes of an event that was not delivered, and of one that was.
_TRIED: Final = "will be tried at once: not delivered so far"
_ONCE_MORE: Final = "will be delivered once more"


@click.group(cls=Group)
def forward() -> None:
    """Look at forwarders, pause and resume them, replay what they delivered or could not deliver."""


def named(_: click.Context, __: click.Parameter, value: str) -> str:
    """Read the name of a forwarder behind a command."""
    try:
        return check_name(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_name = click.argument("name", callback=named)


def _known(desk: Desk, name: str) -> ForwarderState:
    """Say how a forwarder is.

    Raises:
        NotFound: none of this name has ever run.
    """
    (found,) = desk.ask(forwarders.states(desk.keys, [name]))
    if found.heard_ms is None:
        raise NotFound(f'no forwarder "{name}" has ever run here')
    return found


def _decisions(desk: Desk, name: str) -> ForwarderDecisions:
    return ForwarderDecisions(desk.client, desk.keys, name, whoever())


@forward.command("list", cls=Command)
@click.pass_obj
def show_all(output: Output) -> None:
    """Show every forwarder: where to, how much waits, what keeps it."""
    with at_desk() as desk:
        names = sorted(desk.ask(forwarders.names(desk.keys)))
        for each in desk.ask(forwarders.states(desk.keys, names)) if names else ():
            state = _state(each, _failing(desk, each))
            output.give(_fields(each, state))
            output.show(f"{each.name:<16} {state}", alarming=state not in _WELL)
            output.show(f"{'':<16} {_numbers(each)}")
            if each.receiver:
                output.show(f"{'':<16} {', '.join(each.streams)} to {each.receiver}")
        if not names:
            output.remark("no forwarder has ever run here")


def _fields(each: ForwarderState, state: str) -> dict[str, Any]:
    """Name what is known of a forwarder, for programs: times as in all commands."""
    told: dict[str, Any] = {}
    for name, value in asdict(each).items():
        if name.endswith("_ms"):
            told[name.removesuffix("_ms") + "_at"] = None if value is None else instant(value)
        else:
            told[name] = value
    return {**told, "state": state}


def _failing(desk: Desk, each: ForwarderState) -> list[WaitingEvent]:
    """Name the events that were tried and wait for another attempt, the next one first; of the oldest 50."""
    found = desk.ask(forwarders.waiting(desk.keys, each.name))
    tried = [event for event in found if event.attempts and event.due_ms is not None]
    return sorted(tried, key=lambda event: event.due_ms or 0)


def _next_try(each: ForwarderState, failing: Sequence[WaitingEvent]) -> str:
    """Say how many events wait for another attempt, why, and when the next of them is made."""
    first = failing[0]
    wait_s = max(0, (first.due_ms or 0) - each.now_ms) // 1000
    many = counted(len(failing), "event")
    when = f"in {wait_s} s" if wait_s else "now"
    return f"{many} tried and not delivered ({in_words(first.why or '')}), the next try {when}"


def _state(each: ForwarderState, failing: Sequence[WaitingEvent] = ()) -> str:
    """Say how a forwarder is: the word for it, then why and what comes next."""
    word = forwarders.word_of(each, failing=bool(failing))
    match word:
        case "paused":
            return f"{word} ({in_words(each.paused or '')}): octopush-worker forward resume {each.name}"
        case "held":
            wait_s = max(0, (each.probe_ms or 0) - each.now_ms) // 1000
            asks = f"in {wait_s} s" if wait_s else "now"
            next_look = f"the receiver takes nothing, and one event asks {asks} whether it does again"
            return f"{word} ({in_words(each.held or '')}): {next_look}"
        case "tries again":
            return f"{word}: {_next_try(each, failing)}"
    return word


def _numbers(each: ForwarderState) -> str:
    oldest = "" if each.oldest_ms is None else f", the oldest for {(each.now_ms - each.oldest_ms) // 1000} s"
    return f"{each.waiting} waiting{oldest}, {each.dead} dead, {each.tried['delivered']} delivered"


@forward.command(cls=Command)
@_name
@click.pass_obj
def pause(output: Output, name: str) -> None:
    """Let NAME deliver nothing until it is resumed; events are still taken in and wait."""
    with at_desk() as desk:
        _known(desk, name)
        is_new = _decisions(desk, name).pause()
    output.give({"forwarder": name, "changed": is_new})
    output.show("paused" if is_new else "was paused already")


@forward.command(cls=Command)
@_name
@click.pass_obj
def resume(output: Output, name: str) -> None:
    """Let NAME go on after a pause, or after a hold without waiting for the next probe."""
    with at_desk() as desk:
        state = _known(desk, name)
        changed = _decisions(desk, name).resume()
        failing = [] if changed else _failing(desk, state)
    output.give({"forwarder": name, "changed": changed})
    output.show("goes on" if changed else "was neither paused nor held")
    if failing:
        output.say(
            f"{_next_try(state, failing)}; "
            f"at once: octopush-worker forward replay {name} --id {failing[0].event_id}"
        )


@forward.command(cls=Command)
@_name
@click.option("--id", "event_id", help="One event: waiting, dead or delivered.")
@click.option("--since", type=Date(read_since), help="All that its streams hold from this date on.")
@click.option("--until", type=Date(read_until), help="And before this one. A day is all of that day.")
@click.option("--dead", is_flag=True, help="All dead letters.")
@click.pass_obj
def replay(
    output: Output,
    name: str,
    event_id: str | None,
    since: datetime | None,
    until: datetime | None,
    *,
    dead: bool,
) -> None:
    """Deliver events of NAME at once, or once more, under the ids that they have."""
    if (event_id is not None) + (since is not None or until is not None) + dead != 1:
        raise click.UsageError("say --id, or --since and --until, or --dead")
    in_order(since, until)
    with at_desk() as desk:
        streams, decisions = _known(desk, name).streams, _decisions(desk, name)
        words = "will be delivered, also if they were before"
        try:
            if dead:
                done, words = decisions.replay_dead(), _TRIED
            elif event_id is not None:
                place = decisions.replay_one(streams, event_id)
                done, words = int(place is not None), _ONCE_MORE if place == "kept" else _TRIED
            else:
                # Dates name the first instant that is no longer meant; entries count whole milliseconds.
                done = decisions.replay_between(streams, _ms(since) or 0, (_ms(until) or 2**47) - 1)
        except NoRoomError as error:
            raise Failed(f"{error.done} {words}; there is no room for more now") from None
    if event_id is not None and not done:
        raise NotFound(f"{name} holds no event of this id, and none of {', '.join(streams)} does")
    output.give({"forwarder": name, "events": done})
    output.show(f"{done} {words}")


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


@forward.command(cls=Command)
@_name
@click.pass_obj
def test(output: Output, name: str) -> None:
    """Let NAME deliver an event that means nothing, and say what came of it."""
    with at_desk() as desk:
        state = _known(desk, name)
        if state.paused:
            raise Forbidden(f"{name} is paused ({state.paused}): octopush-worker forward resume {name}")
        event_id = _decisions(desk, name).test()
        why = _result(desk, name, event_id)
    output.give({"forwarder": name, "id": event_id, "delivered": not why, "why": why or None})
    if why:
        raise Failed(f"not delivered: {in_words(why)}{_hint(why, name)}")
    output.show("delivered")


def _hint(why: str, name: str) -> str:
    """Say what a receiver usually lacks that refuses an event; empty for any other reason."""
    if why not in _FORGED:
        return ""
    return f"; a receiver that has another secret than octopush-worker forward secret {name} prints says so"


def _result(desk: Desk, name: str, event_id: str) -> str:
    """Wait for what becomes of a test; empty if it was delivered."""
    deadline = time.monotonic() + _TEST_S
    while desk.client.exists(desk.keys.event(name, event_id)):
        if time.monotonic() > deadline:
            return f"it still waits ({_state(_known(desk, name))})"
        time.sleep(0.1)
    letters = desk.ask(forwarders.dead(desk.keys, name))
    return next((letter.why for letter in letters.rows if letter.event_id == event_id), "")
