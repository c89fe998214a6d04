"""Opt-outs under load: from the 200 to their callback until the number is suppressed.

The web process and one worker of the Procfile; 1,000 callbacks per second, every tenth of them a STOP for a
number that has scheduled marketing, the others receipts for messages that were really sent before. An opt-out
counts in the step that appends its entry, so this process takes the time when it has read that entry.
"""

import json
import random
from datetime import UTC, datetime, timedelta

from producers import Message
from tests.benchmarks.own_callbacks import CONNECTIONS, Pair, Reader, run_load, send
from tests.benchmarks.own_stand import PATIENCE_S, TEXT, Stand, number, percentile
from tests.benchmarks.report import BenchmarkError, Context, Row
from tests.support.installation import TOKEN

RATE_PER_S = 1_000
SECONDS = 10
#: Of so many callbacks one is a STOP.
ONE_IN = 10
#: Numbers that nobody else in a benchmark has.
_FIRST = 5_000_000
#: Messages that are queued in one go.
_AT_ONCE = 500


def run(context: Context) -> list[Row]:
    """Measure as often as there are rounds."""
    rounds = [_measure(context, i) for i in range(context.rounds)]
    return [
        Row.of("200 to suppression, p99", [percentile(each, 99) for each in rounds], "ms").at_most(1_000),
        Row.of("200 to suppression, p50", [percentile(each, 50) for each in rounds], "ms"),
        Row.of("200 to suppression, longest", [percentile(each, 100) for each in rounds], "ms"),
    ]


def _measure(context: Context, i: int) -> list[float]:
    """Return the milliseconds that each opt-out took."""
    total = min(RATE_PER_S * SECONDS, 5 * context.messages)
    stops = total // ONE_IN
    with Stand(context) as stand:
        stand.worker.start()
        stand.start_web()
        pairs = send(stand, total - stops)
        schedule(stand, stops)
        bodies = [(None, _receipt(ticket, to)) for ticket, to in pairs]
        bodies += [(number(_FIRST + which), _stop(which)) for which in range(stops)]
        random.Random(i).shuffle(bodies)
        context.say(f"round {i + 1}: {total:,} callbacks, {stops:,} of them opt-outs")
        return _post(stand, bodies, stops)


def schedule(stand: Stand, people: int) -> None:
    """Queue marketing that never leaves while this runs: what the opt-outs will cancel."""
    later = datetime.now(UTC) + timedelta(days=30)
    for first in range(0, people, _AT_ONCE):
        stand.producer.send_many(
            [
                Message(number(_FIRST + which), TEXT, sender="Bench", send_at=later, request_id=f"m{which}")
                for which in range(first, min(first + _AT_ONCE, people))
            ]
        )


def _post(stand: Stand, bodies: list[tuple[str | None, str]], stops: int) -> list[float]:
    reader = Reader(stand, stops, "optouts")
    plan: dict[str, object] = {
        "port": stand.web_port,
        "headers": {},
        "rate_per_s": RATE_PER_S,
        "connections": CONNECTIONS,
        "requests": [["POST", f"/callbacks/{TOKEN}", body] for _, body in bodies],
    }
    try:
        results = run_load(plan)
        reader.finish(PATIENCE_S)
    finally:
        reader.finish(0)
    seen: dict[Pair, int] = reader.seen
    cancelled = stand.counts().get("cancelled", 0)
    refused = sum(row[3:] != [200, 0] for row in results)
    if refused or reader.repeated or len(seen) != stops or cancelled != stops:
        raise BenchmarkError(
            f"{refused} callbacks were not answered 200; of {stops} opt-outs {len(seen)} were told, "
            f"{reader.repeated} of them again, and {cancelled} messages cancelled"
        )
    rows = zip(bodies, results, strict=True)
    return [max(0.0, (seen["", who] - row[2]) / 1e6) for (who, _), row in rows if who is not None]


def _receipt(ticket: str, to: str) -> str:
    at = "2030-01-31 14:05:09"
    return json.dumps({"message_id": ticket, "number": to, "status": "DELIVERED", "delivery_date": at})


def _stop(which: int) -> str:
    return json.dumps({"number": number(_FIRST + which), "text": "STOP", "stop_date": "2026-01-31 14:05:09"})
