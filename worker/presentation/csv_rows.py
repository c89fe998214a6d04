"""CSV that any spreadsheet opens, and none executes. Pure and total."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from worker.presentation.json_lines import json_text
from worker.presentation.visible import whole

#: What begins a formula. So do full-width, small and raised twins of these, and the minus sign.
_FORMULA: Final = frozenset("=+-@")
_MINUS: Final = "\u2212"
_NUMBER: Final = re.compile(r"\+?[0-9]{1,20}", re.ASCII)


def csv_rows(
    columns: Sequence[str], rows: Iterable[Mapping[str, Any]], numbers: Collection[str] = ("number",)
) -> Iterator[bytes]:
    """Write rows as CSV in UTF-8 with its mark, every cell in quotes, every line ended by CRLF.

    A text that a spreadsheet might take for a formula, now or without apostrophes that it begins with, gets
    an apostrophe in front. Nothing is removed: of such a cell, one apostrophe less is the text that came. A
    phone number is no formula: in its column plus and digits stay as they are. Only half surrogates, which
    UTF-8 cannot hold, are written as ``⟨U+D83D⟩``.

    Args:
        columns: titles, which are the names of the values in each row.
        rows: values by name; one that lacks, or is None, is an empty cell.
        numbers: names of the columns with phone numbers.

    Yields:
        The mark and the titles, then one piece per row.
    """
    yield b"\xef\xbb\xbf" + _line(columns)
    for row in rows:
        yield _line([_cell(row.get(name), is_number=name in numbers) for name in columns])


def _line(cells: Sequence[str]) -> bytes:
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    return f"{whole(quoted)}\r\n".encode()


def _cell(value: Any, *, is_number: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = value if isinstance(value, str) else json_text(value)
    if is_number and _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if _is_dangerous(text) else text


def _is_dangerous(text: str) -> bool:
    """Say whether a spreadsheet might execute a text, now or once somebody has taken apostrophes off."""
    for character in text.lstrip("'"):
        if character in "\t\r":
            return True
        # Spaces, controls and whatever else nobody sees may be skipped.
        if unicodedata.category(character)[0] not in "ZC":
            return character == _MINUS or unicodedata.normalize("NFKC", character) in _FORMULA
    return False
