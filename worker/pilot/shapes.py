"""What a body looks like, without what it says: names of fields and kinds of values. Pure and total."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

#: Fields of one object, elements of one list and levels that are told.
_FIELDS: Final = 40
_LEVELS: Final = 4
#: A name that the gateway may have chosen; anything else may be somebody's text.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]-]{0,40}")
_DIGITS: Final = re.compile(r"\+?[0-9]+")
_DECIMAL: Final = re.compile(r"-?[0-9]+[.,][0-9]+")
_DATES: Final = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "date like 2030-01-31 09:00:00"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"), "date like 2030-01-31T09:00:00"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+ ?(Z|[+-]\d\d:?\d\d)"), "date with an offset"),
)


def shape_of(content: bytes) -> str:
    """Describe a body: of a JSON value its names and kinds, of anything else that it is none."""
    if not content:
        return "empty"
    try:
        return shape(msgspec.json.decode(content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "no JSON"


def shape(value: Any, level: int = 0) -> str:
    """Describe a JSON value.

    Args:
        value: anything.
        level: how deep it lies.
    """
    if isinstance(value, Mapping):
        if level >= _LEVELS:
            return "object"
        names = sorted(map(str, value))[:_FIELDS]
        told = (f"{_name(name)}: {shape(value[name], level + 1)}" for name in names)
        return "{" + ", ".join(told) + "}"
    if isinstance(value, list):
        kinds = dict.fromkeys(shape(each, level + 1) for each in value[:_FIELDS])
        return "[" + " or ".join(kinds) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float) else _text(str(value))


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) else "(another name)"


def _text(value: str) -> str:
    for pattern, kind in _DATES:
        if pattern.fullmatch(value.strip()):
            return kind
    if not value.strip():
        return "empty text"
    if _DIGITS.fullmatch(value):
        return "text of + and digits" if value.startswith("+") else "text of digits"
    return "text of a number" if _DECIMAL.fullmatch(value) else "text"
