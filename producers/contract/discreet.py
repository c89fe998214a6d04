"""How values that hold what concerns a person write themselves: they end up in tracebacks and in logs.

Numbers are masked. Of texts, contexts and whatever else has no harmless name, only the size shows. The
attributes themselves are as they were.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

T = TypeVar("T", bound=type)

_NUMBERS: Final = frozenset({"number", "phone_number", "recipients"})
#: Names of what concerns nobody: ids, codes, words of ours.
_HARMLESS: Final = frozenset(
    {
        *("request_id", "event_id", "ticket", "reply_to", "id", "entry_id", "callback_id", "key", "campaign"),
        *("state", "status", "code", "match", "action", "reason", "scope", "type", "purpose", "direction"),
        *("sender", "app", "country", "zone", "zones", "short_number", "schedule", "queue", "kind", "sort"),
        *("waits_for", "held", "cut", "warnings", "trace", "links"),
    }
)
#: Types whose values are figures and times.
_FIGURES: Final = (bool, int, float, Decimal, datetime, timedelta)
#: Characters that show of a value with a harmless name: an application chooses some of them.
_VALUE_MAX: Final = 100


class _Hidden:
    """Stands for a value that is not shown.

    Args:
        words: what is said of it.
    """

    def __init__(self, words: str) -> None:
        self._words = words

    def __repr__(self) -> str:
        return f"<{self._words}>"


def discreet(kind: T) -> T:
    """Let a `msgspec.Struct` or a dataclass write itself without what is personal."""
    kind.__repr__ = _written  # type: ignore[method-assign, assignment]
    # What rich asks, which other tools use for tracebacks.
    kind.__rich_repr__ = _shown  # type: ignore[attr-defined]
    return kind


def is_discreet(kind: type) -> bool:
    """Tell whether a class is `discreet`."""
    return getattr(kind, "__repr__", None) is _written


def _written(value: Any) -> str:
    fields = ", ".join(f"{name}={shown!r}" for name, shown in _shown(value))
    return f"{type(value).__name__}({fields})"


def _shown(value: Any) -> Iterator[tuple[str, Any]]:
    for name in getattr(value, "__struct_fields__", None) or value.__dataclass_fields__:
        yield name, _harmless(name, getattr(value, name))


def _harmless(name: str, value: Any) -> Any:
    """Return a value as it may be shown."""
    if value is None or isinstance(value, _FIGURES) or _is_discreet_inside(value):
        return value
    if isinstance(value, str):
        return _of_text(name, value)
    if isinstance(value, bytes):
        return _Hidden(f"{len(value)} bytes")
    if isinstance(value, list | tuple | Mapping):
        return value if name in _HARMLESS else _Hidden(f"{len(value)} entries")
    return _Hidden(type(value).__name__)


def _is_discreet_inside(value: Any) -> bool:
    inside = value if isinstance(value, list | tuple) else (value,)
    return bool(inside) and all(is_discreet(type(each)) for each in inside)


def _of_text(name: str, value: str) -> Any:
    if name in _NUMBERS:
        # Whoever only reads events needs nothing that knows numbering plans.
        from .phone import mask  # noqa: PLC0415

        return mask(value)
    if name in _HARMLESS and len(value) <= _VALUE_MAX:
        return value
    return _Hidden(f"{len(value)} characters")
