"""Numbers hidden within text that came from elsewhere, such as a raw callback. Pure."""

import re
from collections.abc import Callable
from typing import Final

from producers.contract.phone import mask

#: Digits that may be a number, and no date or time.
_NUMBER: Final = re.compile(r"\+?\d{7,}", re.ASCII)


def mask_numbers(text: str, sees: Callable[[str], bool] = lambda _: False) -> str:
    """Hide the middle of whatever may be a number.

    Args:
        text: anything.
        sees: whether the reader sees this number in full.
    """
    return _NUMBER.sub(lambda number: number[0] if sees(number[0]) else mask(number[0]), text)


def first_number(text: str) -> str | None:
    """Return the first thing that `mask_numbers` would hide; None if there is none."""
    found = _NUMBER.search(text)
    return found[0] if found else None
