"""Lists of people who want no more SMS, as files: by number, or by pseudonym as an export writes it."""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, TextIO, cast, get_args

from producers.contract.events import OptOutReason
from producers.contract.phone import to_e164
from producers.rules.settings import ACCOUNT
from worker.inquiry.suppressions import Suppression
from worker.operator.suppressions import Listed

#: The columns of an export, which an import reads, too. A list of numbers has ``number`` for the first.
COLUMNS: Final = ("pseudonym", "scope", "reason", "at")
_PSEUDONYM: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_SCOPE: Final = re.compile(r"account|sender:[^|]{1,40}|app:[a-z0-9-]{1,32}")


def read_scope(written: str) -> str:
    """Read what an opt-out is about; a sender in small letters, as scopes of messages have it.

    Raises:
        ValueError: it is none; the words begin with what must come after "a scope".
    """
    if not _SCOPE.fullmatch(written):
        raise ValueError("that is not account, sender:<name> or app:<name>")
    return written.casefold()


def read_list(lines: TextIO, region: str) -> Iterator[tuple[int, Listed | str]]:
    """Read a list, some of it at a time.

    The file is CSV. Its first line names the columns if it has ``number`` or ``pseudonym`` among them;
    otherwise each line is one number or one pseudonym.

    Args:
        lines: the file, opened with ``newline=""``.
        region: whose national numbers are read; none if empty.

    Yields:
        The number of each line, and whom it names, or what is wrong with it in words that show nothing of it.
    """
    reader = csv.reader(lines)
    titles: list[str] | None = None
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if titles is None:
            names = [cell.strip().casefold() for cell in row]
            titles = names if {"number", "pseudonym"} & set(names) else ["either"]
            if titles == names:
                continue
            if not any(map(_may_be_somebody, row)):
                yield reader.line_num, "names no column number or pseudonym, with commas between columns"
                continue
        given = dict(zip(titles, (cell.strip() for cell in row), strict=False))
        try:
            yield reader.line_num, _listed(given, region)
        except ValueError as error:
            yield reader.line_num, str(error)


def _may_be_somebody(cell: str) -> bool:
    """Tell a number or a pseudonym from the title of a column."""
    return any(map(str.isdecimal, cell)) or _PSEUDONYM.fullmatch(cell.strip()) is not None


def _listed(given: Mapping[str, str], region: str) -> Listed:
    either = given.get("either", "")
    # A pseudonym may begin with a hyphen: then an export puts an apostrophe in front, for spreadsheets.
    pseudonym = given.get("pseudonym", "").removeprefix("'")
    if not pseudonym and _PSEUDONYM.fullmatch(either):
        pseudonym = either
    if pseudonym and not _PSEUDONYM.fullmatch(pseudonym):
        raise ValueError("has no pseudonym: 22 letters, digits, - and _")
    number = None if pseudonym else to_e164(given.get("number") or either, default_region=region)
    return Listed(number, pseudonym or None, _suppression(given))


def _suppression(given: Mapping[str, str]) -> Suppression:
    reason = given.get("reason") or "operator"
    try:
        scope = read_scope(given.get("scope") or ACCOUNT)
    except ValueError as error:
        raise ValueError(f"has a scope {error}") from None
    if reason not in get_args(OptOutReason):
        raise ValueError(f"has a reason that is not one of {', '.join(get_args(OptOutReason))}")
    return Suppression(scope, cast("OptOutReason", reason), _at(given.get("at", "")))


def _at(written: str) -> datetime:
    if not written:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(written)
    except ValueError:  # its words show what was written: with columns in another order a number
        raise ValueError("has no date in at, such as 2026-01-31") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
