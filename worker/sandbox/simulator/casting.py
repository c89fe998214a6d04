"""Octopush's tolerance: values of the wrong type are cast, or dropped when they cannot be."""

from typing import Any

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


def as_text(value: Any) -> str | None:
    """Cast a scalar to text; None for null and for containers.

    Booleans become ``True`` and ``False``, numbers their decimal form.
    """
    if value is None or isinstance(value, (dict, list)):
        return None
    return str(value)


def as_flag(value: Any, *, default: bool) -> bool:
    """Cast to a boolean; what cannot be understood counts as absent."""
    if isinstance(value, (bool, int, float)):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    return default
