"""What a message may cost, and whether its recipients may be texted. Pure: prices are looked up later."""

from functools import lru_cache
from typing import Final

from ..contract.prices import tariff_name
from ..rules.money import MoneySettings
from .fields import Problems
from .options import Options
from .segments import costs_at_worst
from .wording import Wording

#: Micro-euros that a segment costs besides where people can answer (Octopush docs, two-way SMS: 0.03 € in
#: mainland France, the only country that has them).
ANSWERABLE: Final = 30_000
#: Micro-euros of a call that lets the gateway drop blocked numbers (Octopush docs, send page: 0.01 €).
BLACKLIST_LOOK: Final = 10_000
#: Digits that tell a calling code, which has at most three.
_CODE: Final = 3


def dues_of(worded: Wording, options: Options) -> tuple[int | str, ...]:
    """Say what a message may cost, segments at their dearest: see `FrozenMessage.dues`.

    A simulated message costs nothing.
    """
    if options.simulation_mode:
        return (0,)
    segments: dict[str, int] = {}
    template, same = worded.template, 0
    if not template.variables:
        same = costs_at_worst(template.text, worded.by_gateway)
    for recipient in worded.recipients:
        tariff = _tariff(options.type, recipient.phone_number[1 : 1 + _CODE])
        each = same or costs_at_worst(template.fill(recipient), worded.by_gateway)
        segments[tariff] = segments.get(tariff, 0) + each
    besides = BLACKLIST_LOOK if options.auto_remove_blacklisted_numbers else 0
    if options.with_replies:
        besides += ANSWERABLE * sum(segments.values())
    return (besides, *(part for pair in sorted(segments.items()) for part in pair))


def refuse_unreachable(check: Problems, numbers: list[str], rules: MoneySettings) -> None:
    """Refuse recipients that the owner lets nobody text, by position.

    Args:
        check: takes the problems.
        numbers: those of the recipients; of refused ones nothing more is said.
        rules: what the owner has chosen.
    """
    if rules.reaches_all:
        return
    for position, number in enumerate(numbers):
        if check.by_field and _where(position) in check.by_field:
            continue
        if problem := rules.reach_problem(number):
            check.by_field[_where(position)] = problem


def _where(position: int) -> str:
    return f"recipients[{position}].phone_number"


_tariff = lru_cache(maxsize=1024)(tariff_name)
