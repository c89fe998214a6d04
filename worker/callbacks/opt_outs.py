"""Opt-outs that come without a callback of their own: in what somebody writes, and in receipts. Pure."""

from collections.abc import Iterator

import msgspec

from producers.contract.events import CallbackEvent, OptOut, OptOutAction, Receipt, Reply
from worker.callbacks.classifier import Vocabulary, classify
from worker.callbacks.dates import read_date
from worker.callbacks.payloads import event_id_of


def judged(event: CallbackEvent, vocabulary: Vocabulary | None) -> Iterator[CallbackEvent]:
    """The event, followed by the opt-out or the new start that it asks for, if it does.

    Each has the same name however often it is made. A reply that is in doubt asks for nothing, and says that
    a person should decide.

    Args:
        event: connected to its send, or not yet.
        vocabulary: the words of an opt-out in a reply; None for the built-in ones.
    """
    if isinstance(event, Reply):
        verdict = classify(event.text, vocabulary)
        yield msgspec.structs.replace(event, optout_hint=verdict == "hint")
        if verdict in {"stop", "start"}:
            yield _of_reply(event, "out" if verdict == "stop" else "in")
    else:
        yield event
        if isinstance(event, Receipt) and event.status == "BLACKLISTED_NUMBER":
            yield _of_receipt(event)


def _of_receipt(receipt: Receipt) -> OptOut:
    """The opt-out that a receipt reports: a blocked number wants no SMS, whoever blocked it."""
    return OptOut(
        event_id=event_id_of("blacklisted", receipt.ticket or receipt.event_id, receipt.number),
        request_id=receipt.request_id,
        match=receipt.match,
        ticket=receipt.ticket,
        number=receipt.number,
        text="",
        action="out",
        reason="gateway",
        at=receipt.delivered_at,
        raw=receipt.raw,
        trace=receipt.trace,
    )


def _of_reply(reply: Reply, action: OptOutAction) -> OptOut:
    """What a reply asks for. It asked when it was written, as far as the gateway says."""
    return OptOut(
        event_id=event_id_of("reply", action, reply.event_id),
        request_id=reply.request_id,
        match=reply.match,
        ticket=reply.ticket,
        number=reply.number,
        text=reply.text,
        action=action,
        reason="reply",
        at=read_date(reply.gateway_date or "", reply.received_at) or reply.received_at,
        raw=reply.raw,
        trace=reply.trace,
    )
