"""The commands by which a person decides about messages: ``parked``, ``resolve``, ``replay``."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import click

from producers.contract.jobs import PARKED
from worker.commands.command import Command, Desk, at_desk, whoever
from worker.inquiry.parked import Parked, ParkedMessages
from worker.inquiry.reason import clock, instant
from worker.operator.decisions import REPLAYABLE, Decision, Decisions
from worker.operator.operations import Operations
from worker.presentation.output import Exit, Forbidden, NotFound, Output

#: Messages that ``parked`` shows unless it is told otherwise.
_SHOWN: Final = 50


@click.command(cls=Command)
@click.option("--state", "states", multiple=True, type=click.Choice(PARKED), help="Only these; repeatable.")
@click.option("--code", help="Only those that ended with this code.")
@click.option("--limit", type=click.IntRange(1), default=_SHOWN, show_default=True, help="How many to show.")
@click.pass_obj
def parked(output: Output, states: tuple[str, ...], code: str | None, limit: int) -> None:
    """List the messages that wait for a person, by state and code.

    What is unknown is for `resolve`, what was rejected or has failed for `replay`.
    """
    with at_desk() as desk:
        found = list(islice(_parked(desk, states or PARKED, code), limit + 1))
    shown = found[:limit]
    output.give({"parked": [_fields(each) for each in shown], "more": len(found) > limit})
    for each in shown:
        how = "resolve" if each.state == "unknown" else "replay"
        output.show(_line(each, f"for octopush-worker {how}"))
    if not found:
        output.remark("nothing waits for a person")
    elif len(found) > limit:
        output.say(f"… and more: --limit {10 * limit}")


@click.command(cls=Command)
@click.argument("request_ids", nargs=-1, required=True)
@click.option("--as-accepted", "decision", flag_value="as-accepted", help="They were sent; close them.")
@click.option(
    "--send-again", "decision", flag_value="send-again", help="They were not sent, or twice is no harm."
)
@click.pass_context
def resolve(ctx: click.Context, request_ids: tuple[str, ...], decision: Decision | None) -> None:
    """Decide about sends whose outcome is unknown. In place of ids, - reads them, one a line.

    Each is decided for itself: one that cannot be keeps no other from it.
    """
    output: Output = ctx.obj
    if decision is None:
        raise click.UsageError("say --as-accepted or --send-again")
    chosen = list(dict.fromkeys(_typed(request_ids)))
    state = "accepted" if decision == "as-accepted" else "queued"
    resolved: list[dict[str, str]] = []
    left: dict[str, str] = {}
    with at_desk() as desk:
        decisions = Decisions(desk.settings, whoever())
        for each in chosen:
            why_not = desk.ask(decisions.resolve(each, decision))
            if why_not is not None and len(chosen) == 1:
                raise _undecided(each, why_not)
            if why_not is not None:
                left[each] = why_not
                output.say(str(_undecided(each, why_not)))
            else:
                resolved.append({"request_id": each, "state": state})
                output.show(f"{each}: {'accepted' if state == 'accepted' else 'queued again'}")
    alone = resolved[0] if len(chosen) == 1 else {}
    output.give({**alone, "resolved": resolved, "left": left})
    if left:
        ctx.exit(Exit.NOT_FOUND if "gone" in left.values() else Exit.FORBIDDEN)


def _typed(request_ids: Sequence[str]) -> Iterator[str]:
    """Read what was typed, and in place of - what comes on standard input.

    Raises:
        click.UsageError: there is nothing.
    """
    if request_ids != ("-",):
        yield from request_ids
        return
    found = [line.strip() for line in sys.stdin if line.strip()]
    if not found:
        raise click.UsageError("there is no request_id on standard input")
    yield from found


def _undecided(request_id: str, why_not: str) -> NotFound | Forbidden:
    if why_not == "gone":
        return NotFound(f'nobody knows "{request_id}": it never was, or has been forgotten')
    return Forbidden(f'"{request_id}" is not unknown but {why_not}; nothing was changed')


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What became, or would become, of one message. `left` says why it was left alone; None if it was not."""

    message: Parked
    left: str | None


@click.command(cls=Command)
@click.argument("request_ids", nargs=-1)
@click.option("--state", "states", multiple=True, type=click.Choice(REPLAYABLE), help="All in this state.")
@click.option("--code", help="Only those that ended with this code.")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.pass_context
def replay(
    ctx: click.Context,
    request_ids: tuple[str, ...],
    states: tuple[str, ...],
    code: str | None,
    *,
    yes: bool,
) -> None:
    """Send failed or rejected messages again: the ones named, or all of a state. Dry run first."""
    output: Output = ctx.obj
    if bool(request_ids) == bool(states):
        raise click.UsageError("name request_ids, or give --state")
    done: list[_Replayed] = []
    with at_desk() as desk:
        chosen = _parked(desk, states, code) if states else _named(desk, request_ids, code)
        for each in _replayed(desk, chosen, yes=yes):
            done.append(each)
            output.show(
                _line(each.message, each.left or ("queued again" if yes else "would be queued again"))
            )
        names = {each.message.request_id for each in done}
        strangers = _strangers(desk, [each for each in request_ids if each not in names])
    for request_id, state in strangers.items():
        output.say(f"{request_id}: not failed or rejected but {state or 'unknown to everybody'}; left alone")
    count = sum(each.left is None for each in done)
    output.show(f"{count} {'queued again' if yes else 'to queue again; add --yes to do it'}")
    output.give(_summary(done, strangers, yes=yes))
    # What is left alone in passing is no fault; what somebody named, and was not queued, is one.
    if None in strangers.values():
        ctx.exit(Exit.NOT_FOUND)
    if request_ids and count < len(set(request_ids)):
        ctx.exit(Exit.FORBIDDEN)


def _parked(desk: Desk, states: Sequence[str], code: str | None) -> Iterator[Parked]:
    return Operations(desk.client, desk.settings, whoever()).parked(tuple(states), code)


def _named(desk: Desk, request_ids: Sequence[str], code: str | None) -> list[Parked]:
    found = desk.ask(ParkedMessages.of(desk.settings).named(list(dict.fromkeys(request_ids))))
    return [each for each in found if each.state in REPLAYABLE and code in {None, each.code}]


def _replayed(desk: Desk, chosen: Iterator[Parked] | list[Parked], *, yes: bool) -> Iterator[_Replayed]:
    """Replay one by one. Somebody may have been faster: then it says what a message is by now."""
    decisions = Decisions(desk.settings, whoever())
    for each in chosen:
        yield _Replayed(each, desk.ask(decisions.replay(each.request_id)) if yes else None)


def _strangers(desk: Desk, request_ids: Sequence[str]) -> dict[str, str | None]:
    """Say in which state messages are that cannot be replayed; None if nobody knows them."""
    found = {}
    for each in request_ids:
        state = desk.client.hget(desk.keys.record(each), "state")
        found[each] = state.decode() if isinstance(state, bytes) else None
    return found


def _summary(done: list[_Replayed], strangers: dict[str, str | None], *, yes: bool) -> dict[str, Any]:
    left = {each.message.request_id: each.left for each in done if each.left is not None}
    return {
        "dry_run": not yes,
        "replayed": [_fields(each.message) for each in done if each.left is None],
        "left": {**left, **strangers},
    }


def _fields(each: Parked) -> dict[str, Any]:
    return {
        "request_id": each.request_id,
        "state": each.state,
        "code": each.code,
        "ended_at": instant(each.ended_ms),
        "expired": each.expired,
    }


def _line(each: Parked, what: str) -> str:
    late = " (its ttl has passed: it will end as expired)" if each.expired else ""
    return f"{each.request_id}: {each.state} {each.code} since {clock(each.ended_ms)}, {what}{late}"
