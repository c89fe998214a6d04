"""JSON for programs: raw texts, one line each, always valid."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from producers.contract.amounts import plain_amount
from worker.presentation.visible import whole

#: Version of the objects that commands and exports write.
VERSION: Final = 1
#: Valid within JSON, but many a reader breaks lines there.
_LINE_ENDS: Final = str.maketrans({"\x85": r"\u0085", "\u2028": r"\u2028", "\u2029": r"\u2029"})


def json_line(fields: Mapping[str, Any]) -> bytes:
    """Write one object as one line, with its line feed and the version as ``v``.

    Texts stay as they are, but for half surrogates, which no JSON may hold: ``⟨U+D83D⟩``. Times are ISO 8601,
    of UTC with ``Z``; amounts are strings, so that nobody rounds them, in the form that they have everywhere.

    Args:
        fields: what msgspec can carry: dataclasses, structs, dates, decimals, mappings, sequences.
    """
    return json_text({"v": VERSION, **fields}).encode() + b"\n"


def json_text(value: Any) -> str:
    """Write a value as JSON without a line break."""
    plain = msgspec.to_builtins(value, builtin_types=(Decimal,), enc_hook=_mapping)
    written = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), default=plain_amount)
    return whole(written.translate(_LINE_ENDS))


def _mapping(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
