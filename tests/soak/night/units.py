"""Numbers as Grafana writes them, for the units that our panels have."""

import math
from typing import Final

_SUFFIX: Final = {"mps": " msg/s", "reqps": " req/s", "eps": " evt/s", "ops": " ops/s"}
_SECONDS: Final = ((3_600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms"))
_THOUSANDS: Final = ((1e9, " Bil"), (1e6, " Mil"), (1e3, " K"))


def written(value: float, unit: str) -> str:
    """Write a value in its unit."""
    if unit == "s":
        size, name = next((each for each in _SECONDS if abs(value) >= each[0]), _SECONDS[-1])
        return f"{_short(value / size)} {name}" if value else "0 s"
    if unit == "currencyEUR":
        return f"€{_thousands(value)}"
    return _short(value) if unit == "none" else _thousands(value) + _SUFFIX.get(unit, "")


def _thousands(value: float) -> str:
    for size, name in _THOUSANDS:
        if abs(value) >= size:
            return _short(value / size) + name
    return _short(value)


def _short(value: float) -> str:
    """Three digits, without zeros at the end."""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def steps(lowest: float, highest: float, *, whole: bool = False, about: int = 4) -> list[float]:
    """Choose round values from below the lowest to above the highest.

    Args:
        lowest: of the values.
        highest: of the values.
        whole: whether there is nothing between two whole numbers.
        about: how many steps at most.
    """
    span = (highest - lowest) or abs(highest) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(each * power for each in (1, 2, 5, 10) if span / (each * power) <= about + 1e-9)
    step = max(step, 1.0) if whole else step
    first = math.floor(lowest / step + 1e-9)
    last = max(math.ceil(highest / step - 1e-9), first + 1)
    return [round(place * step, 12) for place in range(first, last + 1)]
