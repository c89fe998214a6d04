"""The text of a CSV file, as people export them: any of the usual encodings, with marks and line ends.

A file may be read several times, in flat memory.
"""

import codecs
import csv
import hashlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from producers.contract.decoding import encoding_of
from worker.lists.columns import FileProblem
from worker.lists.titles import bare

#: Stands for standard input.
STANDARD_INPUT: Final = Path("-")
_CHUNK_BYTES: Final = 1 << 20
#: Lines that are looked at to find out the layout.
_SAMPLE: Final = 200
#: Excel's first line, which names the delimiter.
_SEPARATOR: Final = re.compile(r"\"?sep=([^\w\s\"]|\t)\"?\s*\Z", re.IGNORECASE)
#: Share of NUL bytes, at the start of a file, above which it is UTF-16 without its mark.
_NUL_SHARE: Final = 0.2
_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@contextmanager
def kept(path: Path) -> Iterator[Path]:
    """Lend a file that can be read several times: of standard input a copy, which nobody else may read.

    Raises:
        OSError: as the operating system says.
    """
    if path != STANDARD_INPUT:
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="octopush-", suffix=".csv") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


class CsvText:
    """The lines of a file.

    Args:
        path: where it is.
        encoding: of its text; UTF-8, UTF-16 with a byte order mark, or Windows-1252 if None.

    Attributes:
        encoding: as it is read.
        named: whether somebody named it: then what is not in this encoding is an error, else damage.
        digest: fingerprint of the bytes.
        delimiter: if the file names it itself.

    Raises:
        FileProblem: it cannot be read in this encoding.
        OSError: as the operating system says.
    """

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._path, self.named = path, encoding is not None
        found, self.digest = _seen(path, named=self.named)
        self.encoding = encoding or found
        separator = _SEPARATOR.match(next(self._lines(), ""))
        self.delimiter = separator[1] if separator else None

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
        errors = "strict" if self.named else "replace"
        try:
            with self._path.open(encoding=self.encoding, errors=errors, newline="") as file:
                yield next(file, "").lstrip("\ufeff")
                yield from file
        except (UnicodeError, LookupError):
            raise FileProblem("the text is in another encoding; name the right one with --encoding") from None


def _seen(path: Path, *, named: bool) -> tuple[str, str]:
    """Find out the encoding of a whole file, and its fingerprint."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        pieces = iter(lambda: file.read(_CHUNK_BYTES), b"")
        found = encoding_of(_checked(pieces, digest, named=named))
        for piece in pieces:
            digest.update(piece)
    return found, digest.hexdigest()


def _checked(pieces: Iterator[bytes], digest: Any, *, named: bool) -> Iterator[bytes]:
    """Pass pieces on and take their fingerprint.

    Raises:
        FileProblem: they are UTF-16 without its mark.
    """
    for piece in pieces:
        digest.update(piece)
        if not named and piece.count(0) > len(piece) * _NUL_SHARE and piece[:2] not in _MARKS:
            raise FileProblem("the file seems to be UTF-16 without its mark; try --encoding utf-16-le")
        yield piece
