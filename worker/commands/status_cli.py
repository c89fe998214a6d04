"""``octopush-worker status``: is all well?"""

from collections.abc import Iterator
from typing import Any

import click

from producers.contract.admission import ADMISSION, CREDIT
from producers.rules.held import words
from producers.rules.hours import Hours
from worker.account.gates import Gates, Shut
from worker.commands.command import Command, at_desk
from worker.inquiry.held_reasons import mismatch_words
from worker.inquiry.overview import Overview, QueueState, overview
from worker.inquiry.paging import at_ms
from worker.inquiry.reason import clock, instant
from worker.inquiry.state_of_sending import GONE, Facts, Stop
from worker.presentation.amounts import amount
from worker.presentation.output import Output


@click.command(cls=Command)
@click.pass_obj
def status(output: Output) -> None:
    """Show holds, workers, limits, queues, and how many sends are in which state."""
    with at_desk() as desk:
        found, shut = desk.ask(overview(desk.keys)), list(Gates(desk.client, desk.keys).current())
        hours = desk.hours
    output.give(_fields(found, shut))
    for line in _sending(found.facts):
        output.show(line, alarming=found.facts.hold is not None)
    output.show(_workers(found.facts), alarming=not found.facts.workers)
    if len(found.facts.rules) > 1:
        output.show(f"hours      MISMATCH: {mismatch_words(found.facts.rules)}", alarming=True)
    for line in (
        *_limits(found.facts),
        *_aside(shut, found.facts.credit_look_ms),
        *_held(found.facts, hours),
        *map(_queue, found.queues),
        *_sends(found),
    ):
        output.show(line)


def _sending(facts: Facts) -> Iterator[str]:
    lines = list(_what_keeps_all(facts))
    if not lines:
        lines = [f"on, but {ADMISSION['in_flight']}" if _is_full(facts) else "on"]
    yield f"sending    {lines[0]}"
    yield from (f"           {line}" for line in lines[1:])


def _what_keeps_all(facts: Facts) -> Iterator[str]:
    """Say which gates are shut for all sends, why, and how they open."""
    hold, pause = facts.hold, facts.pause
    if hold is not None:
        yield f"HELD: {ADMISSION['hold']}"
        yield f"since {clock(hold.since_ms)}, {_named(hold)}"
        if hold.look_ms is not None:
            yield f"the account is looked at again at {clock(hold.look_ms)}"
        yield way_out(hold)
    if pause is not None:
        yield f"PAUSED: {ADMISSION['pause']}"
        yield f"until {clock(pause.until_ms or 0)}, {_named(pause)}"
        yield "at once: octopush-worker release"


def _named(stop: Stop) -> str:
    return f"code {stop.code}{': ' if stop.meaning else ''}{stop.meaning}"


def way_out(hold: Stop) -> str:
    """Say how a hold ends."""
    if hold.by_person:
        return "nothing ends it but, once somebody has done so: octopush-worker release"
    return "it ends by itself once the account is mended; at once: octopush-worker release"


def _is_full(facts: Facts) -> bool:
    return facts.limit is not None and facts.limit <= sum(facts.at_work.values())


def _workers(facts: Facts) -> str:
    if facts.workers:
        return f"workers    {facts.workers} alive"
    silent = facts.silent_s
    heard = GONE if silent is None else f"the last was heard {_span(silent)} ago"
    return f"workers    NONE alive; {heard}"


def _limits(facts: Facts) -> Iterator[str]:
    yield f"limits     {live_limits(facts.rate, facts.in_flight)}"
    if facts.strained is not None:
        yield f"           {strained_words(facts.limit)}"


def live_limits(rate: float | None, in_flight: int | None) -> str:
    """Say which limits are set live; None where the workers' own setting holds."""
    told = [f"{rate:g} recipients/s" if rate else "any rate"] if rate is not None else []
    told += [f"{in_flight or 'any number'} in flight"] if in_flight is not None else []
    if not told:
        return "none set live: the workers' own settings hold"
    own = "; for the other the workers' own setting holds" if len(told) == 1 else ""
    return f"{', '.join(told)} set live{own}"


def allowed(strained: int, setting: int) -> int:
    """Say how many calls may be in flight under strain; the setting may be lower by now."""
    return min(strained, setting or strained)


def strained_words(limit: int | None) -> str:
    """Say what holds while the gateway shows strain."""
    return f"{limit} in flight now: the gateway shows strain"


def _aside(shut: list[Shut], look_ms: int | None) -> Iterator[str]:
    for each in shut:
        yield f"aside      {_wait(each.waiting)}, since {clock(each.gate.since)}: {each.why}"
        if each.name == CREDIT and look_ms is not None:
            yield f"           the account is looked at again at {clock(look_ms)}"
        if each.name != CREDIT:
            yield f"           to let them go on: octopush-worker release --breaker {each.name}"


def _held(facts: Facts, hours: Hours) -> Iterator[str]:
    for held, count in facts.held.items():
        yield f"held       {_wait(count)}, {words(hours, held, instant(facts.now_ms))}"


def _queue(queue: QueueState) -> str:
    oldest = "" if queue.oldest_s is None else f"; the oldest has waited for {_span(queue.oldest_s)}"
    counts = f"ready {queue.ready}, delayed {queue.delayed}, running {queue.running}, dead {queue.dead}"
    return f"{queue.name:<10} {counts}{oldest}"


def _sends(found: Overview) -> Iterator[str]:
    yield f"sends      queued {found.messages.enqueued} so far, waiting {found.messages.waiting}"
    yield "           " + ", ".join(f"{state} {count}" for state, count in found.messages.ends.items())
    if found.parked:
        yield f"parked     {_wait(found.parked)} for a person: octopush-worker parked"
    for each in found.uploads.named:
        yield (
            f"upload     campaign {each.campaign_id}, begun {clock(each.since_ms)}, was never completed: "
            f"{_wait(each.recipients)}. Complete it, or octopush-worker campaign cancel {each.campaign_id}"
        )
    if found.uploads.more:
        more = f"{found.uploads.more:,} more"
        yield f"           and {more} that began earlier: octopush-worker campaign list --uploading"
    if found.credit is not None:
        yield f"credit     {amount(found.credit.amount)}, seen {_span(found.credit.age_s)} ago"


def _wait(count: int) -> str:
    return f"{count:,} {'waits' if count == 1 else 'wait'}"


def _span(seconds: float) -> str:
    """Write a length of time as people say it."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _fields(found: Overview, shut: list[Shut]) -> dict[str, Any]:
    facts = found.facts
    return {
        "at": instant(facts.now_ms),
        "sending": "held" if facts.hold else "paused" if facts.pause else "full" if _is_full(facts) else "on",
        "hold": _stop(facts.hold),
        "pause": _stop(facts.pause),
        "workers": {"alive": facts.workers, "seen_at": at_ms(facts.worker_seen_ms)},
        "limits": {"rate": facts.rate, "in_flight": facts.in_flight, "strained": facts.strained},
        "aside": [
            {"gate": each.name, "waiting": each.waiting, "since": instant(each.gate.since), "why": each.why}
            | {"next_look": at_ms(facts.credit_look_ms if each.name == CREDIT else None)}
            for each in shut
        ],
        "held": [{**held._asdict(), "sends": count} for held, count in facts.held.items()],
        "hours": [{**each._asdict(), "workers": count} for each, count in facts.rules.items()],
        "hours_mismatch": len(facts.rules) > 1,
        "queues": found.queues,
        "sends": {
            "queued": found.messages.enqueued,
            "waiting": found.messages.waiting,
            **found.messages.ends,
        },
        "parked": found.parked,
        "quarantined": found.quarantined,
        "uploads": [
            {"campaign_id": each.campaign_id, "recipients": each.recipients, "since": instant(each.since_ms)}
            for each in found.uploads.named
        ],
        "uploads_more": found.uploads.more,
        "credit": found.credit and {"amount": found.credit.amount, "at": instant(found.credit.at_ms)},
    }


def _stop(stop: Stop | None) -> dict[str, Any] | None:
    if stop is None:
        return None
    return {
        "code": stop.code,
        "meaning": stop.meaning or None,
        "since": instant(stop.since_ms),
        "until": at_ms(stop.until_ms),
        "by_person": stop.by_person,
        "next_look": at_ms(stop.look_ms),
    }
