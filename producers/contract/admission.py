"""Admission: which gates decide what may leave now, in which order, and how people are told. Pure.

Each gate is a file ``lua/gates/<name>.lua``. Scripts that ask the gates get them in the order of `ADMISSION`;
``lua/admission.lua`` says how a gate is asked. The first gate that keeps a send decides what becomes of it. A
new gate is a file there and a row here.

Most gates keep a send for reasons of its own, or all sends. `CREDIT` and breakers, and only those, are shut
for some sends by facts in the hash ``gates``. What they keep waits aside: among the delayed of its queue, and
in the gate's own set. A breaker is called by the code that nobody knows.
"""

from decimal import Decimal
from typing import Final

import msgspec

#: The gate of what the account cannot pay.
CREDIT: Final = "credit"

#: The gate of the hours of marketing.
HOURS: Final = "hours"
#: The gate of what is beyond the budget of the day.
BUDGET: Final = "budget"

#: Why a send is held until a time, as its record says.
HELD: Final = (HOURS, "over_budget")

#: The gates by name, in the order in which they are asked, each with the reason why it keeps a send.
ADMISSION: Final = {
    "newer": "a newer version of the producers has written it: it waits for a newer worker",
    "ended": "it has ended, or leaves with its shared call",
    # Before what it says of a lost worker: after the clock went back, that worker may be alive and report.
    "due": "its date has not come",
    "attempt": "another worker makes an attempt",
    "campaign": "its campaign is paused, or was cancelled",
    "suppressed": "somebody who was to get it wants no more SMS",
    "composed": "its shared call must be composed first",
    "lifetime": "its time is over",
    HOURS: "marketing may not leave to its zones at this hour",
    BUDGET: "it does not fit into what may be spent today",
    "hold": "all sending is held: the account is in trouble",
    "pause": "all sending pauses for as long as the gateway asked",
    "in_flight": "as many calls are in flight as may be",
    "rate": "as many recipients have left as the rate allows",
    CREDIT: "the account cannot pay it",
    "breaker": "sends like it were refused in words that nobody knows",
}


class Gate(msgspec.Struct, frozen=True):
    """The facts of a gate that is shut for some sends, as the scripts keep them.

    Attributes:
        code: what the gateway said.
        since: epoch milliseconds at which it was shut.
        balance: the account's balance when it was last seen, or None; of ``credit`` only.
        shut: what the sends have in common that it keeps: ``sender``, ``type``, ``queue``, ``campaign``; of
            breakers only. An empty campaign means: without one.
    """

    code: str = ""
    since: int = 0
    balance: float | None = None
    shut: dict[str, str] = {}


_decode = msgspec.json.Decoder(Gate).decode


def read_gate(facts: bytes | str) -> Gate:
    """Read the facts of a gate as a script wrote them."""
    return _decode(facts)


def describe(name: str, gate: Gate, price: Decimal | None = None) -> str:
    """Say in one line why something waits aside at a gate."""
    if name == BUDGET:
        costs = "price unknown" if price is None else f"costs about {price:.2f}"
        return f"budget: {costs}, more than may be spent today"
    if not gate.code:
        return f"{name}: about to go on"
    if name != CREDIT:
        return f"code {gate.code}, nobody knows it; {_in_common(gate)}"
    costs = "price unknown" if price is None else f"costs about {price:.2f}"
    left = "balance not seen yet" if gate.balance is None else f"{gate.balance:.2f} left"
    return f"credit: {costs}, {left} (code {gate.code})"


def _in_common(gate: Gate) -> str:
    names = ("sender", "campaign", "type", "queue")
    return ", ".join(f"{name} {gate.shut[name]}" for name in names if gate.shut.get(name))
