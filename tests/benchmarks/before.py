"""This version beside an earlier one: both run by turns, so that a slow minute of the machine meets both.

    git worktree add ../before HEAD~20 && make -C ../before setup
    make bench BENCH="peers pickup shared" BEFORE=../before

The earlier version runs its own benchmarks with its own environment, so nothing of it is translated; the
figures that both have are divided, round by round. A ratio above 1 is an improvement, whatever the unit.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks import report
from tests.benchmarks.report import BenchmarkError, Context, Row

ROOT = Path(__file__).parents[2]
#: Ratio below which a figure has become worse, by more than a quiet machine explains.
WORSE = 0.97
#: Units in which more is better; in all others less is.
_MORE_IS_BETTER = {"msg/s", "per s"}
#: Units of figures that are neither: how much was done, not how well.
_NOT_COMPARED = {"messages", "calls", "times", "%", "jobs"}

Figures = dict[tuple[str, str, str], Row]


def compare(context: Context, before: Path, names: Sequence[str]) -> list[Row]:
    """Run benchmarks by turns here and in an earlier checkout, and divide what both measured.

    Args:
        context: rounds, messages and candidates; without candidates only this worker's own are run.
        before: root of the earlier checkout, with its ``.venv``.
        names: benchmarks that both versions have.

    Returns:
        One row per figure: the median ratio, with `WORSE` as its bound for rates.

    Raises:
        BenchmarkError: one of the versions failed, or they have no figure in common.
    """
    ratios: dict[tuple[str, str, str], list[float]] = {}
    for number in range(1, context.rounds + 1):
        # The one that begins changes, too.
        order = [before.resolve(), ROOT] if number % 2 else [ROOT, before.resolve()]
        found = {}
        for root in order:
            context.say(
                f"round {number} of {context.rounds}: {'this version' if root == ROOT else root.name}"
            )
            found[root] = _figures(context, root, names)
        for figure, row in found[ROOT].items():
            old = found[before.resolve()].get(figure)
            if old is not None and old.value and row.value:
                ratios.setdefault(figure, []).append(_ratio(row, old))
    if not ratios:
        raise BenchmarkError("the two versions have no figure in common")
    return [_row(figure, each) for figure, each in ratios.items()]


def _ratio(row: Row, old: Row) -> float:
    return row.value / old.value if row.unit in _MORE_IS_BETTER else old.value / row.value


def _row(figure: tuple[str, str, str], ratios: Sequence[float]) -> Row:
    name, who, unit = figure
    row = Row.of(f"{name} ({unit}), this version against before", ratios, "times", who)
    # Latencies and CPU are told; rates are what must not fall.
    return row.at_least(WORSE) if unit in _MORE_IS_BETTER else row


def _figures(context: Context, root: Path, names: Sequence[str]) -> Figures:
    out = context.data_dir / f"results-{root.name}"
    command = [str(root / ".venv" / "bin" / "python"), "-m", "tests.benchmarks", *names, "--rounds", "1"]
    command += ["--messages", str(context.messages), "--out", str(out)]
    command += ["--only", *(context.only or ("octopush",))]
    done = subprocess.run(command, cwd=root, stdout=subprocess.DEVNULL, stderr=None, check=False)
    # 1 says that a bound was missed: on a machine of today that is no matter here.
    if done.returncode not in {0, 1}:
        raise BenchmarkError(f"the benchmarks of {root.name} failed")
    results: Mapping[str, tuple[str, list[Row]]] = report.read(out / "results.json")
    return {
        (f"{benchmark}: {row.name}", row.who, row.unit): row
        for benchmark, (_, rows) in results.items()
        for row in rows
        if row.unit not in _NOT_COMPARED
    }
