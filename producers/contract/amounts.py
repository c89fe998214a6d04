"""Amounts of money as programs read them, in one form wherever: streams, webhooks, the HTTP API. Pure."""

from decimal import Decimal


def plain_amount(amount: Decimal) -> str:
    """Write an amount as a plain decimal number, in one form for equal ones: 0.1, and not 0.10 or 1E-1.

    ``lua/amounts.lua`` writes so, too.
    """
    return f"{amount.normalize() + 0:f}"


def read_amount(written: str) -> Decimal:
    """Read an amount as a record has it: as the gateway wrote it, or with as many zeros as a script writes.

    Returns:
        What ``str`` writes as `plain_amount` does.

    Raises:
        decimal.InvalidOperation: it is none.
    """
    return Decimal(plain_amount(Decimal(written)))
