"""A list of people in a CSV file that was looked at: row after row, each cell under the name of its column.

The file is read twice: `open_list` looks at all of it, so that whatever is wrong with its form is said before
anything is done; `ListFile.rows` then hands out row after row in flat memory.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from worker.lists.columns import Asked, Layout, layout_of
from worker.lists.csv_text import CsvText
from worker.lists.titles import bare

#: Rows that are remembered with their lines: more than a slice of a campaign.
_REMEMBERED: Final = 1024
_DAMAGE: Final = re.compile("[\x00\ufffd]")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is nobody, in a person's place: everybody keeps their position.

    Attributes:
        reason: what is wrong with it.
    """

    reason: str


class ListFile:
    """A file that was looked at.

    Args:
        text: its lines.
        layout: its delimiter, its columns, whether it has titles.
        count: people in it, good or bad; blank rows do not count.
    """

    def __init__(self, text: CsvText, layout: Layout, count: int) -> None:
        self.layout, self.count, self.digest = layout, count, text.digest
        self.encoding = text.encoding
        #: The encoding if somebody named it: whatever is to be read in the same way must have it, too.
        self.named_encoding = text.encoding if text.named else None
        self._text = text
        self._lines: list[tuple[int, Sequence[str]]] = [(0, ())] * _REMEMBERED

    def line_of(self, position: int) -> int:
        """Tell the line on which a row begins that was handed out lately: at most 1024 rows ago."""
        return self._lines[position % _REMEMBERED][0]

    def cells_of(self, position: int) -> Sequence[str]:
        """Return the cells of a row that was handed out lately, as they stand in the file."""
        return self._lines[position % _REMEMBERED][1]

    def rows(self) -> Iterator[Mapping[str, str] | BadRow]:
        """Hand out the cells that are asked for, by the names of their columns. Each call begins anew.

        Empty cells are not handed out.
        """
        rows = self._text.rows(self.layout.delimiter)
        for position, row in enumerate(islice(rows, bool(self.layout.titles), None)):
            self._lines[position % _REMEMBERED] = row
            yield self._values(row[1])

    def _values(self, cells: Sequence[str]) -> Mapping[str, str] | BadRow:
        width = self.layout.width
        if any(map(bare, cells[width:])):
            than = "the first row, which has" if self.layout.titles else "most rows, which have"
            return BadRow(f"more cells than {than} {width}")
        values = {name: bare(cells[i]) for i, name in self.layout.columns.items() if i < len(cells)}
        for name, value in values.items():
            if _DAMAGE.search(value):
                return BadRow(f"a damaged character in {name}, read as {self.encoding}")
        return {name: value for name, value in values.items() if value}


def open_list(path: Path, asked: Asked, encoding: str | None = None) -> ListFile:
    """Look at a whole file and find out how to read it.

    Args:
        path: where it is.
        asked: what the caller knows, and wants to know.
        encoding: of the text; UTF-8, UTF-16 with a byte order mark, or Windows-1252 if None.

    Raises:
        FileProblem: it cannot be read in this encoding, is empty, has broken quotes, or lacks a column.
        OSError: as the operating system says.
    """
    text = CsvText(path, encoding)
    layout = layout_of(text.start(), asked, text.delimiter)
    return ListFile(text, layout, sum(1 for _ in text.rows(layout.delimiter)) - bool(layout.titles))
