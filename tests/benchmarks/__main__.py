"""Measure this worker beside others, and alone.

    python -m tests.benchmarks                              # everything, three rounds
    python -m tests.benchmarks peers shared --rounds 5
    python -m tests.benchmarks peers --only octopush dramatiq --messages 2000 --rounds 1
    python -m tests.benchmarks peers pickup shared --before ../earlier  # by turns with another checkout
    python -m tests.benchmarks peers shared pickup producer --rules  # all rules on and off, by turns

Writes results.json, results.md and performance.svg. Exit status 1 when a bound was missed, 2 when a run could
not be trusted. Needs Linux; uses two processors however many there are.
"""

import argparse
import importlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from tests.benchmarks import by_turns, environments, plot, report, rules
from tests.benchmarks.report import BenchmarkError, Context, Row

ROOT = Path(__file__).parents[2]
#: Benchmarks beside those named own_*.
MODULES = {"peers": "against_peers", "shared": "shared_calls", "transports": "transports"}
#: Processors of the comparison.
PROCESSORS = 2
#: Load average above which others are at work on this machine, too.
QUIET_LOAD = 0.5

Results = dict[str, tuple[str, Sequence[Row]]]


def listed() -> dict[str, str]:
    """List all benchmarks, name to module, in the order in which they run; imports none of them."""
    own = sorted(Path(__file__).parent.glob("own_*.py"))
    # Modules that benchmarks stand on have no `run`.
    runnable = [path.stem for path in own if "\ndef run(" in path.read_text("utf-8")]
    return {**MODULES, **{name.removeprefix("own_"): name for name in runnable}}


def options(benchmarks: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(benchmarks)}; all if none")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each candidate (3)")
    parser.add_argument("--messages", type=int, default=10_000, help="per run at a fast gateway (10000)")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART", help="candidates, by parts of names")
    parser.add_argument("--out", type=Path, default=ROOT / "bench-results", help="directory for results")
    turns = parser.add_mutually_exclusive_group()
    turns.add_argument("--before", type=Path, metavar="CHECKOUT", help="run by turns with an earlier version")
    turns.add_argument("--rules", action="store_true", help="run with all rules on and off, by turns")
    given = parser.parse_args()
    if unknown := set(given.names) - set(benchmarks):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(benchmarks)}")
    if given.rounds < 1 or given.messages < 100:
        parser.error("at least one round of 100 messages")
    given.names = given.names or list(benchmarks)
    return given


def measure(context: Context, modules: dict[str, str], out: Path) -> tuple[Results, list[str]]:
    """Run benchmarks one after another; one that fails does not keep the others from running.

    Returns:
        Results of those that ran, and the names of those that failed.
    """
    results: Results = {}
    failed = []
    for name, module in modules.items():
        try:
            benchmark = importlib.import_module(f"tests.benchmarks.{module}")
            title = (benchmark.__doc__ or name).splitlines()[0].rstrip(".")
            context.say(f"\n== {name}: {title}")
            rows = benchmark.run(context)
        except Exception as error:  # noqa: BLE001 - the figures of the other benchmarks are wanted still
            told = str(error) if isinstance(error, BenchmarkError) else traceback.format_exc()
            context.say(f"FAILED {name}: {told}")
            failed.append(name)
            continue
        results[name] = (title, rows)
        print(report.as_text(title, rows), flush=True)  # noqa: T201 - a tool for the terminal
        save(out, results)
    return results, failed


def compare(context: Context, earlier: Path | None, names: Sequence[str], out: Path) -> int:
    """Run benchmarks by turns: with an earlier checkout, or else with the rules on and off.

    Returns:
        0, or 1 if a ratio of rates is too low, 2 if a benchmark failed.
    """
    try:
        comparison = by_turns.with_earlier(earlier) if earlier else rules.by_turns()
        rows = by_turns.compare(context, comparison, names)
    except BenchmarkError as error:
        context.say(f"FAILED: {error}")
        return 2
    print(report.as_text(comparison.title, rows), flush=True)  # noqa: T201 - a tool for the terminal
    report.write(out, {"by turns": (comparison.title, rows)})
    return int(any(row.met is False for row in rows))


def save(out: Path, results: Results) -> None:
    """Write results, merged into those of an earlier run of other benchmarks."""
    earlier: Results = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        earlier = report.read(out / "results.json")
    merged = {**earlier, **results}
    report.write(out, merged)
    (out / "performance.svg").write_text(plot.draw(merged), "utf-8")


def _stop(number: int, _: FrameType | None) -> None:
    """Leave as after Ctrl-C, so that everything that was started is ended."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    """Run what was asked for."""
    if not Path("/proc/self/stat").exists():
        Context.say("the benchmarks read CPU times from /proc and need Linux")
        return 2
    benchmarks = listed()
    given = options(list(benchmarks))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _stop)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
    # Commands of ours are found by `-m` from the root.
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="octopush-bench-") as data_dir:
        context = Context(given.rounds, given.messages, Path(data_dir), ROOT / ".bench", tuple(given.only))
        busy = os.getloadavg()[0]
        if busy > QUIET_LOAD:
            context.say(f"the machine is busy (load {busy:.1f}): the figures will be worth little")
        try:
            environments.python(context, "gateway")
            if given.before or given.rules:
                return compare(context, given.before, given.names, given.out)
            chosen = {name: benchmarks[name] for name in given.names}
            results, failed = measure(context, chosen, given.out)
        except KeyboardInterrupt:
            context.say("stopped")
            return 130
    missed = sum(row.met is False for _, rows in results.values() for row in rows)
    context.say(f"\nwritten to {given.out}; bounds missed: {missed}; failed: {', '.join(failed) or 'none'}")
    return 2 if failed else int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
