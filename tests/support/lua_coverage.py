"""Which branches of the Lua scripts the tests reach: a plugin, ``pytest -p tests.support.lua_coverage``.

Each branch gets a probe that writes a line into the log of its server; it leaves no key behind. When the
tests are over, the logs are read, and the run fails if no script came to a branch. Only the scripts of this
process get probes: processes that the tests start run what production runs.

A branch is a script as a whole, a function, a loop, and each side of an ``if``, also an ``else`` that is not
written.
"""

import functools
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from tree_sitter import Node

from producers.contract.assembly import joined
from producers.contract.scripts import Script
from tests.support.lua_names import parse, walk
from tests.support.lua_scripts import HEAD, ROOT, assembled, parts, script_files, text_name

_MARK = re.compile(r"lua-branch \((.+)\)")
#: Told once per run of a script; on the first line, so that all lines keep their numbers.
_TELL = (
    "local told__ = {} local function reach__(n) if not told__[n] then told__[n] = true"
    " redis.log(redis.LOG_WARNING, 'lua-branch (' .. n .. ')') end end "
)
#: The word after which the block of a branch begins.
_OPENERS = {
    "if_statement": "then",
    "elseif_statement": "then",
    "else_statement": "else",
    "for_statement": "do",
    "while_statement": "do",
    "repeat_statement": "repeat",
}


@dataclass(frozen=True)
class Branch:
    """A place that a test must reach.

    Attributes:
        path: the file.
        line: its line.
        what: which of the branches of that line.
    """

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT).as_posix()}:{self.line}: {self.what}"


BRANCHES: dict[str, Branch] = {}


def _probes(path: Path, root: Node) -> Iterator[tuple[int, str, Branch]]:
    """Yield where a probe goes, what stands before it, and the branch that it tells of."""
    for node in walk(root):
        line = node.start_point.row + 1
        opener = _OPENERS.get(node.type)
        if opener:
            place = next(child for child in node.children if child.type == opener).end_byte
            yield place, "", Branch(path, line, node.type.removesuffix("_statement"))
        if node.type == "if_statement" and not any(c.type == "else_statement" for c in node.children):
            yield node.children[-1].start_byte, "else ", Branch(path, line, "if that does not hold")
        if node.type in {"function_declaration", "function_definition"}:
            place = node.child_by_field_name("parameters").end_byte
            yield place, "", Branch(path, line, "function")


@functools.cache
def with_probes(path: Path) -> str:
    """Return the text of a file with a probe in each branch."""
    text = path.read_bytes()
    root = parse(text)
    inserts: list[tuple[int, str]] = []
    if path in script_files():
        inserts.append((0, _probe("", Branch(path, 1, "script"))))
    for place, before, branch in _probes(path, root):
        inserts.append((place, _probe(before, branch)))
    pieces, at = [], 0
    for place, insert in sorted(inserts):
        pieces += [text[at:place].decode(), insert]
        at = place
    return "".join([*pieces, text[at:].decode()])


def _probe(before: str, branch: Branch) -> str:
    # Several on a line are told apart by their number. Processes that share the tests give the same names.
    name = f"{branch} {sum(str(each) == str(branch) for each in BRANCHES.values())}"
    BRANCHES[name] = branch
    return f" {before}reach__('{name}') "


_as_in_production = Script.text.func


def _text(script: Script) -> str:
    first, _, _ = _as_in_production(script).partition("\n")
    path = Path(str(files(script.package))) / f"{script.name}.lua"
    texts = {text_name(part): with_probes(part) for part in assembled(path).files}
    return f"{first}\n{_TELL}{joined(texts)}"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put probes into all scripts, also into those that a test makes later."""
    # Other runs of pytest tidy up the place where temporary folders usually lie, with the logs.
    config.option.basetemp = config.option.basetemp or tempfile.mkdtemp(prefix="lua-coverage-")
    # A branch counts also if no script of this run has it: probes are made here, and not when a script runs.
    for path in (HEAD, *parts(), *script_files()):
        with_probes(path)
    Script.text = functools.cached_property(_text)
    Script.text.__set_name__(Script, "text")


def never_reached(directory: Path) -> list[Branch]:
    """Read the logs of all servers in a directory; return the branches that none tells of."""
    told: set[str] = set()
    for log in directory.rglob("server.log"):
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if mark := _MARK.search(line):
                    told.add(mark[1])
    missed = [branch for name, branch in BRANCHES.items() if name not in told]
    return sorted(missed, key=lambda branch: (branch.path, branch.line))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if a branch was never reached."""
    if hasattr(session.config, "workerinput"):
        # One of the processes that share the tests: the first process looks at the logs of all.
        return
    directory = Path(session.config.option.basetemp)
    session.config.stash[_MISSED] = missed = never_reached(directory)
    shutil.rmtree(directory, ignore_errors=True)
    if missed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_MISSED = pytest.StashKey[list[Branch]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the branches that were never reached."""
    missed = config.stash.get(_MISSED, [])
    terminalreporter.section("Lua branches")
    for branch in missed:
        terminalreporter.line(f"never reached: {branch}")
    terminalreporter.line(f"{len(BRANCHES) - len(missed)} of {len(BRANCHES)} branches reached")
