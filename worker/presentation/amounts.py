"""Amounts of money, written in one way wherever people read them."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

#: Decimals that are always written, and the most: prices of the gateway have up to five.
_FEWEST: Final = 2
_FINEST: Final = Decimal("0.00001")


def amount(value: Decimal | float | str) -> str:
    """Write an amount of the account's currency: two decimals at least, never more than five.

    Args:
        value: such as ``Decimal("25.0")``, ``0.0753`` or ``"25"``.

    Returns:
        ``25.00``, ``0.0753``; what is no number, or beyond all reason, comes back as it was written.
    """
    try:
        exact = Decimal(str(value)).quantize(_FINEST, ROUND_HALF_UP)
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return str(value)
    whole, _, decimals = f"{exact + 0:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(_FEWEST, '0')}"
