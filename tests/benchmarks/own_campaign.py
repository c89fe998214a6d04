"""A campaign of a million recipients from an iterator: speed, memory, and going on after a kill.

The producer is a process of its own, `own_campaign_sender`. Its resident memory after a tenth of the
recipients is compared with that at the end. Then a smaller campaign is killed with SIGKILL on its way, run
again to its end, and sent by a worker; the gateway stand-in must have met every number exactly once.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from producers import Producer
from tests.benchmarks.own_stand import Stand, backlog_size
from tests.benchmarks.report import BenchmarkError, Context, Row

#: Megabytes by which the producer may grow from a tenth of a million recipients to all of them. Not zero: it
#: refuses repeated numbers, so it keeps all it has met, in a table of 17 MB for a million.
GROWTH_MAX_MB = 20
#: Where the first run is killed.
KILLED_AT = 0.4


def run(context: Context) -> list[Row]:
    """Measure the long campaign, then the interrupted one."""
    if not hasattr(Producer, "send_campaign"):
        raise BenchmarkError("this producer has no send_campaign")
    size = backlog_size(context)
    return [*_long(context, size), *_interrupted(context, max(1_000, size // 10))]


def _long(context: Context, size: int) -> list[Row]:
    with Stand(context, gateway_ms=None) as stand:
        context.say(f"campaign of {size:,}")
        with _sending(stand, size, "long") as lines:
            facts = list(lines)
    if len(facts) < 2 or "seconds" not in facts[-1]:
        raise BenchmarkError("the campaign did not run to its end")
    early = next(fact["mb"] for fact in facts if fact["recipients"] >= size / 10)
    # The last line is told after the campaign has let go of what it held.
    end, most = facts[-2]["mb"], max(fact["mb"] for fact in facts)
    return [
        Row(f"send_campaign of {size:,}", size / facts[-1]["seconds"], "recipients/s"),
        Row("memory of the producer after a tenth", early, "MB"),
        Row("memory of the producer at the end", end, "MB"),
        Row("memory of the producer at most", most, "MB"),
        Row("growth of the producer from a tenth to the end", end - early, "MB").at_most(GROWTH_MAX_MB),
    ]


def _interrupted(context: Context, size: int) -> list[Row]:
    with Stand(context) as stand:
        context.say(f"campaign of {size:,}, killed at {KILLED_AT:.0%}")
        with _sending(stand, size, "killed") as lines:
            # Leaving the block kills it: some slice was being queued.
            reached = next(
                (fact["recipients"] for fact in lines if fact["recipients"] >= KILLED_AT * size), 0
            )
        queued = stand.counts().get("enqueued", 0)
        if not 0 < reached < size:
            raise BenchmarkError("the first run was not interrupted on its way")
        with _sending(stand, size, "killed") as lines:
            if not any("seconds" in fact for fact in lines):
                raise BenchmarkError("the second run did not end")
        context.say(f"killed after {reached:,} were read and {queued} slices queued; now sending")
        stand.worker.start()
        stand.wait_for(lambda: stand.waiting() == 0, every_s=0.1)
        met = stand.gateway.stats()
    exactly = met["distinct_phones"] == met["recipients"] == size and not met["repeated_phones"]
    if not exactly:
        raise BenchmarkError(f"{size} numbers, but the gateway met {met}")
    return [
        Row(
            "interrupted campaign: numbers that the gateway never met",
            size - met["distinct_phones"],
            "numbers",
        ).at_most(0),
        Row("interrupted campaign: numbers that it met again", met["repeated_phones"], "numbers").at_most(0),
    ]


@contextmanager
def _sending(stand: Stand, count: int, campaign_id: str) -> Iterator[Iterator[dict[str, float]]]:
    """Run the application; gives what it tells, line by line. It is killed at the end of the block."""
    command = [sys.executable, "-m", "tests.benchmarks.own_campaign_sender"]
    with subprocess.Popen(
        [*command, stand.server.url, str(count), campaign_id],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            yield (json.loads(line) for line in process.stdout)
        finally:
            process.kill()
