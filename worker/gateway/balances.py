"""What the gateway says of the account's balance. Pure and total."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from worker.gateway.answers import read_amount, read_object


@dataclass(frozen=True, slots=True)
class Prepaid:
    """How many messages the account pays for.

    Attributes:
        messages: of one type to one country.
        has_packs: whether some of them were bought by the message: then euros are not all that pays.
    """

    messages: int
    has_packs: bool


def euros(status: int, content: bytes) -> Decimal | None:
    """Read the answer to a balance request; None when it names no amount of euros."""
    return euros_of(read_object(content) or {}) if 200 <= status < 300 else None


def euros_of(answer: Mapping[str, Any]) -> Decimal | None:
    """Read what a balance names; None if it is no amount of euros."""
    amount = read_amount(answer.get("amount"))
    return Decimal(amount) if amount and answer.get("unit") == "euros" else None


def prepaid(status: int, content: bytes, kind: str) -> Prepaid | None:
    """Read the answer to a balance request of one type and country; None when it names no number of messages.

    Octopush docs, check balance by country; packs that are used up do not count.
    """
    answer = read_object(content) or {}
    messages, packs = read_amount(answer.get("amount")), answer.get("wallet_packs")
    if not (messages and 200 <= status < 300 and answer.get("unit") == kind and float(messages) >= 0):
        return None
    known = packs if isinstance(packs, list) else []
    left = [read_amount(each.get("credit")) if isinstance(each, dict) else None for each in known]
    # Who says something that nobody can read may have packs.
    return Prepaid(int(float(messages)), any(credit is None or float(credit) > 0 for credit in left))


def balance(status: int, content: bytes) -> float | None:
    """Read the answer to a balance request; None when it names no amount (Octopush docs, check balance)."""
    amount = read_amount((read_object(content) or {}).get("amount"))
    return float(amount) if amount and 200 <= status < 300 else None
