"""How a list of recipients is laid out: its delimiter, whether it has titles, what each column is. Pure.

Everything is decided over several rows: one cell may be damaged, empty, or hold a delimiter.
"""

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from producers.contract.phone import looks_like_number, to_e164
from producers.messages.recipient import plain_name, variable_named
from worker.lists.zone_column import ZONE, zone_column

#: Delimiters tried; the first of them if all fit alike.
_DELIMITERS: Final = (",", ";", "\t")
NUMBERS: Final = "phone_number"
#: Words in titles of columns with numbers, the better ones first, and words of columns that look like them.
_MOBILE: Final = frozenset(
    {"mobile", "mobiles", "portable", "portables", "gsm", "cell", "cellphone", "handy"}
)
_PHONE: Final = frozenset({"phone", "telephone", "telephones", "tel", "phonenumber", "msisdn"})
_PHONE_WHOLE: Final = frozenset({"numero", "numeros", "number", "numbers", "num"})
_NO_MOBILE: Final = frozenset({"fixe", "fax", "landline", "type", "label", "extension", "indicatif"})
#: What people write where there is no number; no title.
_NOTHING: Final = frozenset(
    {
        "",
        "n_a",
        "na",
        "nc",
        "nd",
        "null",
        "none",
        "nan",
        "nil",
        "unknown",
        "inconnu",
        "inconnue",
        "pas",
        "sans",
    }
)
#: As many digits are a number, whatever else stands in the cell.
_DIGITS: Final = 9
_SHOWN: Final = 30
_ENDS: Final = "\ufeff\x00"
#: The rank of the title that means the numbers whatever else there is.
_SURELY: Final = 3


T = TypeVar("T")


class FileProblem(Exception):
    """The file cannot be read as a list of recipients; says where, never what stands there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller knows of a list.

    Attributes:
        wanted: variables that the text uses.
        titles: title of a column, by variable, ``phone_number`` or ``zone``.
        region: whose national numbers are read, such as ``FR``; none if empty.
    """

    wanted: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    region: str = ""


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
        return ", ".join(f"{name} = {_shown(self.titles[index])}" for index, name in self.columns.items())


def layout_of(lines: Sequence[str], asked: Asked, delimiter: str | None = None) -> Layout:
    """Find out how a list is laid out.

    Args:
        lines: its first lines, with their ends; some hundred of them.
        asked: what the caller knows.
        delimiter: if the file names it itself.

    Raises:
        FileProblem: it is empty, or a column is missing, there twice, or cannot be told from another one.
    """
    delimiter = delimiter or max(_DELIMITERS, key=lambda each: _fit(_sample(lines, each), asked))
    rows = _sample(lines, delimiter)
    if not rows:
        raise FileProblem("the file is empty")
    if not _headed(rows, asked):
        for name in asked.wanted:
            raise FileProblem(f"the column {name} is not in the file, but the text uses it: it has no titles")
        numbers = _best(rows, asked.region, range(_width(rows)))
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
        _count(rows, lambda cells: any(_is_number(cell, asked.region) for cell in cells)),
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
    if asked.titles:
        return True
    first = rows[0]
    if any(_is_number(cell, asked.region) for cell in first):
        return False
    if any(variable_named(cell) or _rank(cell) == _SURELY for cell in first):
        return True
    columns = [(cell, _column(rows[1:], index)) for index, cell in enumerate(first)]
    if any(_rank(cell) and any(map(looks_like_number, below)) for cell, below in columns):
        return True
    if first not in rows[1:] and any(bare(cell) and cell in below for cell, below in columns):
        return False  # a cell that other rows have, too, is no title, unless all titles are like that
    return _may_be_title(first[_best(rows[1:], asked.region, range(len(first))) or 0])


def _may_be_title(cell: str) -> bool:
    letters, digits = sum(map(str.isalpha, cell)), sum(map(str.isdigit, cell))
    words = {plain_name(cell), *plain_name(cell).split("_")}
    nothing = words & _NOTHING or bare(cell).startswith("#")
    return bool(letters) and digits < _DIGITS and not nothing and not looks_like_number(cell)


def _is_known(title: str, asked: Asked) -> bool:
    named = map(plain_name, asked.titles.values())
    return bool(variable_named(title) or _rank(title)) or (plain_name(title) in named)


def _rank(title: str) -> int:
    """Tell how much a title promises numbers that can be texted; 0 for nothing."""
    plain = plain_name(title)
    words = set(plain.split("_"))
    if plain == NUMBERS or plain == NUMBERS.replace("_", ""):
        return _SURELY
    if words & _NO_MOBILE or not _may_be_title(title):
        return 0
    return 2 if words & _MOBILE else 1 if words & _PHONE or plain in _PHONE_WHOLE else 0


def _columns(titles: Sequence[str], rows: list[list[str]], asked: Asked) -> dict[int, str]:
    """Say what each column is that is needed.

    Raises:
        FileProblem: one is missing, there twice, or cannot be told from another one.
    """
    given = {name: _titled(titles, title) for name, title in asked.titles.items()}
    numbers = given[NUMBERS] if NUMBERS in given else _numbers(titles, rows, asked.region)
    variables = {given[name] if name in given else _variable(titles, name): name for name in asked.wanted}
    if numbers in variables or len(variables) < len(set(asked.wanted)):
        raise FileProblem(f"one column cannot be two things; {_listed(titles)}")
    columns = {numbers: NUMBERS} | variables
    zone = given.get(ZONE, zone_column(titles, rows))
    return columns if zone is None else {zone: ZONE} | columns


def _titled(titles: Sequence[str], wanted: str) -> int:
    """Find a column by its title: as written, or else without what does not tell titles apart."""
    for same in (str.strip, plain_name):
        found = [index for index, title in enumerate(titles) if same(title) == same(wanted)]
        if found:
            break
    return _only(found, _shown(wanted), titles)


def _variable(titles: Sequence[str], name: str) -> int:
    exact = [index for index, title in enumerate(titles) if plain_name(title) == name]
    meant = [index for index, title in enumerate(titles) if variable_named(title) == name]
    return _only(exact or meant, name, titles, ", but the text uses it")


def _only(found: Sequence[int], name: str, titles: Sequence[str], about: str = "") -> int:
    if len(found) != 1:
        how = "twice" if found else "not"
        raise FileProblem(f"the column {name} is {how} in the file{about}; {_listed(titles)}")
    return found[0]


def _numbers(titles: Sequence[str], rows: list[list[str]], region: str) -> int:
    """Find the column of the numbers by its title, and among several by what stands in them."""
    ranks = {index: _rank(title) for index, title in enumerate(titles)}
    likely = [index for index in ranks if ranks[index] == max(ranks.values())]
    if ranks[likely[0]] == _SURELY:
        return _only(likely, NUMBERS, titles)
    for holds in (lambda cell: _is_number(cell, region), looks_like_number):
        full = [index for index in likely if any(map(holds, _column(rows, index)))]
        if len(full) == 1:
            return full[0]
        if full:
            names = ", ".join(_shown(titles[index]) for index in full)
            raise FileProblem(f"several columns hold numbers; name one with --column: {names}")
    return likely[0]


def _column(rows: list[list[str]], index: int) -> list[str]:
    return [cells[index] for cells in rows if index < len(cells)]


def _best(rows: list[list[str]], region: str, columns: Sequence[int]) -> int | None:
    """Give the column with most numbers, readable ones first, or None if there is no number."""

    def numbers(index: int) -> tuple[int, int]:
        cells = _column(rows, index)
        return _count(cells, lambda cell: _is_number(cell, region)), _count(cells, looks_like_number)

    best = max(columns, key=numbers, default=0)
    return best if any(numbers(best)) else None


def _count(things: Sequence[T], test: Callable[[T], bool]) -> int:
    return sum(map(test, things))


def _is_number(cell: str, region: str) -> bool:
    if not looks_like_number(cell):
        return False
    try:
        to_e164(bare(cell), default_region=region)
    except ValueError:
        return False
    return True


def bare(cell: str) -> str:
    """Take off what stands at the ends of a cell and is no content."""
    text = cell.strip()
    return text.strip(_ENDS).strip() if text and (text[0] in _ENDS or text[-1] in _ENDS) else text


def _listed(titles: Sequence[str]) -> str:
    """List the columns of a file, so that the right one can be named."""
    return (
        "columns found: " + ", ".join(map(_shown, titles[:_SHOWN])) + (", …" if len(titles) > _SHOWN else "")
    )


def _shown(title: str) -> str:
    """Show a title on a screen: short, nothing that moves a cursor, and no number."""
    if not _may_be_title(title):
        return "(no title)"
    return printable(title[:_SHOWN])


def printable(text: str) -> str:
    """Replace what would steer a screen instead of showing on it."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
