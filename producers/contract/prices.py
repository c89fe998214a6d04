"""What a segment costs: what the workers have learnt, by tariff, and what is assumed of the rest. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

import phonenumbers


def tariff_name(kind: str, digits: str) -> str:
    """Name a tariff as the scripts do: type and calling code.

    Args:
        kind: ``sms_premium`` or ``sms_low_cost``.
        digits: of an E.164 number, without its plus.
    """
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return f"{kind}:{next((digits[:n] for n in (1, 2, 3) if int(digits[:n] or 0) in known), digits[:3])}"


def read_price(written: bytes | None) -> Decimal | None:
    """Read a price as Redis has it; None if there is none, or it is damaged."""
    try:
        return Decimal(written.decode()) if written else None
    except (InvalidOperation, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a segment, in the account's currency.

    Attributes:
        assumed: where no price was learnt; None if none is to be assumed.
        learnt: by tariff.
    """

    assumed: Decimal | None
    learnt: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def read(cls, assumed: Decimal | None, flat: Mapping[bytes, bytes]) -> "Prices":
        """Take the prices out of their hash; a damaged one counts as not learnt."""
        prices = ((name.decode("utf-8", "replace"), read_price(value)) for name, value in flat.items())
        return cls(assumed, {name: price for name, price in prices if price is not None})
