"""Recipients from a CSV file. No Redis."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from producers.messages.recipient import VARIABLES, Recipient
from worker.lists.columns import Asked
from worker.lists.list_file import BadRow, ListFile, open_list
from worker.lists.titles import NUMBERS
from worker.lists.zone_column import ZONE


class RecipientFile:
    """Recipients of a file.

    Args:
        listed: the file, which was looked at.
    """

    def __init__(self, listed: ListFile) -> None:
        self.listed: ListFile | None = listed
        self._listed = listed
        self.rows, self.digest, self.layout = listed.count, listed.digest, listed.layout

    def describe(self) -> str:
        """Say for people what is read from where."""
        return self.layout.describe()

    def line_of(self, position: int) -> int:
        """Tell the line on which a row begins that was handed out lately: at most 1024 rows ago."""
        return self._listed.line_of(position)

    def recipients(self) -> Iterator[Recipient | BadRow]:
        """Hand out a `Recipient` per row, or a `BadRow`, in the order of the file. Each call begins anew.

        Empty cells are no values.
        """
        return map(_recipient, self._listed.rows())


def _recipient(given: Mapping[str, str] | BadRow) -> Recipient | BadRow:
    if isinstance(given, BadRow):
        return given
    values = dict(given)
    number = values.pop(NUMBERS, "")
    return Recipient(number, **values) if number else BadRow("no number")


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
    variables = [each for each in wanted if each in VARIABLES]
    asked = Asked(variables, (ZONE,), given, region, need=", but the text uses it")
    return RecipientFile(open_list(path, asked, encoding))
