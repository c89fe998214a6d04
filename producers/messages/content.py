"""What makes two messages the same: their content, whatever its notation. Pure."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from .body import Body, decode, encode
from .recipient import Recipient
from .template import template

#: Bytes of a context as JSON.
CONTEXT_MAX_BYTES: Final = 4096

_STRICT_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_SORTED_JSON: Final = msgspec.json.Encoder(order="sorted")
#: A number that may be written in another way.
_FRACTION: Final = re.compile(r"[0-9][.e]")
#: Where recipients, text and sender end. Within a value no quote stands without a backslash.
_BEHIND_SENDER: Final = ',"type":"'
#: Where recipients end, and where a recipient has more than a number.
_BEHIND_RECIPIENTS: Final = '}],"text":'
_NEXT_FIELD: Final = '","'
#: Every fingerprint goes on from here: a copy takes half as long as a beginning.
_BEGUN: Final = hashlib.blake2b(digest_size=16)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def digest(
    body: bytes, due_ms: int | None, ttl_ms: int | None, context: str, reply_to: str = "", zones: str = ""
) -> str:
    """Take the fingerprint of a message's content; tells a repeat from a conflict.

    Args:
        body: the JSON of the POST; a date for the gateway stands in it as `instant` writes it.
        due_ms: epoch milliseconds before which it is held, or None.
        ttl_ms: milliseconds it may still be POSTed after it is due, or None.
        context: its JSON text.
        reply_to: the reply that it answers, or ``""``.
        zones: those that the caller gave, by recipient, or ``""``. What numbers tell does not count: a new
            numbering plan must not make a conflict of a repeat.
    """
    beside = f"|{due_ms}|{ttl_ms}|{meaning(context) if context else ''}"
    if reply_to:
        beside += f"|{reply_to}"
    if zones:
        beside += f"|zones {zones}"
    found = _BEGUN.copy()
    found.update(body)
    found.update(beside.encode())
    return found.hexdigest()


def seen(wire: str, recipients: int) -> str:
    """Tell what people see of a message: the same text, from the same sender, to the same numbers.

    Values that are filled in count as the text that they make, and those that it does not use do not count.

    Args:
        wire: the JSON of a POST; its recipients may have any order.
        recipients: how many there are.
    """
    if recipients > 1 or wire.find(_NEXT_FIELD, 0, wire.index(_BEHIND_RECIPIENTS)) >= 0:
        wire = encode(_as_shown(decode(wire))).decode()
    return wire[: wire.index(_BEHIND_SENDER)]


def _as_shown(body: Body) -> Body:
    """Write a message as if nothing were filled in: its text, or of each recipient his own, by number."""
    fill = template(body.text, body.auto_optimize_text).fill
    shown = sorted((each.phone_number, fill(each)) for each in body.recipients)
    text = shown[0][1]
    if all(own == text for _, own in shown):
        return msgspec.structs.replace(body, text=text, recipients=[Recipient(number) for number, _ in shown])
    # No text is empty.
    return msgspec.structs.replace(body, text="", recipients=[Recipient(*each) for each in shown])


def instant(moment: datetime) -> str:
    """Name the second that an aware date means. Dates at the ends of the calendar have no UTC form."""
    return str((moment - _EPOCH) // timedelta(seconds=1))


def context(value: object) -> str:
    """Any JSON value up to 4 KiB, as compact JSON text; empty for None."""
    if value is None:
        return ""
    try:
        encoded = _json(value)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("must be a JSON value") from None
    if len(encoded) > CONTEXT_MAX_BYTES:
        raise ValueError(f"must be at most {CONTEXT_MAX_BYTES} bytes as JSON")
    return encoded.decode()


def _json(value: object) -> bytes:
    """Write compact JSON, fast where that is safe.

    The fast encoder also takes what is not JSON, such as a set, a date or NaN. So its text counts only if it
    reads back as the same value; the strict encoder decides about the rest.
    """
    try:
        fast = encode(value)
        if msgspec.json.decode(fast) == value:
            return fast
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass
    return _STRICT_JSON.encode(value).encode()


def meaning(encoded: str) -> str:
    """Write compact JSON in one notation for equal values: members sorted, ``1.0`` as ``1``.

    Equal values then have equal text, and others have not: lists keep their order, ``1`` is not ``true``.
    """
    fractions = ("." in encoded or "e" in encoded) and _FRACTION.search(encoded)
    if not fractions and ',"' not in encoded:
        return encoded  # at most one member, the common case: there is no other notation
    value = msgspec.json.decode(encoded)
    try:
        value = _without_fractions(value) if fractions else value
        return _SORTED_JSON.encode(value).decode()
    except OverflowError:  # an integer of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    except RecursionError:  # nested too deeply to be rewritten: only the notation itself can be compared
        return encoded


def _without_fractions(value: Any) -> Any:
    """Turn floats that are whole numbers into integers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_without_fractions(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_fractions(each) for name, each in value.items()}
    return value
