"""Gates: what keeps some sends and not all, and how people are told of it. Pure.

A gate is called ``credit`` (the account cannot pay what waits there) or by the code that nobody knows (a
breaker). What a gate keeps waits aside: among the delayed of its queue, and in the gate's own set.
"""

from decimal import Decimal
from typing import Final

import msgspec

#: The gate of what the account cannot pay.
CREDIT: Final = "credit"


class Gate(msgspec.Struct, frozen=True):
    """The facts of a gate, as the scripts keep them.

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
    """Say in one line why something waits at a gate."""
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
