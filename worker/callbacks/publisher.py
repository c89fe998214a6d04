"""Stream entries for applications, each callback event appended exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import redis
import structlog

from producers.contract.keys import OPTOUTS, QUARANTINE, RECEIPTS, REPLIES, Keys
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.events import OptOut, Receipt, Reply, to_fields
from worker.callbacks.delivery import RANKS

_PUBLISH = Script("worker.callbacks", "publish", when_full=True)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A callback event that could not be placed, kept raw for an operator.

    Attributes:
        event_id: the same for every repeat.
        reason: why, in one word.
        raw: the payload as text.
        received_at: when the callback came.
    """

    event_id: str
    reason: str
    raw: str
    received_at: datetime


Publishable = Reply | Receipt | OptOut | Quarantined

#: Where each kind of event goes, in the order of the script's keys.
STREAMS: Final = {Reply: REPLIES, Receipt: RECEIPTS, OptOut: OPTOUTS, Quarantined: QUARANTINE}
_NUMBERS: Final = {kind: number for number, kind in enumerate(STREAMS, 1)}


#: Bytes that entries of no send of ours may take in one stream: whoever has a token can write them.
FOREIGN_BYTES: Final = 16 * 1024 * 1024


class Publisher:
    """Appends to the streams. Thread-safe.

    Args:
        client: Redis client.
        settings: namespace, retention, stream length.
    """

    def __init__(self, client: redis.Redis, settings: RedisSettings) -> None:
        self._redis = client
        self._keys = Keys(settings.namespace)
        self._log = structlog.get_logger()
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen

    def publish(self, events: Sequence[Publishable]) -> list[bool]:
        """Append events to their streams, in order, and receipts to their sends; one atomic step.

        Safe to repeat. Entries that are dropped before the slowest group of their stream has read them are
        counted, and logged at level error.

        Args:
            events: at most as many as one script may take.

        Returns:
            Per event, False when it was on its stream already.

        Raises:
            redis.RedisError: Redis did not answer; repeat.
        """
        keys = [self._keys.stream(name) for name in STREAMS.values()]
        keys += [self._keys.foreign_bytes, self._keys.unread_trimmed]
        args: list[str | int] = [self._retention_ms, self._maxlen, self._keys.prefix, FOREIGN_BYTES]
        for event in events:
            fields = _fields(event)
            args += [event.event_id, _NUMBERS[type(event)], *_origin(event), 2 * len(fields)]
            args += [part for pair in fields.items() for part in pair]
        *fresh, replies, receipts, optouts, quarantine = Command(_PUBLISH, keys, args, list[int]).run(
            self._redis
        )
        for stream, unread in zip(STREAMS.values(), (replies, receipts, optouts, quarantine), strict=True):
            if unread:
                self._log.error("stream.unread_trimmed", stream=stream, entries=unread)
        return [appended == 1 for appended in fresh]


def _fields(event: Publishable) -> dict[str, str]:
    if not isinstance(event, Quarantined):
        return to_fields(event)
    facts = {"v": "1", "event_id": event.event_id, "reason": event.reason}
    return {**facts, "received_at": event.received_at.isoformat().replace("+00:00", "Z"), "raw": event.raw}


def _origin(event: Publishable) -> tuple[str, str, str]:
    """Which send an event belongs to, and what a receipt tells of it: the number, and for `read_delivery`."""
    if isinstance(event, Quarantined) or not event.request_id:
        return "", "", ""
    if not isinstance(event, Receipt) or not event.delivered_at:
        return event.request_id, "", ""
    rank, at = RANKS.get(event.status, 0), event.delivered_at.isoformat()
    return event.request_id, event.number, f"{rank}|{at}|{event.status}"
