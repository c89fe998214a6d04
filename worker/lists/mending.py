"""A file of those rows of a list that are nobody, with what is wrong with each: to be mended and used."""

import csv
import filecmp
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from worker.lists.columns import DELIMITERS
from worker.lists.list_file import ListFile

#: Title of the column that says what is wrong with a row. It comes first, so that it shifts no cell of a row
#: that has too many.
PROBLEM: Final = "problem"
#: Spreadsheets take a file without the mark for Windows-1252.
_ENCODING: Final = "utf-8-sig"


class AlreadyThere(Exception):
    """There is another file by that name, which may have been mended."""


class Mending:
    """Rows that are to be mended, as they stand in their file, with its titles and a column ``problem``.

    Rows of a file without titles get no such column.

    Args:
        listed: the file that they come from.
        written: takes the rows.
    """

    def __init__(self, listed: ListFile, written: TextIO) -> None:
        layout, self._listed = listed.layout, listed
        delimiter = layout.delimiter if layout.delimiter in DELIMITERS else DELIMITERS[1]
        self._writer = csv.writer(written, delimiter=delimiter)
        #: Where the column is in a list that has come from such a file already.
        self._place = layout.titles.index(PROBLEM) if PROBLEM in layout.titles else None
        self.count = 0
        if layout.titles:
            self._write(PROBLEM, layout.titles)

    def take(self, position: int, problem: str) -> None:
        """Write a row that was handed out lately: at most 1024 rows ago.

        Args:
            position: of the row among those of its file.
            problem: what is wrong with it.
        """
        self.count += 1
        self._write(problem, self._listed.cells_of(position))

    def _write(self, problem: str, cells: Sequence[str]) -> None:
        if not self._listed.layout.titles:
            self._writer.writerow(cells)
        elif self._place is None:
            self._writer.writerow([problem, *cells])
        else:
            self._writer.writerow([*cells[: self._place], problem, *cells[self._place + 1 :]])


@contextmanager
def mending(listed: ListFile, path: Path) -> Iterator[Mending]:
    """Write rows that are to be mended to a file, which appears when all of them are in it.

    No file appears if no row was taken. Safe to repeat: a file with the same rows stays as it is.

    Raises:
        AlreadyThere: there is another file by that name. It stays as it is.
        OSError: as the operating system says.
    """
    encoding = listed.named_encoding or _ENCODING
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    hidden = Path(name)
    try:
        with os.fdopen(handle, "w", encoding=encoding, errors="replace", newline="") as written:
            taken = Mending(listed, written)
            yield taken
        if not taken.count:
            return
        if not path.exists():
            hidden.replace(path)
        elif not filecmp.cmp(hidden, path, shallow=False):
            raise AlreadyThere
    finally:
        hidden.unlink(missing_ok=True)
