"""Stream entries for applications, each callback event appended exactly once."""

import redis

from producers.events import OptOut, Receipt, Reply, to_fields
from producers.keys import OPTOUTS, QUARANTINE, RECEIPTS, REPLIES, Keys
from producers.scripts import Command, Script
from producers.settings import RedisSettings
from worker.delivery import RANKS

_PUBLISH = Script("worker", "publish", when_full=True)


class Publisher:
    """Appends to the streams. Thread-safe.

    Args:
        client: Redis client.
        settings: namespace, retention, stream length.
    """

    def __init__(self, client: redis.Redis, settings: RedisSettings) -> None:
        self._redis = client
        self._keys = Keys(settings.namespace)
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen

    def publish(self, event: Reply | Receipt | OptOut) -> bool:
        """Append an event to its stream and, for a receipt, to its send; one atomic step. Safe to repeat.

        Returns:
            False when this event was on the stream already.

        Raises:
            redis.RedisError: Redis did not answer; repeat.
        """
        stream = {Reply: REPLIES, Receipt: RECEIPTS, OptOut: OPTOUTS}[type(event)]
        if isinstance(event, Receipt) and event.request_id and event.delivered_at:
            rank = RANKS.get(event.status, 0)
            delivery: list[str | int] = [
                event.number,
                rank,
                f"{rank}|{event.delivered_at.isoformat()}|{event.status}",
            ]
            return self._append(stream, event.event_id, to_fields(event), event.request_id, delivery)
        return self._append(stream, event.event_id, to_fields(event))

    def quarantine(self, event_id: str, reason: str, raw: str, received: str) -> bool:
        """Keep a callback that could not be placed, raw. Safe to repeat.

        Args:
            event_id: the same for every repeat of the same callback.
            reason: why, in one word.
            raw: the payload as text.
            received: ISO 8601 UTC.
        """
        fields = {"v": "1", "event_id": event_id, "reason": reason, "received_at": received, "raw": raw}
        return self._append(QUARANTINE, event_id, fields)

    def _append(
        self,
        stream: str,
        event_id: str,
        fields: dict[str, str],
        request_id: str | None = None,
        delivery: list[str | int] | None = None,
    ) -> bool:
        keys = self._keys
        key = keys.stream(stream)
        flat = [part for pair in fields.items() for part in pair]
        args = [self._retention_ms, self._maxlen, *(delivery or ["", 0, ""]), *flat]
        deliveries = keys.deliveries(request_id) if request_id else key
        return Command(_PUBLISH, [key, keys.seen(event_id), deliveries], args, bool).run(self._redis)
