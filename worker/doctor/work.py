"""Workers and queues: who sends, what is stuck, what is held, and whether the books balance."""

from collections.abc import Iterator
from typing import Final

import redis

from producers.contract.jobs import ENDS, LAYOUT, QUEUE_ALERT, QUEUE_MARKETING, RECORD_VERSION
from producers.contract.keys import Keys
from producers.contract.steps import Commands, drive
from worker.doctor.findings import Finding, advice, error, ok, warning
from worker.inquiry.overview import QUEUES, Overview, QueueState, overview
from worker.inquiry.state_of_sending import GONE

#: Seconds that the entry at the front of a queue may have waited. Marketing may wait behind limits.
_OLDEST_S: Final = {QUEUE_ALERT: 10.0, QUEUE_MARKETING: 3600.0}
_OTHERWISE_S: Final = 10.0
#: Milliseconds after the end of a lease in which somebody must have put the entry back.
_TENDED_MS: Final = 30_000

_WELL: Final = "operating.md#is-it-well"
_ALARMS: Final = "operating.md#alarms"
_DECIDE: Final = "operating.md#what-only-a-person-can-decide"
_LAYOUT: Final = "upgrades.md#the-layout-of-the-data"
_DEAD: Final = "operating.md#dead-letters"


def look(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """Look at workers and queues.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    yield from _layout_of_data(client, keys)
    found = drive(overview(keys), client)
    yield from _workers(found)
    yield from _stops(found)
    for queue in found.queues:
        yield from _queue(queue, stopped=found.facts.hold is not None or found.facts.pause is not None)
    yield from _leases(client, keys, found.facts.now_ms)
    yield from _layout(client, keys)
    yield from _people(found)
    yield from _books(client, keys)


def _workers(found: Overview) -> Iterator[Finding]:
    facts = found.facts
    if not facts.workers:
        silent = GONE if facts.silent_s is None else f"silent for {facts.silent_s} s"
        said = f"No worker is alive ({silent}): nothing is sent, and no callback is read."
        yield error("workers.alive", said, "Start a worker, and read its log.", "operating.md#processes")
        return
    versions = sorted({f"{each.version}, tzdata {each.tzdata}" for each in facts.rules})
    told = f"; rules {'; '.join(versions)}" if versions else ""
    yield ok(
        "workers.alive", f"{facts.workers} workers are alive, the last heard {facts.silent_s} s ago{told}."
    )
    if facts.worker_seen_ms is not None and facts.worker_seen_ms > facts.now_ms + 1_000:
        said = "A worker was heard in the future: the clock of Redis went back."
        yield warning(
            "workers.clock", said, "Let a time service set the clock of Redis.", "operating.md#redis"
        )
    if len(facts.rules) > 1:
        said = f"The workers go by {len(facts.rules)} different hours of marketing ({'; '.join(versions)})."
        yield warning("workers.rules", said, "Give all workers the same version and settings.", _ALARMS)


def _stops(found: Overview) -> Iterator[Finding]:
    """Say what keeps sends from leaving."""
    hold, pause = found.facts.hold, found.facts.pause
    if hold is not None:
        said = f"All sending is held: code {hold.code}{hold.meaning and f' ({hold.meaning})'}."
        do = "octopush-worker release, once it is mended." if hold.by_person else "Mend the account."
        yield error("queue.held", said, do, _DECIDE)
    if pause is not None:
        said = f"All sending pauses, as the gateway asked (code {pause.code})."
        yield advice("queue.held", said, "Wait, or octopush-worker release.", _DECIDE)
    for aside in found.aside:
        said = f"{aside.waiting or 'Some'} sends wait aside: {aside.why}."
        do = f"octopush-worker release --breaker {aside.gate}" if aside.is_breaker else "Top up the account"
        yield warning("queue.aside", said, f"{do}.", _DECIDE)
    if found.facts.held:
        reasons = sorted({held.reason for held in found.facts.held})
        said = f"{sum(found.facts.held.values())} sends are held until a time ({', '.join(reasons)})."
        yield ok("queue.waiting", said)
    if found.facts.strained is not None:
        said = f"The gateway shows strain: {found.facts.strained} calls may be in flight."
        yield advice("queue.strain", said, "Nothing, if it passes; else octopush-worker limits.", _ALARMS)


def _queue(queue: QueueState, *, stopped: bool) -> Iterator[Finding]:
    if queue.dead:
        said = f"The queue {queue.name} has {queue.dead} entries that nobody can read."
        yield warning("queue.dead", said, "Look at them, and report them.", _DEAD)
    oldest_s, most_s = queue.oldest_s or 0, _OLDEST_S.get(queue.name, _OTHERWISE_S)
    if oldest_s > most_s and not stopped:
        said = f"The entry at the front of the queue {queue.name} has waited for {oldest_s:.0f} s."
        make = advice if queue.name == QUEUE_MARKETING else warning
        yield make("queue.oldest", said, "Look at octopush-worker status, and start more workers.", _ALARMS)
    else:
        yield ok(
            "queue.oldest", f"{queue.name}: {queue.ready} ready, {queue.delayed} later, {queue.running} run."
        )


def _leases(client: redis.Redis, keys: Keys, now_ms: int) -> Iterator[Finding]:
    ended = now_ms - _TENDED_MS
    counts = Commands([("ZCOUNT", keys.queue(name).leases, "-inf", ended) for name in QUEUES]).run(client)
    if stuck := sum(counts):
        said = f"{stuck} entries are held by processes whose lease has ended: nobody takes them up."
        yield warning("queue.stuck", said, "Start a worker: it puts them back within 10 s.", _WELL)


def _layout_of_data(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """Compare the layout that all data have with those that this release serves."""
    [noted] = Commands([("GET", keys.layout)]).run(client)
    layout = int(noted or 1)
    if layout > LAYOUT:
        said = (
            f"The data have layout {layout}, and this release serves layouts up to {LAYOUT}: it does nothing."
        )
        yield error("queue.data", said, f"Install a release that serves layout {layout}.", _LAYOUT)
    elif layout < LAYOUT:
        said = f"The data have layout {layout}, and this release serves layout {LAYOUT}."
        do = "octopush-worker layout raise, once every process is of this release."
        yield advice("queue.data", said, do, _LAYOUT)
    else:
        yield ok("queue.data", f"The data have layout {layout}.")


def _layout(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """Look whether what waits first was written by producers that are newer than this code."""
    names = (QUEUE_ALERT, QUEUE_MARKETING)
    heads = Commands([("LINDEX", keys.queue(name).ready, 0) for name in names]).run(client)
    asked = [("HGET", keys.record(head.decode()), "v") for head in heads if head]
    versions = [int(version) for version in (Commands(asked).run(client) if asked else []) if version]
    if max(versions, default=0) > RECORD_VERSION:
        said = f"Messages wait in a layout newer than {RECORD_VERSION}, which this version cannot read."
        yield error("queue.layout", said, "Upgrade the workers first, then the applications.", "upgrades.md")
    else:
        yield ok("queue.layout", f"The layout of records is {RECORD_VERSION}.")


def _people(found: Overview) -> Iterator[Finding]:
    """Name what waits for a person."""
    unknown = sum(each.state == "unknown" for each in found.problems)
    if found.parked:
        said = f"{found.parked} messages wait for a person"
        said += ", unknown ones among the newest: they may have been sent." if unknown else "."
        make = warning if unknown else advice
        yield make("queue.parked", said, "octopush-worker parked, then resolve or replay.", _DECIDE)
    if found.quarantined:
        said = f"{found.quarantined} callbacks could not be placed."
        yield advice("queue.quarantine", said, "Look at them on the console, page Quarantine.", _DEAD)


def _books(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """Compare messages that came with those that ended: more cannot have ended than came."""
    [counts] = Commands([("HMGET", keys.counts, "enqueued", *ENDS)]).run(client)
    came, *ended = (int(count or 0) for count in counts)
    if sum(ended) > came:
        said = f"More messages have ended ({sum(ended)}) than were ever queued ({came})."
        yield error("queue.balance", said, "Report it, and look for a restored backup of Redis.", _WELL)
        return
    yield ok(
        "queue.balance", f"The books balance: {came} queued, {sum(ended)} ended, {came - sum(ended)} wait."
    )
