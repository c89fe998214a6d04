"""Stream entries for applications, each callback event appended exactly once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import redis
import structlog

from producers.contract.events import OptOut, Quarantined, Receipt, Reply, to_fields
from producers.contract.keys import QUARANTINE, Keys
from producers.contract.kinds import KIND_OF
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.contract.talks import fresh_secret
from worker.callbacks.payloads import Parsed
from worker.callbacks.ranks import RANKS

_PUBLISH = Script("worker.callbacks", "publish", when_full=True)

#: The country of a number of which none is known.
NO_COUNTRY: Final = "ZZ"
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
        self._prefix = Keys(settings.namespace).prefix
        self._log = structlog.get_logger()
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen

    def publish(self, events: Sequence[Parsed]) -> list[bool]:
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
        given = {
            "retention_ms": self._retention_ms,
            "maxlen": self._maxlen,
            "foreign_bytes": FOREIGN_BYTES,
            "fresh_secret": fresh_secret(),
            "events": [_entry(event) for event in events],
        }
        fresh, dropped = Command(_PUBLISH, self._prefix, given, list[Any]).run(self._redis)
        for stream, unread in zip(dropped[::2], dropped[1::2], strict=True):
            self._log.error("stream.unread_trimmed", stream=stream.decode(), entries=unread)
        return [appended == 1 for appended in fresh]


def _entry(event: Parsed) -> dict[str, Any]:
    """Say what to append where, of which send; what a receipt tells of it, and where a turn is listed."""
    entry: dict[str, Any] = {
        "id": event.event_id,
        "stream": QUARANTINE if isinstance(event, Quarantined) else KIND_OF[type(event)].name,
        "fields": [part for pair in to_fields(event).items() for part in pair],
        "request_id": None if isinstance(event, Quarantined) else event.request_id,
    }
    if isinstance(event, Receipt):
        entry |= {"number": event.number, "delivery": _delivery(event.status, event.delivered_at)}
    if isinstance(event, Reply):
        received_ms = int(event.received_at.timestamp() * 1000)
        country = event.country or NO_COUNTRY
        listed = {"turn": "in", "country": country, "received_ms": received_ms}
        entry |= {"number": event.number, **listed}
    if isinstance(event, OptOut) and event.text:
        # What a receipt tells of a number that is blocked is nothing that somebody wrote.
        entry |= {"number": event.number, "turn": "opt"}
    return entry


def _delivery(status: str, at: datetime) -> str:
    """Write a delivery for `producers.queueing.records.read_delivery`."""
    return f"{RANKS.get(status, 0)}|{at.isoformat()}|{status}"
