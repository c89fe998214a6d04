"""What messages would cost if they were sent again: an estimate, from what segments cost lately."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from producers.contract.keys import Keys
from producers.contract.prices import read_price, tariff_name
from producers.contract.steps import Commands, Steps

#: The parts of a body that tell its tariff: the first recipient, and what follows the text.
HEAD: Final = 200
TAIL: Final = 400

_NUMBER: Final = re.compile(rb'"phone_number":"\+(\d{1,15})"')
_TYPE: Final = re.compile(rb'"type":"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Estimate:
    """What some messages may cost.

    Attributes:
        cost: in the account's currency, of those whose price is known.
        unpriced: messages whose price nobody has learnt yet.
    """

    cost: Decimal
    unpriced: int


def tariff_of(head: bytes, tail: bytes) -> str:
    """Name the tariff of a body as the scripts do: type and country code; by the first recipient.

    Args:
        head: the first `HEAD` bytes of the body.
        tail: its last `TAIL` bytes.
    """
    number, kind = _NUMBER.search(head), _TYPE.findall(tail)
    digits = number[1].decode() if number else ""
    return tariff_name(kind[-1].decode("utf-8", "replace") if kind else "", digits)


def estimate(keys: Keys, segments: Mapping[str, int], messages: Mapping[str, int]) -> Steps[Estimate]:
    """Say what segments of some tariffs cost together; one round trip.

    Args:
        keys: key names.
        segments: how many of each tariff.
        messages: how many messages have each tariff.
    """
    tariffs = list(segments)
    prices = (yield Commands([("HMGET", keys.prices, *tariffs)]))[0] if tariffs else []
    cost, unpriced = Decimal(0), Counter[str]()
    for tariff, price in zip(tariffs, prices, strict=True):
        known = read_price(price)
        if known is None:
            unpriced[tariff] = messages[tariff]
        else:
            cost += known * segments[tariff]
    return Estimate(cost, unpriced.total())


def weigh(told: Sequence[tuple[str, int]]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Add up tariffs and segments of single messages, for `estimate`."""
    segments, messages = Counter[str](), Counter[str]()
    for tariff, count in told:
        segments[tariff] += count
        messages[tariff] += 1
    return segments, messages
