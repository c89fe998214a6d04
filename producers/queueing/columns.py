"""Messages as ``enqueue.lua`` reads them: a list for each fact, and no list for each message. Pure."""

from collections.abc import Sequence
from typing import Any

from ..contract.pseudonyms import Pseudonyms
from ..messages.frozen import Dues, FrozenMessage
from .restraint import Restraint


def columns(
    messages: Sequence[FrozenMessage], known: Pseudonyms, restraint: Restraint
) -> tuple[dict[str, Any], Sequence[Dues]]:
    """Say what messages are, each fact by the name by which the script reads it.

    Args:
        messages: in their order.
        known: makes what stands for numbers, contents and texts.
        restraint: what the owner wants to be looked for.

    Returns:
        What to give the script: lists with a value for each message, and of what few messages have maps from
        the places of messages, counted from 1, to values. Then what messages may cost, each once: the values
        of ``dues`` are places in it, counted from 1.
    """
    bodies = [m.body.decode() for m in messages]
    dues: dict[Dues, int] = {}
    return {
        "ids": [m.request_id for m in messages],
        "digests": [known.seal(m.digest) for m in messages],
        "queues": [m.queue for m in messages],
        "bodies": bodies,
        "contexts": [m.context for m in messages],
        "segments": [m.segments for m in messages],
        "recipients": [len(m.numbers) for m in messages],
        "receipts": [m.receipts for m in messages],
        "to": [" ".join(map(known.of, m.numbers)) for m in messages],
        "zones": [m.zones for m in messages],
        "due": {place: m.due_ms for place, m in enumerate(messages, 1) if m.due_ms is not None},
        "ttl": _by_place([m.ttl_ms for m in messages]),
        "share": _by_place([m.share for m in messages]),
        "campaign": _by_place([m.campaign for m in messages]),
        "talk": _by_place([m.talk for m in messages]),
        "older_digests": _by_place([known.older_seals(m.digest) for m in messages]),
        "older_to": _by_place([known.older_lists(m.numbers) for m in messages]),
        "stoppable": _by_place([m.stoppable for m in messages]),
        "scope": _by_place([m.scope for m in messages]),
        "weights": _by_place([m.weights for m in messages]),
        "dues": _by_place([m.dues and dues.setdefault(m.dues, len(dues) + 1) for m in messages]),
        "block": _by_place(restraint.blocks_of(messages)),
        "twin": _by_place(restraint.twins_of(messages, bodies, known)),
        "trace": _by_place([m.trace for m in messages]),
        "links": _by_place([m.links for m in messages]),
    }, list(dues)


def _by_place(values: Sequence[Any]) -> dict[int, Any]:
    """Keep what is there, by its place from 1. Mostly nothing is."""
    return {place: value for place, value in enumerate(values, 1) if value} if any(values) else {}
