"""What a message may cost, and whether its recipients may be texted. Pure: prices are looked up later."""

from functools import lru_cache
from typing import Final

from ..contract.prices import tariff_name
from ..rules.money import MoneySettings
from .fields import Problems
from .frozen import Dues
from .options import Options
from .recipient import Recipient
from .template import at_worst
from .wording import Wording

#: Micro-euros that a segment costs besides where people can answer (Octopush docs, two-way SMS: 0.03 € in
#: mainland France, the only country that has them).
ANSWERABLE: Final = 30_000
#: Micro-euros of a call that lets the gateway drop blocked numbers (Octopush docs, send page: 0.01 €).
BLACKLIST_LOOK: Final = 10_000
#: Digits that tell a calling code, which has at most three.
_CODE: Final = 3
_NOTHING: Final = (0,)


def dues_of(worded: Wording, options: Options) -> Dues:
    """Say what a message may cost, segments at their dearest: see `FrozenMessage.dues`.

    A simulated message costs nothing.
    """
    if options.simulation_mode:
        return _NOTHING
    if len(worded.recipients) == 1:
        digits, template = worded.recipients[0].phone_number[1 : 1 + _CODE], worded.template
        if template.variables or options.with_replies or options.auto_remove_blacklisted_numbers:
            segments = worded.at_worst(0)
            return (_besides(options, segments), _tariff(options.type, digits), segments)
        return _of_plain(options.type, digits, template.text, worded.segments[0], template.optimise)
    by_tariff: dict[str, int] = {}
    for place, recipient in enumerate(worded.recipients):
        tariff = _tariff(options.type, recipient.phone_number[1 : 1 + _CODE])
        by_tariff[tariff] = by_tariff.get(tariff, 0) + worded.at_worst(place)
    besides = _besides(options, sum(by_tariff.values()))
    return (besides, *(part for pair in sorted(by_tariff.items()) for part in pair))


def _besides(options: Options, segments: int) -> int:
    """Say what a message costs besides its segments, in micro-euros."""
    answers = ANSWERABLE * segments if options.with_replies else 0
    return answers + BLACKLIST_LOOK if options.auto_remove_blacklisted_numbers else answers


def refuse_unreachable(
    check: Problems, recipients: list[Recipient], rules: MoneySettings, *, told: str = ""
) -> None:
    """Refuse recipients that the owner lets nobody text, by position.

    Args:
        check: takes the problems.
        recipients: all of them, since their positions count; of refused numbers nothing more is said.
        rules: what the owner has chosen.
        told: the zones that their numbers tell, if somebody has looked: mostly one, where all may be texted.
    """
    if rules.reaches_all or (not check.by_field and rules.reaches_zone(told)):
        return
    for position, recipient in enumerate(recipients):
        if check.by_field and _where(position) in check.by_field:
            continue
        if problem := rules.reach_problem(recipient.phone_number):
            check.by_field[_where(position)] = problem


def _where(position: int) -> str:
    return f"recipients[{position}].phone_number"


_tariff = lru_cache(maxsize=1024)(tariff_name)


# Most messages are to one person, and alike: they share what is said of them.
@lru_cache(maxsize=256)
def _of_plain(  # positional: this is the key of a cache
    kind: str,
    digits: str,
    text: str,
    segments: int,
    optimise: bool,  # noqa: FBT001
) -> Dues:
    return 0, tariff_name(kind, digits), at_worst(text, segments, optimise)
