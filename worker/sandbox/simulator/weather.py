"""The gateway's weather: how the next calls go, in one word, for people who try things out."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from worker.sandbox.simulator.faults import NO_FAULT, PRESETS, Fault
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.simulator import Simulator

Weather = Literal["normal", "lost_answer", "refused", "no_credit", "away", "slow", "callbacks_twice"]

#: Real seconds that ``away`` lasts.
AWAY_S: Final = 5.0

#: Each weather that is a fault of all sends; the label tells them apart from faults of others.
_FAULTS: Final[Mapping[str, Fault]] = {
    # Only the first POST of each message: the repeat must hear what became of it.
    "lost_answer": Fault(answer=PRESETS["accept_then_silence"].answer, first_posts=1, label="lost_answer"),
    "refused": Fault(processing="none", answer="refusal", code=121, message="STOP au 30101", label="refused"),
    "slow": Fault(after_ms=3000, label="slow"),
}


def weather_of(simulator: Simulator, listener: Listener) -> Weather | Literal["other"]:
    """Read the weather off the state, whoever made it; ``other`` for a default fault of one's own."""
    if not listener.is_listening:
        return "away"
    if simulator.account.balance <= 0:
        return "no_credit"
    if simulator.settings.callback_copies > 1:
        return "callbacks_twice"
    if simulator.faults.default == NO_FAULT:
        return "normal"
    return next((word for word in get_args(Weather) if word == simulator.faults.default.label), "other")


async def set_weather(simulator: Simulator, listener: Listener, weather: Weather) -> None:
    """Change the weather; ``away`` passes by itself, and the weather before it comes back. Safe to repeat.

    Fault rules stay. Credit that was gone is that of the settings again.
    """
    if weather == "away":
        listener.stop_listening(AWAY_S)
        return
    await listener.listen()
    simulator.faults.default = _FAULTS.get(weather, NO_FAULT)
    simulator.settings.callback_copies = 2 if weather == "callbacks_twice" else 1
    if weather == "no_credit":
        simulator.account.balance = 0
    elif simulator.account.balance <= 0:
        simulator.account.balance = simulator.settings.balance
