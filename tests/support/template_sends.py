"""Sends of one template, which may share a call: whom they go to, and how tests look at them."""

from producers import Message, Producer, Recipient
from worker.ledger.claims import Claim

CODE = "Your code is {param1}"


def number(which: int) -> str:
    """One of many numbers, from 0."""
    return f"+336{12_000_000 + which:08d}"


def send_codes(sms: Producer, which: range, **options: object) -> list[str]:
    """Queue an alert of the template to each of these numbers; return the ids, ``m`` and the number."""
    messages = [
        Message(
            Recipient(number(each), param1="x"),
            CODE,
            sender="Bistro",
            purpose="alert",
            request_id=f"m{each}",
            **options,
        )
        for each in which
    ]
    return [sent.request_id for sent in sms.send_many(messages)]


def states(sms: Producer, ids: list[str]) -> list[str]:
    """The state of each send, in order."""
    return [sms.status(each).state for each in ids]


def only(claims: list[Claim]) -> Claim:
    """The one claim that there is."""
    (claim,) = claims
    return claim
