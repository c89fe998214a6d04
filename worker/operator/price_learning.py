"""What a segment costs, inferred from the balance: so many euros pay for so many messages. A last resort.

The gateway tells no prices. It tells what is left in euros, and of a country how many messages that pays for,
rounded down. So with B euros and n messages a price lies above B / (n + 1), and is B / n at most (Octopush
docs, check balance).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Final, Literal

import phonenumbers

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.account.throttle import AUDIT_MAXLEN
from worker.gateway.balances import Prepaid
from worker.gateway.client import Gateway

_INFER_PRICE: Final = Script(__package__, "infer_price", when_full=True)
_MICRO: Final = Decimal("0.000001")

#: What became of a price: it counts; an operator or the gateway's answers say better; or there is none, since
#: the gateway did not answer, credit that was bought by the message distorts it, or nothing is left.
Verdict = Literal["balance", "operator", "answer", "no_answer", "packs", "no_credit"]


@dataclass(frozen=True, slots=True)
class Inferred:
    """What was found out of one tariff.

    Attributes:
        country: two letters.
        tariff: type and calling code.
        above, euros: a segment costs more than the first and at most the second; None if nobody can tell.
        verdict: see `Verdict`.
    """

    country: str
    tariff: str
    above: Decimal | None
    euros: Decimal | None
    verdict: Verdict


def tariff_of(country: str, kind: str) -> str:
    """Name the tariff of a country.

    Args:
        country: two letters.
        kind: ``sms_premium`` or ``sms_low_cost``.

    Raises:
        ValueError: there is no such country.
    """
    if not (code := phonenumbers.country_code_for_region(country)):
        raise ValueError(f"{country} is no country, such as FR")
    return f"{kind}:{code}"


async def ask(gateway: Gateway, countries: Sequence[str], kind: str) -> list[Inferred]:
    """Ask the gateway, one question after the other, and infer; nothing is written.

    The balance is asked before and after: messages may leave meanwhile. Of countries with one calling code
    the dearest price counts.

    Args:
        gateway: whom to ask.
        countries: two letters each.
        kind: type of the SMS.
    """
    before = await gateway.euros()
    counted = [await gateway.prepaid(each, kind) for each in countries]
    after = await gateway.euros()
    known = None if before is None or after is None else (min(before, after), max(before, after))
    found = [
        _inferred(country, tariff_of(country, kind), known, prepaid)
        for country, prepaid in zip(countries, counted, strict=True)
    ]
    dearest = {each.tariff: each.euros for each in sorted(found, key=lambda each: each.euros or Decimal(0))}
    return [each for each in found if each.euros == dearest[each.tariff]]


def _inferred(
    country: str, tariff: str, euros: tuple[Decimal, Decimal] | None, prepaid: Prepaid | None
) -> Inferred:
    if euros is None or prepaid is None:
        return Inferred(country, tariff, None, None, "no_answer")
    if prepaid.has_packs:
        return Inferred(country, tariff, None, None, "packs")
    if prepaid.messages < 1 or euros[0] <= 0:
        return Inferred(country, tariff, None, None, "no_credit")
    above = euros[0] / (prepaid.messages + 1)
    return Inferred(
        country,
        tariff,
        above.quantize(_MICRO),
        (euros[1] / prepaid.messages).quantize(_MICRO, ROUND_UP),
        "balance",
    )


def infer_price(keys: Keys, tariff: str, euros: Decimal, by: str) -> Command[Verdict]:
    """Let an inferred price count where nobody knows better. Safe to repeat; each time has an audit entry.

    Args:
        keys: key names.
        tariff: type and calling code.
        euros: of a segment, at most.
        by: who decides.

    Returns:
        Whose price counts.
    """
    given = {"tariff": tariff, "price": f"{euros:f}", "by": by, "audit_maxlen": AUDIT_MAXLEN}
    return Command(_INFER_PRICE, keys.prefix, given, bytes.decode)  # type: ignore[arg-type]
