"""Say how long it takes to send something, what holds it up, and what memory it needs.

    python -m tests.scale                                   # the cases of docs/scaling.md
    python -m tests.scale --messages 50000000 --share 500 --workers 4 --namespaces 4 --rate 5000
    python -m tests.scale --messages 100000 --arrivals 10000 --workers 8 --calls 250

A simulation with measured figures (tests/scale/figures.py), which asks no server. The same options give the
same table.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from tests.scale.figures import ALONE, CALLBACKS_PER_WEB, CAMPAIGN, SHARED, Figures
from tests.scale.model import Plan, Result, simulate

#: Recipients of one message of a campaign, and of a shared call.
SHARE: Final = 500
#: What docs/scaling.md tells of, by name.
CASES: Final[dict[str, Plan]] = {
    "50 million, one worker, 4 calls": Plan(50_000_000, SHARE, calls=4),
    "50 million, account with 5,000/s": Plan(50_000_000, SHARE, calls=64, rate_per_s=5_000),
    "50 million, 16 workers": Plan(50_000_000, SHARE, workers=16, calls=64),
    "50 million, 16 workers, 4 namespaces": Plan(50_000_000, SHARE, workers=16, calls=64, namespaces=4),
    "10,000 alerts/s, alone, one Redis": Plan(100_000, 1, 10_000.0, workers=16, calls=250),
    "10,000 alerts/s, alone, 8 namespaces": Plan(100_000, 1, 10_000.0, workers=16, calls=250, namespaces=8),
    "10,000 alerts/s, shared by 50": Plan(100_000, 50, 10_000.0, workers=4),
    "10,000 alerts/s, shared by 50, 4 namespaces": Plan(
        100_000, 50, 10_000.0, workers=4, calls=64, namespaces=4
    ),
}
HEAD: Final = (
    *("case", "duration", "recipients/s", "held up by", "busy", "calls", "web"),
    *("waiting", "queue", "kept", "delay"),
)


def figures_of(plan: Plan, *, alerts: bool) -> Figures:
    """Choose what was measured of such calls."""
    if plan.share == 1:
        return ALONE
    return SHARED if alerts else CAMPAIGN


def row(name: str, result: Result) -> tuple[str, ...]:
    """Write a result for people."""
    busiest = max(result.busy, key=lambda each: result.busy[each])
    return (
        name,
        duration(result.duration_s),
        f"{result.rate_per_s:,.0f}",
        result.bottleneck,
        f"{busiest} {result.busy[busiest]:.0%}",
        f"{result.calls:,}",
        f"{math.ceil(result.callbacks_per_s / CALLBACKS_PER_WEB)}",
        f"{result.waiting_max:,}",
        size(result.queue_bytes),
        size(result.kept_bytes),
        "" if result.delay_ms is None else f"{result.delay_ms:,.0f} ms",
    )


def duration(seconds: float) -> str:
    """Write a time."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    hours, left = divmod(round(seconds), 3600)
    return f"{hours} h {left // 60} min" if hours else f"{left // 60} min {left % 60} s"


def size(count: float) -> str:
    """Write a number of bytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under their head."""
    whole = [HEAD, *rows]
    widths = [max(len(each[column]) for each in whole) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip()
        for each in whole
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one case that was asked for, or all of the page."""
    kind_of_help = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m tests.scale", description=__doc__, formatter_class=kind_of_help
    )
    names = {"arrivals_per_s": "arrivals", "rate_per_s": "rate"}
    for field in fields(Plan):
        option = "--" + names.get(field.name, field.name).replace("_", "-")
        kind = float if "." in str(field.default) else int
        parser.add_argument(option, dest=field.name, type=kind, metavar="N")
    parser.add_argument(
        "--alerts", action="store_true", help="calls that are shared, not those of a campaign"
    )
    read = vars(parser.parse_args(arguments))
    given = {name: value for name, value in read.items() if value is not None}
    alerts = given.pop("alerts")
    if not given:
        cases = {name: (plan, bool(plan.arrivals_per_s)) for name, plan in CASES.items()}
    elif "messages" not in given:
        parser.error("--messages says how many")
    else:
        cases = {"asked for": (Plan(**given), alerts or bool(given.get("arrivals_per_s")))}
    rows = [
        row(name, simulate(plan, figures_of(plan, alerts=is_alert)))
        for name, (plan, is_alert) in cases.items()
    ]
    sys.stdout.write(table(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
