"""Two sides by turns, so that a slow minute of the machine meets both: an earlier version, or other settings.

    git worktree add ../before HEAD~20 && make -C ../before setup
    make bench BENCH="peers pickup shared" BEFORE=../before

Each side runs its own benchmarks with its own environment, so nothing is translated; the figures that both
have are divided, round by round. A ratio above 1 is an improvement, whatever the unit.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.benchmarks import report
from tests.benchmarks.report import BenchmarkError, Context, Row

ROOT = Path(__file__).parents[2]
#: Ratio below which a version has become slower, by more than a quiet machine explains.
_SLOWER: Final = 0.97
#: Units in which more is better; in all others less is.
_MORE_IS_BETTER: Final = {"msg/s", "recipients/s", "per second"}
#: Units of figures that are neither: how much was done, not how well.
_NOT_COMPARED: Final = {"messages", "calls", "times", "%", "jobs"}

#: Benchmark and figure, candidate, unit.
Figure = tuple[str, str, str]


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    Attributes:
        name: what tables call it.
        root: its checkout, with a ``.venv``.
        environment: of its benchmarks, beside ours.
    """

    name: str
    root: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        title: of the table.
        side: whose figures are divided by those of the other.
        other: this other.
        least: the bound of all ratios of rates. Latencies and CPU are told.
    """

    title: str
    side: Side
    other: Side
    least: float


def with_earlier(checkout: Path) -> Comparison:
    """Compare this version with the one in another checkout."""
    earlier = Side(f"before ({checkout.name})", checkout.resolve())
    return Comparison("This version against an earlier one", Side("this version"), earlier, _SLOWER)


def compare(context: Context, comparison: Comparison, names: Sequence[str]) -> list[Row]:
    """Run benchmarks by turns on both sides, and divide what both measured.

    Args:
        context: rounds, messages and candidates; without candidates only this worker's own are run.
        comparison: the sides.
        names: benchmarks that both sides have.

    Returns:
        The figures of both sides, and a row for each ratio: the median of the rounds.

    Raises:
        BenchmarkError: a side failed, or they have no figure in common.
    """
    side, other = comparison.side, comparison.other
    pairs: dict[Figure, list[tuple[float, float]]] = {}
    for number in range(1, context.rounds + 1):
        # The one that begins changes, too.
        order = [other, side] if number % 2 else [side, other]
        for name in names:
            found = {each.name: _figures(context, each, name, number, context.rounds) for each in order}
            for figure, value in found[side.name].items():
                if value and found[other.name].get(figure):
                    pairs.setdefault(figure, []).append((value, found[other.name][figure]))
    if not pairs:
        raise BenchmarkError("the two sides have no figure in common")
    return [row for figure, each in pairs.items() for row in _rows(comparison, figure, each)]


def _rows(comparison: Comparison, figure: Figure, pairs: Sequence[tuple[float, float]]) -> list[Row]:
    name, who, unit = figure
    side, other = comparison.side.name, comparison.other.name
    rate = unit in _MORE_IS_BETTER
    ratios = [value / against if rate else against / value for value, against in pairs]
    ratio = Row.of(f"{name} ({unit}), {side} against {other}", ratios, "times", who)
    return [
        Row.of(name, [value for value, _ in pairs], unit, f"{who}, {side}"),
        Row.of(name, [against for _, against in pairs], unit, f"{who}, {other}"),
        ratio.at_least(comparison.least) if rate else ratio,
    ]


def _figures(context: Context, side: Side, name: str, number: int, rounds: int) -> dict[Figure, float]:
    """Run one benchmark on one side, and read its figures."""
    context.say(f"round {number} of {rounds}, {name}: {side.name}")
    out = context.data_dir / f"results-{name}-{side.name}"
    command = [str(side.root / ".venv" / "bin" / "python"), "-m", "tests.benchmarks", name, "--rounds", "1"]
    command += ["--messages", str(context.messages), "--out", str(out)]
    command += ["--only", *(context.only or ("octopush",))]
    environment = {**os.environ, **side.environment}
    done = subprocess.run(command, cwd=side.root, env=environment, stdout=subprocess.DEVNULL, check=False)
    # 1 says that a bound was missed: on a machine of today that is no matter here.
    if done.returncode not in {0, 1}:
        raise BenchmarkError(f"the benchmark {name} failed: {side.name}")
    return {
        (f"{name}: {row.name}", row.who, row.unit): row.value
        for row in report.read(out / "results.json")[name][1]
        if row.unit not in _NOT_COMPARED
    }
