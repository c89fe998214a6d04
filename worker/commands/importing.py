"""What the imports of lists have in common: their options, which lines are bad, and where these go."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import click

from worker.commands.mended_rows import mended
from worker.commands.numbers import region_option, settings_with, with_option
from worker.commands.option_types import Mapped
from worker.lists.columns import Asked, FileProblem
from worker.lists.csv_text import kept
from worker.lists.list_file import BadRow, ListFile, open_list
from worker.lists.titles import NUMBERS
from worker.presentation.counts import counted
from worker.presentation.output import Failed, Output

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

#: The column of the numbers as people call it.
_NUMBER: Final = "number"
#: Bad lines of a list that are named.
_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Given:
    """What a command line says of a list, as `list_options` declares it."""

    file: Path
    from_line: int
    mapped: tuple[tuple[str, str], ...]
    region: str | None
    encoding: str | None
    bad_rows_to: Path | None


def list_options(*columns: str) -> Callable[[F], F]:
    """Give a command ``FILE`` and what can be said of it; its parameters are those of `Given`.

    Args:
        columns: names of columns, for ``--map``, besides that of the numbers.
    """
    path = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
    declared = (
        click.argument("file", type=path),
        click.option("--from-line", type=click.IntRange(1), default=1, help="Go on behind an interruption."),
        click.option(
            "--map",
            "mapped",
            type=Mapped((_NUMBER, *columns)),
            multiple=True,
            help="Title of a column that has another one, such as number=Natel; repeatable.",
        ),
        region_option,
        click.option("--encoding", help="Of the file, if it is neither UTF-8, UTF-16 nor Windows-1252."),
        click.option(
            "--bad-rows-to",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write bad lines to this file, to be mended and imported.",
        ),
    )

    def declare(function: F) -> F:
        for each in reversed(declared):
            function = each(function)
        return function

    return declare


class Import(Generic[T]):
    """A list that is taken over, line by line.

    Args:
        listed: the list.
        read: makes a person of the cells of a line, or raises ValueError in words that show nothing of them.
        given: what the command line says.
    """

    def __init__(self, listed: ListFile, read: Callable[[Mapping[str, str]], T], given: Given) -> None:
        self._listed, self._read, self._given = listed, read, given
        self._lines: list[dict[str, Any]] = []
        self.bad = 0

    def people(self) -> Iterator[tuple[int, T]]:
        """Yield who can be read, each with its line, and note which lines cannot."""
        for _, line, each in self._rows():
            if not isinstance(each, BadRow):
                yield line, each
                continue
            self.bad += 1
            if self.bad <= _NAMED:
                self._lines.append({"line": line, "problem": each.reason})

    def keep_bad_rows(self) -> None:
        """Write the bad lines to the file that was named for them, if one was.

        Raises:
            Failed: there is another file by that name, or it cannot be written.
        """
        with mended(self._listed, self._given.bad_rows_to) as mending:
            if mending is not None:
                for position, _, each in self._rows():
                    if isinstance(each, BadRow):
                        mending.take(position, each.reason)

    def _rows(self) -> Iterator[tuple[int, int, T | BadRow]]:
        for position, cells in enumerate(self._listed.rows()):
            line = self._listed.line_of(position)
            if line >= self._given.from_line:
                yield position, line, cells if isinstance(cells, BadRow) else self._person(cells)

    def _person(self, cells: Mapping[str, str]) -> T | BadRow:
        try:
            return self._read(cells)
        except ValueError as error:
            return BadRow(with_option(str(error)))

    def fields(self) -> dict[str, Any]:
        """Name what was left out, for programs."""
        to = self._given.bad_rows_to
        return {"bad": self.bad, "lines": self._lines, "bad_rows_to": to and str(to)}

    def tell(self, output: Output) -> None:
        """Say what was left out, and how it is mended."""
        for each in self._lines:
            output.say(f"line {each['line']} {each['problem']}")
        if self.bad:
            output.say(f"{counted(self.bad, 'line was', 'lines were')} left out")
            if self._given.bad_rows_to is not None:
                output.say(f"to mend in {self._given.bad_rows_to}: then import that file")


def opened(
    stack: ExitStack, given: Given, asked: Asked, read: Callable[[Mapping[str, str], str], T]
) -> Import[T]:
    """Look at a whole list, and write its bad lines where they are asked for, before anybody is taken over.

    Args:
        stack: what closes the list.
        given: what the command line says.
        asked: which columns there may be.
        read: makes a person of the cells of a line and of a region.

    Raises:
        Failed: the list cannot be read, or its bad lines cannot be written.
    """
    region = settings_with(given.region).default_region
    titles = {NUMBERS if name == _NUMBER else name: title for name, title in given.mapped}
    asked = Asked(asked.wanted, asked.others, titles, region, pseudonyms=asked.pseudonyms)
    try:
        listed = open_list(stack.enter_context(kept(given.file)), asked, given.encoding)
    except (FileProblem, OSError) as error:
        raise Failed(f"FILE: {error}") from None
    taken = Import(listed, lambda cells: read(cells, region), given)
    taken.keep_bad_rows()
    return taken
