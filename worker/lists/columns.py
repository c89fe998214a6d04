"""How a list of people is laid out: its delimiter, whether it has titles, what each column is. Pure.

Everything is decided over several rows: one cell may be damaged, empty, or hold a delimiter.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from producers.contract.phone import looks_like_number, to_e164
from producers.messages.recipient import plain_name, variable_named
from worker.lists.titles import NUMBERS, SURELY, bare, listed, may_be_title, rank, shown
from worker.lists.zone_column import ZONE, zone_column

#: Delimiters tried; the first of them if all fit alike.
DELIMITERS: Final = (",", ";", "\t")
#: What names a person without a number, and the title of its column.
PSEUDONYM: Final = "pseudonym"
_PSEUDONYM: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)

T = TypeVar("T")


class FileProblem(Exception):
    """The file cannot be read as a list of people; says where, never what stands there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller knows of a list.

    Attributes:
        wanted: columns that must be there, by the names that the caller uses: variables of the text, say.
        others: columns that are read if they are there; ``zone`` only if zones stand in it.
        titles: title of a column, by its name or ``phone_number``.
        region: whose national numbers are read, such as ``FR``; none if empty.
        pseudonyms: whether people may be named by pseudonyms, too, in a column ``pseudonym``.
        need: why the wanted columns must be there, behind "is not in the file".
    """

    wanted: Sequence[str] = ()
    others: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    pseudonyms: bool = False
    need: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a list is to be read.

    Attributes:
        delimiter: between its cells.
        titles: of its columns, as written; empty if it has none.
        width: cells in a row.
        columns: what a cell is, by its index; the others are ignored.
    """

    delimiter: str
    titles: tuple[str, ...]
    width: int
    columns: Mapping[int, str]

    def describe(self) -> str:
        """Say for people what is read from where."""
        if not self.titles:
            return f"{NUMBERS} = column {next(iter(self.columns)) + 1}, without a title"
        read = ", ".join(f"{name} = {shown(self.titles[index])}" for index, name in self.columns.items())
        left = [title for index, title in enumerate(self.titles) if index not in self.columns]
        return f"{read}; not read: {listed(left)}" if left else read


def layout_of(lines: Sequence[str], asked: Asked, delimiter: str | None = None) -> Layout:
    """Find out how a list is laid out.

    Args:
        lines: its first lines, with their ends; some hundred of them.
        asked: what the caller knows.
        delimiter: if the file names it itself.

    Raises:
        FileProblem: it is empty, or a column is missing, there twice, or cannot be told from another one.
    """
    delimiter = delimiter or max(DELIMITERS, key=lambda each: _fit(_sample(lines, each), asked))
    rows = _sample(lines, delimiter)
    if not rows:
        raise FileProblem("the file is empty")
    if not _headed(rows, asked):
        for name in asked.wanted:
            raise FileProblem(f"the column {name} is not in the file{asked.need}: it has no titles")
        numbers = _best(rows, asked, range(_width(rows)))
        return Layout(delimiter, (), _width(rows), {numbers or 0: NUMBERS})
    titles = tuple(map(bare, rows[0]))
    return Layout(delimiter, titles, len(titles), _columns(titles, rows[1:], asked))


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Read rows that are not blank, as far as that goes: which delimiter is right is not known yet."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(cells for cells in csv.reader(lines, delimiter=delimiter) if any(map(bare, cells)))
    return rows


def _fit(rows: list[list[str]], asked: Asked) -> tuple[int, ...]:
    """Weigh how well rows came out with a delimiter; the most telling first."""
    width = _width(rows)
    return (
        _count(rows, lambda cells: any(_is_person(cell, asked) for cell in cells)),
        _count(rows, lambda cells: any(map(looks_like_number, cells))),
        _count(rows[0] if rows else [], lambda title: _is_known(title, asked)),
        _count(rows, lambda cells: len(cells) == width),
        width,
    )


def _width(rows: list[list[str]]) -> int:
    """Give the commonest number of cells; the larger of two that are as common."""
    return max(Counter(map(len, rows)).items(), key=lambda item: (item[1], item[0]), default=(0, 0))[0]


def _headed(rows: list[list[str]], asked: Asked) -> bool:
    """Tell whether the first row holds titles. A recipient whose number is damaged is no title."""
    first = rows[0]
    if asked.titles or any(_is_number(cell, asked.region) for cell in first):
        return bool(asked.titles)
    if any(variable_named(cell) or rank(cell) == SURELY or _names(cell, asked) for cell in first):
        return True
    columns = [(cell, _column(rows[1:], index)) for index, cell in enumerate(first)]
    if any(rank(cell) and any(map(looks_like_number, below)) for cell, below in columns):
        return True
    if any(_is_person(cell, asked) for cell in first):
        return False
    # A cell that other rows have, too, is no title, unless all titles are like that.
    if first not in rows[1:] and any(bare(cell) and cell in below for cell, below in columns):
        return False
    return may_be_title(first[_best(rows[1:], asked, range(len(first))) or 0])


def _is_known(title: str, asked: Asked) -> bool:
    named = map(plain_name, asked.titles.values())
    return bool(variable_named(title) or rank(title)) or plain_name(title) in named or _names(title, asked)


def _names(title: str, asked: Asked) -> bool:
    """Tell whether a title is, as it stands, the name of a column that is asked for."""
    own = (*asked.wanted, *(each for each in asked.others if each != ZONE))
    return plain_name(title) in (*own, PSEUDONYM) if asked.pseudonyms else plain_name(title) in own


def _columns(titles: Sequence[str], rows: list[list[str]], asked: Asked) -> dict[int, str]:
    """Say what each column is that is needed.

    Raises:
        FileProblem: one is missing, there twice, or cannot be told from another one.
    """
    given = {name: _titled(titles, title) for name, title in asked.titles.items()}
    found = {name: given[name] if name in given else _variable(titles, name, asked) for name in asked.wanted}
    found |= {name: index for name in asked.others for index in _other(titles, rows, name, given)}
    if NUMBERS in given or not (asked.pseudonyms and PSEUDONYM in found and not any(map(rank, titles))):
        found[NUMBERS] = given[NUMBERS] if NUMBERS in given else _numbers(titles, rows, asked.region)
    columns = {found[name]: name for name in sorted(found, key=lambda name: name != NUMBERS)}
    if len(columns) < len(found):
        raise FileProblem(f"one column cannot be two things; columns found: {listed(titles)}")
    return columns


def _other(
    titles: Sequence[str], rows: list[list[str]], name: str, given: Mapping[str, int]
) -> Sequence[int]:
    """Find a column that need not be there: one place, or none.

    Raises:
        FileProblem: it is there twice.
    """
    if name in given:
        return [given[name]]
    if name == ZONE:
        zone = zone_column(titles, rows)
        return [] if zone is None or zone in given.values() else [zone]
    found = [index for index, title in enumerate(titles) if plain_name(title) == name]
    return [_only(found, name, titles)] if found else []


def _titled(titles: Sequence[str], wanted: str) -> int:
    """Find a column by its title: as written, or else without what does not tell titles apart."""
    for same in (str.strip, plain_name):
        found = [index for index, title in enumerate(titles) if same(title) == same(wanted)]
        if found:
            break
    return _only(found, shown(wanted), titles)


def _variable(titles: Sequence[str], name: str, asked: Asked) -> int:
    exact = [index for index, title in enumerate(titles) if plain_name(title) == name]
    meant = [index for index, title in enumerate(titles) if variable_named(title) == name]
    return _only(exact or meant, name, titles, asked.need)


def _only(found: Sequence[int], name: str, titles: Sequence[str], about: str = "") -> int:
    if len(found) != 1:
        how = "twice" if found else "not"
        raise FileProblem(f"the column {name} is {how} in the file{about}; columns found: {listed(titles)}")
    return found[0]


def _numbers(titles: Sequence[str], rows: list[list[str]], region: str) -> int:
    """Find the column of the numbers by its title, and among several by what stands in them."""
    ranks = {index: rank(title) for index, title in enumerate(titles)}
    likely = [index for index in ranks if ranks[index] == max(ranks.values())]
    if ranks[likely[0]] == SURELY:
        return _only(likely, NUMBERS, titles)
    for holds in (lambda cell: _is_number(cell, region), looks_like_number):
        full = [index for index in likely if any(map(holds, _column(rows, index)))]
        if len(full) == 1:
            return full[0]
        if full:
            names = ", ".join(shown(titles[index]) for index in full)
            raise FileProblem(f"several columns hold numbers; name one with --column: {names}")
    return likely[0]


def _column(rows: list[list[str]], index: int) -> list[str]:
    return [cells[index] for cells in rows if index < len(cells)]


def _best(rows: list[list[str]], asked: Asked, columns: Sequence[int]) -> int | None:
    """Give the column with most numbers, readable ones first, or None if there is no number."""

    def numbers(index: int) -> tuple[int, int]:
        cells = _column(rows, index)
        return _count(cells, lambda cell: _is_person(cell, asked)), _count(cells, looks_like_number)

    best = max(columns, key=numbers, default=0)
    return best if any(numbers(best)) else None


def _count(things: Sequence[T], test: Callable[[T], bool]) -> int:
    return sum(map(test, things))


def is_pseudonym(cell: str) -> bool:
    """Tell whether a cell has the form of a pseudonym."""
    return _PSEUDONYM.fullmatch(unquoted(cell)) is not None


def unquoted(cell: str) -> str:
    """Take off the apostrophe that an export puts before a hyphen, for spreadsheets."""
    return bare(cell).removeprefix("'")


def _is_person(cell: str, asked: Asked) -> bool:
    return _is_number(cell, asked.region) or (asked.pseudonyms and is_pseudonym(cell))


def _is_number(cell: str, region: str) -> bool:
    if not looks_like_number(cell):
        return False
    try:
        to_e164(bare(cell), default_region=region)
    except ValueError:
        return False
    return True
