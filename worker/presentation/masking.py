"""Numbers hidden within text that came from elsewhere, such as a raw callback. Pure."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import phonenumbers

from producers.contract.phone import mask

#: Dates as the gateway, or a person, writes them, and addresses of machines.
_NO_NUMBER: Final = r"(?!\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{4}|\d{1,3}(?:\.\d{1,3}){3}(?![.\d]))"
#: Digits that may be a number: in one piece, of whatever script, or as people part them.
_NUMBER: Final = re.compile(
    r"\+?\d{7,}"
    rf"|(?<!\d){_NO_NUMBER}\+?\(?\d{{1,4}}\)?(?:[ .()/\u00a0-]{{1,2}}\d{{1,4}}){{3,7}}(?!\d)"
)


def mask_numbers(text: str, sees: Callable[[str], bool] = lambda _: False) -> str:
    """Hide the middle of whatever may be a number.

    Args:
        text: anything.
        sees: whether the reader sees this number in full.
    """
    return _NUMBER.sub(lambda number: number[0] if sees(number[0]) else mask(number[0]), text)


def mask_block(start: str) -> str:
    """Hide all but the first four characters of a block of numbers: ``+336…``.

    With the two last digits that `mask` leaves of a number, a block would leave a hundred numbers to try.
    """
    return f"{start[:4]}…"


def hide_number(text: str, number: str) -> str:
    """Hide one number that is known, however people and tools write it, and leave all other digits."""
    if len(number) <= len("+123456"):
        return text
    hidden, within = mask(number), _within(number)
    if within:
        text = _NUMBER.sub(lambda found: hidden if _digits(found[0]).endswith(within) else found[0], text)
    return text.replace(number, hidden).replace(number.removeprefix("+"), hidden)


@lru_cache(maxsize=256)
def _within(number: str) -> str:
    """Return what stands of a number in each of its forms: its digits without those of the country."""
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return _digits(number)


def _digits(written: str) -> str:
    return "".join(str(unicodedata.decimal(each)) for each in written if each.isdecimal())


def hide_within(value: Any, number: str) -> Any:
    """Hide one number in all texts and numbers of a JSON value."""
    return _changed_within(value, lambda text: hide_number(text, number))


def mask_within(value: Any) -> Any:
    """Hide whatever may be a number in all texts and numbers of a JSON value."""
    return _changed_within(value, mask_numbers)


def _changed_within(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {hide(str(name)): _changed_within(each, hide) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_changed_within(each, hide) for each in value]
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    hidden = hide(text)
    return value if hidden == text else hidden


def first_number(text: str) -> str | None:
    """Return the first thing that `mask_numbers` would hide; None if there is none."""
    found = _NUMBER.search(text)
    return found[0] if found else None
