"""The fields of a callback event, wherever they stand in it. Pure and total."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from producers.intake.callback_body import read_events

#: Suffix of the name of a date that came as an object: see `flatten`.
COMPOSED: Final = "{}"

#: Characters of any one field that are read; real ones have far fewer.
_FIELD_MAX: Final = 4096
#: Names whose text may be JSON; the text of a reply that looks like JSON stays a text.
_METADATA: Final = frozenset({"metadata", "meta_data"})
#: A form's way to write ``{"metadata": {"number": …}}``.
_NESTED_NAME: Final = re.compile(r"([^\[\].]+)(?:\[([^\[\].]+)\]|\.([^\[\].]+))(?:\[([^\[\].]+)\])?")


def flatten(event: Mapping[str, Any]) -> dict[str, str]:
    """List the fields of an event by lower-case name, as text.

    Nested fields fill gaps: they may stand below any name, in the only element of an array, as JSON in the
    text of ``metadata``, or as ``metadata[number]``. A date that came as an object, as PHP writes its
    DateTime, is put together and listed under its name and `COMPOSED`.

    Args:
        event: a JSON object, or the fields of a form.
    """
    fields: dict[str, str] = {}
    for level in reversed(list(_levels(_with_nested_names(event)))):
        for name, value in level.items():
            known, text = name.lower() + (COMPOSED if _is_date(value) else ""), _as_text(value)
            if text is not None and (text.strip() or known not in fields):
                fields[known] = text[:_FIELD_MAX]
    return fields


def _levels(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Walk the objects of an event, those nearest to its root first."""
    waiting = [event]
    for level in waiting:
        yield level
        waiting += [found for name, value in level.items() for found in _objects(name, value)]


def _objects(name: str, value: Any) -> list[Mapping[str, Any]]:
    if name.lower() in _METADATA and isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        value = read_events(value.encode())
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return [value] if isinstance(value, dict) and not _is_date(value) else []


def _with_nested_names(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the objects that a form writes in the names of its fields; the last of contradicting ones wins."""
    nested: dict[str, Any] = {}
    for name, value in event.items():
        if found := _NESTED_NAME.fullmatch(name):
            *outer, last = filter(None, found.groups())
            place = nested
            for part in outer:
                if not isinstance(place.get(part), dict):
                    place[part] = {}
                place = place[part]
            place[last] = value
    return {**nested, **event}


def _is_date(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("date"), str) and "timezone" in value


def _as_text(value: Any) -> str | None:
    if _is_date(value):
        return f"{value['date']} {value['timezone']}"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    return None
