"""From the bytes of a callback to its events: syntax only, no meaning. Pure and total.

The intake asks whether a body can be read at all. The worker reads the stored bytes with the same function,
so the two never disagree. `worker.callbacks.payloads` says what the events mean.
"""

import json
import re
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

from ..contract.decoding import decode

#: Levels of JSON nesting that are read. The gateway's events have two; the bound keeps every later
#: walk over an event within Python's recursion limit.
MAX_DEPTH: Final = 32
#: Events of one body that are read. The gateway posts one at a time; one client has seen arrays.
MAX_EVENTS: Final = 100

#: Names a form field may have; anything else means that the bytes are no form at all.
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_.\-\[\]]+")
#: The first line of a multipart form, and the name in the head of one of its parts.
_BOUNDARY: Final = re.compile(r"--[^\s]{1,200}\r?\n")
_PART_NAME: Final = re.compile(r'(?im)^content-disposition:[^\r\n]*[;\s]name="?([^";\r\n]+)')
_PART_HEAD: Final = re.compile(r"\r?\n\r?\n")


def read_events(body: bytes) -> list[Any] | None:
    """Read a callback body as events, whatever its content type claims.

    Accepts a JSON object, a JSON array with at least one object, or a form, url-encoded or multipart (one
    event; the last of repeated fields wins). How bytes become text says `producers.contract.decoding.decode`.
    The gateway documents JSON without a content type; the other forms were seen in clients and on accounts.

    Args:
        body: the bytes as received; bound their length first.

    Returns:
        One value per event, in order, at least one; more than `MAX_EVENTS` are for the caller to refuse.
        An event is a dict of JSON values that can be encoded again (no lone surrogates, at most `MAX_DEPTH`
        levels); the values of a form are strings. An element of an array that is no object comes as what it
        is, one that is nested too deeply as text. None when the bytes are none of these forms. Never raises.
    """
    text = decode(body)
    if text.startswith(("{", "[")):
        return _read_json(text)
    event = _read_multipart(text) if _BOUNDARY.match(text) else _read_form(text)
    return [event] if event else None


def _read_json(text: str) -> list[Any] | None:
    try:
        # strict=False lets raw line breaks through, as a hand-built JSON string may hold them.
        value = json.loads(text, strict=False, parse_constant=_refuse)
        if isinstance(value, dict):
            return [_bounded(value, MAX_DEPTH)]
        events = [_bounded_element(element) for element in value]
    except (ValueError, RecursionError):
        return None
    return events if any(isinstance(event, dict) for event in events) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _bounded_element(element: Any) -> Any:
    try:
        return _bounded(element, MAX_DEPTH)
    except ValueError:
        return json.dumps(element)


def _bounded(value: Any, levels: int) -> Any:
    """Bound the depth of a value, and replace lone surrogates, which no encoder takes.

    Raises:
        ValueError: nested deeper than ``levels``.
    """
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict | list) and not levels:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {_bounded(name, levels): _bounded(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_bounded(item, levels - 1) for item in value]
    return value


def _read_form(text: str) -> dict[str, Any] | None:
    event = {}
    for pair in filter(None, text.split("&")):
        name, equals, value = (part.replace("+", " ") for part in pair.partition("="))
        name = _unquote(name)
        if not equals or not _FIELD_NAME.fullmatch(name):
            return None
        event[name] = _unquote(value)
    return event


def _unquote(part: str) -> str:
    """Undo percent-encoding, of whatever charset. White space at the ends is content here: guard it."""
    return decode(b"'" + unquote_to_bytes(part) + b"'")[1:-1] if "%" in part else part


def _read_multipart(text: str) -> dict[str, Any] | None:
    boundary = "\n" + text.partition("\n")[0].rstrip("\r")
    event = {}
    for part in f"\n{text}".split(boundary)[1:]:
        head, *content = _PART_HEAD.split(part, maxsplit=1)
        name = _PART_NAME.search(head)
        if name and content and _FIELD_NAME.fullmatch(name[1]):
            event[name[1]] = content[0].removesuffix("\r")
    return event
