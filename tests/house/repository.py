"""What the checks of this folder look at: the files of the repository, read once."""

import functools
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: A fenced block: its language and its content.
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def none_of(faults: Iterable[str]) -> None:
    """Let a test fail with its faults, one a line."""
    found = sorted(set(faults))
    if found:
        pytest.fail("\n".join(found), pytrace=False)


@functools.cache
def files() -> tuple[Path, ...]:
    """List all files that are, or would be, under version control."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in found if path.is_file()))


def modules(*packages: str) -> list[Path]:
    """List the Python files of some packages."""
    return [path for path in files() if path.suffix == ".py" and name(path).split("/")[0] in packages]


def pages() -> list[Path]:
    """List the Markdown pages."""
    return [path for path in files() if path.suffix == ".md"]


@functools.cache
def text(path: Path | str) -> str:
    """Read a file, named by its path or from the root."""
    return (ROOT / path).read_text("utf-8")


def name(path: Path) -> str:
    """Name a file from the root."""
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    """Name a module as an import does."""
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [body for tongue, body in _FENCE.findall(text(page)) if tongue == language]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text(page))


def rows(page: Path | str, heading: str) -> Iterator[list[str]]:
    """Yield the cells of the first table below a heading, header and rule left out."""
    below = re.split(rf"^#+ {re.escape(heading)}$", text(page), maxsplit=1, flags=re.MULTILINE)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    for line in table[0].splitlines()[2:] if table else ():
        yield [cell.strip() for cell in line.strip("|").split(" | ")]
