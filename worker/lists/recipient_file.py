"""Recipients from a CSV file, as people export them: any of the usual encodings and delimiters. No Redis.

The file is read twice: `open_recipients` looks at all of it, so that whatever is wrong with its form is said
before anything is queued; `RecipientFile.recipients` then hands out row after row in flat memory.
"""

import codecs
import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from producers.contract.decoding import encoding_of
from producers.messages.recipient import VARIABLES, Recipient
from worker.lists.recipient_columns import NUMBERS, Asked, FileProblem, Layout, bare, layout_of

_CHUNK_BYTES: Final = 1 << 20
#: Lines that are looked at to find out the layout.
_SAMPLE: Final = 200
#: Rows whose line numbers are remembered: more than a slice of a campaign.
_LINES: Final = 1024
#: Excel's first line, which names the delimiter.
_SEPARATOR: Final = re.compile(r"\"?sep=([^\w\s\"]|\t)\"?\s*\Z", re.IGNORECASE)
#: Share of NUL bytes, at the start of a file, above which it is UTF-16 without its mark.
_NUL_SHARE: Final = 0.2
_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DAMAGE: Final = re.compile("[\x00\ufffd]")


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
        text: its lines.
        layout: its delimiter, its columns, whether it has titles.
        rows: recipients in it, good or bad; blank rows do not count.
        digest: fingerprint of its bytes.
    """

    def __init__(self, text: "_Text", layout: Layout, *, rows: int, digest: str) -> None:
        self.layout, self.rows, self.digest = layout, rows, digest
        self.encoding = text.encoding
        self._text = text
        self._lines = [0] * _LINES

    def describe(self) -> str:
        """Say for people what is read from where."""
        return self.layout.describe()

    def line_of(self, position: int) -> int:
        """Tell the line on which a row begins that was handed out lately: at most 1024 rows ago."""
        return self._lines[position % _LINES]

    def recipients(self) -> Iterator[Any]:
        """Hand out a `Recipient` per row, or a `BadRow`, in the order of the file. Each call begins anew.

        Empty cells are no values.
        """
        rows = self._text.rows(self.layout.delimiter)
        for position, (line, cells) in enumerate(islice(rows, bool(self.layout.titles), None)):
            self._lines[position % _LINES] = line
            yield self._recipient(cells)

    def _recipient(self, cells: Sequence[str]) -> Recipient | BadRow:
        width = self.layout.width
        if any(map(bare, cells[width:])):
            than = "the first row, which has" if self.layout.titles else "most rows, which have"
            return BadRow(f"more cells than {than} {width}")
        values = {name: bare(cells[i]) for i, name in self.layout.columns.items() if i < len(cells)}
        for name, value in values.items():
            if _DAMAGE.search(value):
                return BadRow(f"a damaged character in {name}, read as {self.encoding}")
        number = values.pop(NUMBERS, "")
        if not number:
            return BadRow("no number")
        return Recipient(number, **{name: value for name, value in values.items() if value})


def open_recipients(
    path: Path,
    wanted: Sequence[str] = (),
    *,
    column: str | None = None,
    titles: Mapping[str, str] | None = None,
    region: str = "",
    encoding: str | None = None,
) -> RecipientFile:
    """Look at a whole file and find out how to read it.

    Args:
        path: where it is.
        wanted: placeholders that the text uses; other columns are ignored.
        column: title of the column with the numbers; found by title and content if None.
        titles: title of other columns, by placeholder; found by title if absent.
        region: whose national numbers will be read, such as ``FR``.
        encoding: of the text; UTF-8, UTF-16 with a byte order mark, or Windows-1252 if None.

    Raises:
        FileProblem: it cannot be read in this encoding, is empty, has broken quotes, or lacks a column.
        OSError: as the operating system says.
    """
    given = dict(titles or {}) | ({NUMBERS: column} if column is not None else {})
    asked = Asked([each for each in wanted if each in VARIABLES], given, region)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        pieces = iter(lambda: file.read(_CHUNK_BYTES), b"")
        found = encoding_of(_seen(pieces, digest, named=encoding is not None))
        for piece in pieces:
            digest.update(piece)
    text = _Text(path, encoding or found, strict=encoding is not None)
    layout = layout_of(text.start(), asked, text.delimiter)
    rows = sum(1 for _ in text.rows(layout.delimiter)) - bool(layout.titles)
    return RecipientFile(text, layout, rows=rows, digest=digest.hexdigest())


def _seen(pieces: Iterator[bytes], digest: Any, *, named: bool) -> Iterator[bytes]:
    """Pass pieces on and take their fingerprint.

    Raises:
        FileProblem: they are UTF-16 without its mark.
    """
    for piece in pieces:
        digest.update(piece)
        if not named and piece.count(0) > len(piece) * _NUL_SHARE and piece[:2] not in _MARKS:
            raise FileProblem("the file seems to be UTF-16 without its mark; try --encoding utf-16-le")
        yield piece


class _Text:
    """The lines of a file.

    Args:
        path: where it is.
        encoding: of its text.
        strict: whether what is not in this encoding is an error, or a damaged character.
    """

    def __init__(self, path: Path, encoding: str, *, strict: bool) -> None:
        self.encoding = encoding
        self._path, self._errors = path, "strict" if strict else "replace"
        first = next(self._lines(), "")
        named = _SEPARATOR.match(first)
        self.delimiter = named[1] if named else None

    def start(self) -> list[str]:
        """Read the first lines, without the one that names the delimiter."""
        return list(islice(self._lines(), self.delimiter is not None, _SAMPLE))

    def rows(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows that are not blank, each with the line on which it begins.

        Raises:
            FileProblem: the quotes are broken, or a cell is too long.
        """
        skipped = int(self.delimiter is not None)
        begins = 1 + skipped
        # Strict, or an unbalanced quote would swallow the rows after it without a word.
        reader = csv.reader(islice(self._lines(), skipped, None), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if any(map(bare, cells)):
                    yield begins, cells
                begins = reader.line_num + 1 + skipped
        except csv.Error:
            raise FileProblem(f"line {begins}: the quotes are broken, or a cell is too long") from None

    def _lines(self) -> Iterator[str]:
        """Yield the lines with their ends; marks at the start of the file, one or more, are no text."""
        try:
            with self._path.open(encoding=self.encoding, errors=self._errors, newline="") as file:
                yield next(file, "").lstrip("\ufeff")
                yield from file
        except (UnicodeError, LookupError):
            raise FileProblem("the text is in another encoding; name the right one with --encoding") from None
