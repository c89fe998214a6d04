"""What every benchmark gets, and what it gives back.

A benchmark is a module of this package with one function and a docstring whose first line is its title:

    def run(context: Context) -> list[Row]: ...

`tests.benchmarks.__main__` finds ``own_<name>.py`` with a ``run`` by its name and runs it as ``<name>``;
nothing needs to be registered. A benchmark starts what it measures below ``context.data_dir`` and stops it
again, prints how far it is with ``context.say``, and raises `BenchmarkError` where a figure would be a lie: a
message lost, or sent twice.

    rows = [Row.of("start of a send, median", [4.1, 3.9, 4.4], "ms").at_most(10)]
"""

import json
import platform
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self


class BenchmarkError(Exception):
    """The run cannot be trusted: something was lost, repeated, or did not finish."""


@dataclass(frozen=True)
class Context:
    """How to run.

    Attributes:
        rounds: how often each candidate runs; candidates take turns, A B C A B C.
        messages: messages per run at a gateway that answers at once; other loads are derived from it.
        data_dir: scratch space of this run, deleted after it.
        bench_dir: environments of the peers, kept between runs.
        only: candidates to run, by a part of their name; all if empty.
    """

    rounds: int
    messages: int
    data_dir: Path
    bench_dir: Path
    only: tuple[str, ...] = ()

    def wants(self, who: str) -> bool:
        """Whether a candidate takes part."""
        return not self.only or any(part.lower() in who.lower() for part in self.only)

    @staticmethod
    def say(text: str) -> None:
        """Tell the person at the terminal how far it is."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - a tool for the terminal


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        name: what was measured: ``messages per second, gateway 0 ms``.
        value: the median over the rounds.
        unit: ``msg/s``, ``µs``, ``ms``, ``%`` …
        bound: what it has to be, in words such as ``≥ 3``; empty for a figure without a bound.
        met: whether it is; None without a bound.
        who: the candidate it was measured on; rows of one name and several candidates become one table.
        low: smallest of the rounds, None when there was one.
        high: largest of the rounds.
    """

    name: str
    value: float
    unit: str
    bound: str = ""
    met: bool | None = None
    who: str = "octopush-worker"
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, name: str, values: Sequence[float], unit: str, who: str = "octopush-worker") -> Self:
        """Make the row of several rounds: their median and spread."""
        spread = (min(values), max(values)) if len(values) > 1 else (None, None)
        return cls(name, statistics.median(values), unit, who=who, low=spread[0], high=spread[1])

    def at_least(self, bound: float) -> Self:
        """Return the row with a lower bound."""
        return replace(self, bound=f"≥ {number(bound)}", met=self.value >= bound)

    def at_most(self, bound: float) -> Self:
        """Return the row with an upper bound."""
        return replace(self, bound=f"≤ {number(bound)}", met=self.value <= bound)


def number(value: float) -> str:
    """Write a figure with three digits that mean something."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _spread(row: Row) -> str:
    return "" if row.low is None or row.high is None else f"{number(row.low)} – {number(row.high)}"


def _verdict(row: Row) -> str:
    return "" if row.met is None else f"{row.bound}: {'met' if row.met else 'MISSED'}"


def as_text(title: str, rows: Iterable[Row]) -> str:
    """Lay out the rows for a terminal."""
    cells = [
        (row.name, row.who, f"{number(row.value)} {row.unit}", _spread(row), _verdict(row)) for row in rows
    ]
    widths = [max((len(row[i]) for row in cells), default=0) for i in range(5)]
    aligned = ("<", "<", ">", ">", "<")
    lines = [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, aligned, widths, strict=True))
        for row in cells
    ]
    return "\n".join(["", title, "=" * len(title), *(line.rstrip() for line in lines)])


def as_markdown(title: str, rows: Sequence[Row]) -> str:
    """Lay out the rows as a fragment of a page: a table per candidate set, then a table of bounds."""
    measured = [row for row in rows if not row.bound]
    bounded = [row for row in rows if row.bound]
    parts = [f"## {title}"]
    if measured:
        parts.append(_matrix(measured))
    if bounded:
        lines = [f"| {r.name} | {number(r.value)} {r.unit} | {r.bound} | {_met(r)} |" for r in bounded]
        parts.append("\n".join(["| | measured | bound | |", "|---|---:|---:|---|", *lines]))
    return "\n\n".join(parts) + "\n"


def _matrix(rows: Sequence[Row]) -> str:
    """One line per candidate, one column per measured thing."""
    names = list(dict.fromkeys(f"{row.name}, {row.unit}" for row in rows))
    table: dict[str, dict[str, Row]] = {}
    for row in rows:
        table.setdefault(row.who, {})[f"{row.name}, {row.unit}"] = row
    head = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    return "\n".join(
        [
            *head,
            *(
                f"| {who} | " + " | ".join(_cell(of.get(n)) for n in names) + " |"
                for who, of in table.items()
            ),
        ]
    )


def _cell(row: Row | None) -> str:
    return "" if row is None else number(row.value)


def _met(row: Row) -> str:
    return "met" if row.met else "missed"


def write(out: Path, results: Mapping[str, tuple[str, Sequence[Row]]]) -> None:
    """Write ``results.json`` and ``results.md``.

    Args:
        out: the directory, made if it is not there.
        results: benchmark name to title and rows.
    """
    out.mkdir(parents=True, exist_ok=True)
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "benchmarks": {
            name: {"title": title, "rows": [asdict(row) for row in rows]}
            for name, (title, rows) in results.items()
        },
    }
    (out / "results.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    fragments = [as_markdown(title, rows) for title, rows in results.values()]
    (out / "results.md").write_text("\n".join(fragments), "utf-8")


def read(path: Path) -> dict[str, tuple[str, list[Row]]]:
    """Read what `write` wrote into ``results.json``."""
    benchmarks = json.loads(path.read_text("utf-8"))["benchmarks"]
    return {
        name: (found["title"], [Row(**row) for row in found["rows"]]) for name, found in benchmarks.items()
    }
