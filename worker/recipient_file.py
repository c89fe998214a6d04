"""Recipients from a CSV file, as people export them: any of the usual encodings and delimiters. No Redis.

The file is read twice: `open_recipients` looks at all of it, so that whatever is wrong with its form is said
before anything is queued; `RecipientFile.recipients` then hands out row after row in flat memory.
"""

import codecs
import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from producers.phone import to_e164
from producers.recipient import Recipient
from producers.template import VARIABLES

#: Delimiters tried; the one that finds most columns in the first row wins, the first of them if they agree.
_DELIMITERS: Final = (",", ";", "\t")
_NUMBER_COLUMN: Final = "phone_number"
_CHUNK_BYTES: Final = 1 << 20
#: Rows whose line numbers are remembered: more than a slice of a campaign.
_LINES: Final = 1024


class FileProblem(Exception):
    """The file cannot be read as a list of recipients; says where, never what stands there."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no recipient, in a recipient's place: everybody keeps their position.

    Attributes:
        reason: what is wrong with it.
    """

    reason: str


class RecipientFile:
    """A file that was looked at.

    Args:
        path: where it is.
        encoding: of its text.
        delimiter: between its cells.
        columns: what a cell is, by its index; the others are ignored.
        width: cells in its first row.
        headed: whether its first row names the columns.
        rows: recipients in it, good or bad; blank rows do not count.
        digest: fingerprint of its bytes.
    """

    def __init__(
        self,
        path: Path,
        encoding: str,
        delimiter: str,
        columns: dict[int, str],
        *,
        width: int,
        headed: bool,
        rows: int,
        digest: str,
    ) -> None:
        self.path, self.encoding, self.delimiter = path, encoding, delimiter
        self.columns, self.headed, self.rows, self.digest = columns, headed, rows, digest
        self._width = width
        self._lines = [0] * _LINES

    def line_of(self, position: int) -> int:
        """Tell the line on which a row begins that was handed out lately: at most 1024 rows ago."""
        return self._lines[position % _LINES]

    def recipients(self) -> Iterator[Any]:
        """Hand out a `Recipient` per row, or a `BadRow`, in the order of the file. Each call begins anew.

        Empty cells are no values.
        """
        rows = _rows(self.path, self.encoding, self.delimiter)
        if self.headed:
            next(rows)
        for position, (line, cells) in enumerate(rows):
            self._lines[position % _LINES] = line
            if any(cell.strip() for cell in cells[self._width :]):
                yield BadRow(f"more cells than the first row, which has {self._width}")
                continue
            values = {name: cells[i].strip() for i, name in self.columns.items() if i < len(cells)}
            number = values.pop(_NUMBER_COLUMN, "")
            yield Recipient(number, **{name: value for name, value in values.items() if value})


def open_recipients(
    path: Path, wanted: Sequence[str] = (), *, column: str | None = None, encoding: str | None = None
) -> RecipientFile:
    """Look at a whole file and find out how to read it.

    Args:
        path: where it is.
        wanted: placeholders that the text uses; other columns are ignored.
        column: name of the column with the numbers; ``phone_number``, or else the first one, if None. A file
            whose first cell is a number has no header.
        encoding: of the text; UTF-8, UTF-16 with a byte order mark, or Windows-1252 if None.

    Raises:
        FileProblem: it cannot be read in this encoding, is empty, has broken quotes, or lacks a column.
        OSError: as the operating system says.
    """
    encoding, digest = _look(path, encoding)
    first_line = _first_line(path, encoding)
    delimiter = max(_DELIMITERS, key=lambda each: len(next(csv.reader([first_line], delimiter=each), [])))
    rows = _rows(path, encoding, delimiter)
    _, first = next(rows, (0, list[str]()))
    if not first:
        raise FileProblem("the file is empty")
    headed = column is not None or not _is_number(first[0])
    columns = _columns(first if headed else [_NUMBER_COLUMN], wanted, column)
    count = sum(1 for _ in rows) + (not headed)
    return RecipientFile(
        *(path, encoding, delimiter, columns), width=len(first), headed=headed, rows=count, digest=digest
    )


def _look(path: Path, encoding: str | None) -> tuple[str, str]:
    """Read all bytes once: find the encoding and take the fingerprint."""
    digest, is_utf8 = hashlib.sha256(), True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.peek(4)[:4] if hasattr(file, "peek") else b""
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            if is_utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
        if is_utf8:
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                is_utf8 = False
    if encoding is None:
        marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if marked else "utf-8-sig" if is_utf8 else "cp1252"
    return encoding, digest.hexdigest()


_UNREADABLE: Final = "the text is in an encoding that was not recognised; name it with --encoding"


def _first_line(path: Path, encoding: str) -> str:
    try:
        with path.open(encoding=encoding, newline="") as file:
            return next((line for line in file if line.strip()), "")
    except (UnicodeError, LookupError):
        raise FileProblem(_UNREADABLE) from None


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the line on which it begins."""
    reader, begins = None, 1
    try:
        with path.open(encoding=encoding, newline="") as file:
            # Strict, or an unbalanced quote would swallow the rows after it without a word.
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield begins, cells
                begins = reader.line_num + 1
    except csv.Error:
        raise FileProblem(f"line {begins}: the quotes are broken, or a cell is too long") from None
    except (UnicodeError, LookupError):
        raise FileProblem(_UNREADABLE) from None


def _columns(header: Sequence[str], wanted: Sequence[str], column: str | None) -> dict[int, str]:
    """Say what each cell is that is needed.

    Raises:
        FileProblem: a column is missing, or there twice.
    """
    names = [_named(name) for name in header]
    numbers = _named(column) if column is not None else _NUMBER_COLUMN
    if column is None and _NUMBER_COLUMN not in names:
        numbers = names[0]
    for name in (numbers, *(each for each in wanted if each in VARIABLES)):
        if names.count(name) != 1:
            how = "twice" if name in names else "not"
            about = "" if name == numbers else ", but the text uses it"
            raise FileProblem(f"the column {name} is {how} in the file{about}")
    columns = {names.index(each): each for each in wanted if each in VARIABLES}
    return columns | {names.index(numbers): _NUMBER_COLUMN}


def _named(title: str) -> str:
    return re.sub(r"[\s-]+", "_", title.strip().casefold())


def _is_number(cell: str) -> bool:
    try:
        to_e164(cell.strip())
    except ValueError:
        return False
    return True
