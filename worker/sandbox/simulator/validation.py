"""Which send calls are refused for what they contain, and with which code.

Codes are from Octopush's table; which situation has which code is assumed, except 121 (documented and
seen).
"""

import re
from collections.abc import Callable, Sequence

from worker.sandbox.simulator.campaign import SendCall
from worker.sandbox.simulator.refusals import Refusal, refuse
from worker.sandbox.simulator.segments import count_segments
from worker.sandbox.simulator.settings import SimulatorSettings

_Check = Callable[[SendCall, SimulatorSettings], Refusal | None]

_SENDER = re.compile(r"[a-zA-Z0-9]{3,11}")
_SENDER_WITH_SPACE = re.compile(r"[a-zA-Z0-9 ]{3,11}")


def check(call: SendCall, settings: SimulatorSettings) -> Refusal | None:
    """Return why a call is refused, or None; a simulated call is hardly checked (documented)."""
    for find_fault in _MINIMAL if call.simulation else _FULL:
        if refusal := find_fault(call, settings):
            return refusal
    return None


def _recipients(call: SendCall, settings: SimulatorSettings) -> Refusal | None:
    if call.contacts is None:
        return refuse(110)
    if call.contacts == 0:
        return refuse(103)
    return refuse(305) if call.contacts > settings.max_recipients else None


def _text(call: SendCall, settings: SimulatorSettings) -> Refusal | None:  # noqa: ARG001  (one shape for all checks)
    return None if call.text.strip() else refuse(107)


def _sender(call: SendCall, settings: SimulatorSettings) -> Refusal | None:
    allowed = _SENDER_WITH_SPACE if settings.sender_allows_space else _SENDER
    return None if not call.sender or allowed.fullmatch(call.sender) else refuse(106)


def _numbers(call: SendCall, settings: SimulatorSettings) -> Refusal | None:
    if not call.recipients:
        return refuse(117)
    is_refused = call.bad_numbers and settings.bad_numbers == "refuse"
    return refuse(settings.bad_number_code) if is_refused else None


def _mention(call: SendCall, settings: SimulatorSettings) -> Refusal | None:
    if not call.is_french_marketing:
        return None
    code, mention = (122, settings.low_cost_mention) if call.low_cost else (121, settings.stop_mention)
    if not mention or mention in call.text:
        return None
    return refuse(code, message=f"The text must contain the mention [{mention}]")


def _length(call: SendCall, settings: SimulatorSettings) -> Refusal | None:
    for recipient in call.recipients:
        if len(call.filled_in(recipient)) > settings.max_text_chars:
            return refuse(189)
        if 0 < settings.max_segments < segments_of(call.handset_text(recipient), settings):
            return refuse(189)
    return None


def segments_of(text: str, settings: SimulatorSettings) -> int:
    """Count the parts of a handset text the way the settings ask for."""
    return count_segments(
        text,
        octopush_double_counting=settings.octopush_double_counting,
        gsm7_part=settings.gsm7_part,
        ucs2_part=settings.ucs2_part,
    )


_MINIMAL: Sequence[_Check] = (_recipients, _text)
_FULL: Sequence[_Check] = (_recipients, _text, _sender, _numbers, _mention, _length)
