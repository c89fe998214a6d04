"""From the bytes of a callback to its events: syntax only, no meaning. Pure and total.

The intake asks whether a body can be read at all; the worker reads the stored bytes with the same function,
so that the two never disagree. What the events mean is the worker's business.
"""

import json
import re
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

#: Levels of JSON nesting that are read. The gateway's events have two; the bound keeps every later
#: walk over an event within Python's recursion limit.
MAX_DEPTH: Final = 32

#: Names a form field may have; anything else means that the bytes are no form at all.
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_.\-\[\]]+")

_UTF8_BOM: Final = b"\xef\xbb\xbf"


def read_events(body: bytes) -> list[dict[str, Any]] | None:
    """Read a callback body as events, whatever its content type claims.

    Accepts a JSON object, a JSON array of objects, or form-encoded pairs (one event; the last of repeated
    fields wins). Bytes that are not UTF-8 are read as Latin-1: a wrong accent is better than a lost text.
    The gateway documents JSON without a content type; the other forms were seen in clients.

    Args:
        body: the bytes as received; bound their length first.

    Returns:
        One dict per event, in order, at least one. Values are JSON values that can be encoded again (no
        lone surrogates, at most `MAX_DEPTH` levels); form values are strings. None when the bytes are none
        of the three forms. Never raises.
    """
    body = body.removeprefix(_UTF8_BOM).strip()
    if body[:1] in (b"{", b"["):
        return _read_json(_decode(body))
    return _read_form(body)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _read_json(text: str) -> list[dict[str, Any]] | None:
    try:
        # strict=False lets raw line breaks through, as a hand-built JSON string may hold them.
        value = _settle(json.loads(text, strict=False, parse_constant=_refuse), MAX_DEPTH)
    except (ValueError, RecursionError):
        return None
    events = value if isinstance(value, list) else [value]
    return events if events and all(isinstance(event, dict) for event in events) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _settle(value: Any, levels: int) -> Any:
    """Bound the depth and replace lone surrogates, which no encoder takes.

    Raises:
        ValueError: nested deeper than ``levels``.
    """
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict | list) and not levels:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {_settle(name, levels): _settle(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_settle(item, levels - 1) for item in value]
    return value


def _read_form(body: bytes) -> list[dict[str, Any]] | None:
    event = {}
    for pair in filter(None, body.split(b"&")):
        raw_name, equals, raw_value = (part.replace(b"+", b" ") for part in pair.partition(b"="))
        name = _decode(unquote_to_bytes(raw_name))
        if not equals or not _FIELD_NAME.fullmatch(name):
            return None
        event[name] = _decode(unquote_to_bytes(raw_value))
    return [event] if event else None
