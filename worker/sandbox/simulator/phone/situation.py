"""What the page shows besides the threads: weather, clock, credit, and what single handsets do."""

from typing import Literal

import msgspec

from worker.sandbox.simulator.fates import Receipts
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.simulator import Simulator
from worker.sandbox.simulator.threads import Entry
from worker.sandbox.simulator.weather import Weather, weather_of

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S


class Situation(msgspec.Struct, kw_only=True):
    """The simulator at one moment.

    Attributes:
        weather: How the next calls go.
        rules: Number of fault rules, which the weather does not show.
        clock: How far the clock is ahead of real time, e.g. ``+1 d 1 h``; empty when it is not.
        credit: Euros left.
        callbacks: Whether anything takes callbacks.
        blocked: Numbers that the gateway refuses to serve.
        receipts: What the receipts of single handsets tell, where that was chosen.
        typing: Handsets that are about to write by themselves.
        hint: What a newcomer may try next; empty when the newcomer has tried it.
    """

    weather: Weather | Literal["other"]
    rules: int
    clock: str
    credit: str
    callbacks: bool
    blocked: list[str]
    receipts: dict[str, Receipts]
    typing: list[str]
    hint: str


def situation(simulator: Simulator, listener: Listener) -> Situation:
    """Describe the simulator as it is now."""
    return Situation(
        weather=weather_of(simulator, listener),
        rules=len(simulator.faults.rules.listing()),
        clock=_ahead(simulator.clock.offset_s),
        credit=f"{simulator.account.balance:.2f} €",
        callbacks=bool(simulator.callbacks.url_for("reply")),
        blocked=sorted(simulator.account.blacklist),
        receipts=dict(simulator.network.receipts_of),
        typing=sorted(simulator.threads.typing),
        hint=_hint(simulator),
    )


def _ahead(offset_s: float) -> str:
    sign, seconds = ("-" if offset_s < 0 else "+"), abs(round(offset_s))
    parts = ((seconds // _DAY_S, "d"), (seconds % _DAY_S // _HOUR_S, "h"), (seconds % _HOUR_S // 60, "min"))
    told = " ".join(f"{number} {unit}" for number, unit in parts if number)
    return f"{sign}{told}" if told else ""


def _hint(simulator: Simulator) -> str:
    """Lead a newcomer through the first minute: a message, an answer, a lost answer."""
    entries = simulator.threads.entries()
    written = [entry for entry in entries if entry.event is not None]
    sent = [entry for entry in entries if entry.sending is not None]
    if len(entries) > 3 or not sent:
        return ""
    if not written:
        can_answer = simulator.network.handsets.pen(sent[0].number) == "answer"
        return "It arrived. Now answer it, as the person with this phone would." if can_answer else ""
    if len(sent) == 1 and _is_taken(written[-1]):
        return "Your app has the answer. Now choose “Lost answer” and send again: two POSTs, shown once."
    return ""


def _is_taken(entry: Entry) -> bool:
    return any(record.outcome == "delivered" for told in entry.told.values() for record in told.attempts)
