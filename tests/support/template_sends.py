"""Sends of one template, which may share a call: whom they go to, and how tests look at them."""

from producers import Producer
from worker.claims import Claim

CODE = "Your code is {param1}"


def number(which: int) -> str:
    """One of many numbers, from 0."""
    return f"+336{12_000_000 + which:08d}"


def states(sms: Producer, ids: list[str]) -> list[str]:
    """The state of each send, in order."""
    return [sms.status(each).state for each in ids]


def only(claims: list[Claim]) -> Claim:
    """The one claim that there is."""
    (claim,) = claims
    return claim
