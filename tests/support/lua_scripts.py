"""The Lua scripts as Redis gets them: which file and line a place in their text comes from."""

import functools
import itertools
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from producers.contract.assembly import with_library

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "producers" / "contract" / "lua"
HEAD = LIBRARY / "head.lua"

_USES = re.compile(r"^-- uses:(.*)$", re.MULTILINE)
_ITEM = re.compile(r"\s*([a-z]\w*)\s*(?:\(((?:[^()]|\([^()]*\))*)\))?\s*([,;]?)")


@dataclass(frozen=True)
class Text:
    """Files one after the other, and the way back to their lines.

    Attributes:
        files: the files in the order in which they stand in the text; the last one is the script's own.
    """

    files: tuple[Path, ...]
    text: bytes = field(init=False, repr=False, compare=False)
    starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        texts = [path.read_bytes() for path in self.files]
        object.__setattr__(self, "text", b"".join(texts))
        object.__setattr__(self, "starts", [0, *itertools.accumulate(len(text) for text in texts[:-1])])

    @property
    def script(self) -> Path:
        """The script's own file."""
        return self.files[-1]

    def file(self, offset: int) -> Path:
        """Return the file that holds a place."""
        return self.files[bisect_right(self.starts, offset) - 1]

    def place(self, offset: int) -> str:
        """Name a place as ``file:line``."""
        path = self.file(offset)
        line = self.text[self.starts[self.files.index(path)] : offset].count(b"\n") + 1
        return f"{path.relative_to(ROOT).as_posix()}:{line}"

    def line(self, number: int) -> str:
        """Name a line of the text, counted from 1, as ``file:line``."""
        return self.place(sum(len(line) for line in self.text.splitlines(keepends=True)[: number - 1]))


def script_files() -> list[Path]:
    """List the scripts, without the files of the library."""
    found = [path for package in ("producers", "worker") for path in (ROOT / package).rglob("*.lua")]
    return sorted(path for path in found if LIBRARY not in path.parents)


def parts() -> list[Path]:
    """List the parts of the library, without the head."""
    return sorted(path for path in LIBRARY.rglob("*.lua") if path != HEAD)


def uses(path: Path) -> list[str]:
    """Return the parts that a file says it uses."""
    found = _USES.search(path.read_text("utf-8"))
    return found[1].split() if found else []


def part_name(path: Path) -> str:
    """Name a part of the library as a script does."""
    return path.relative_to(LIBRARY).with_suffix("").as_posix()


def text_name(path: Path) -> str:
    """Name the text of a file as `producers.contract.assembly.joined` knows it."""
    return part_name(path) if LIBRARY in path.parents else path.stem


def files_of(body: str) -> tuple[Path, ...]:
    """List the files that stand before a text, the head first."""
    *names, _ = with_library("", body)
    return tuple(LIBRARY / f"{name}.lua" for name in names)


@functools.cache
def whole_library() -> Text:
    """Put all of the library together, as if one script used all of it."""
    return Text(files_of("-- uses: " + " ".join(map(part_name, parts()))))


@functools.cache
def assembled(path: Path) -> Text:
    """Put a script together as `producers.contract.scripts.Script` does."""
    return Text((*files_of(path.read_text("utf-8")), path))


@functools.cache
def given(path: Path) -> Mapping[str, frozenset[str]]:
    """Read from a script's head what it is given: the names, and of a list what each of its entries has.

    The line reads ``-- Given: version, entries (each id, lease), most (how many at most)``, and goes on over
    as many lines as it needs.
    """
    comment = re.match(r"(?:--.*\n)+", path.read_text("utf-8"))
    lines = [line.removeprefix("--") for line in comment[0].splitlines()] if comment else []
    _, _, listed = "\n".join(lines).partition("\n Given:")
    return {
        name: frozenset(_items(remark[5:])) if remark.startswith("each ") else frozenset()
        for name, remark in _items(listed).items()
    }


def _items(listed: str) -> dict[str, str]:
    """Read names with their remarks in brackets, up to the first that no comma follows."""
    found, at = {}, 0
    while item := _ITEM.match(listed, at):
        name, remark, more = item.groups()
        found[name] = remark or ""
        at = item.end()
        if not more:
            break
    return {} if list(found) == ["nothing"] else found
