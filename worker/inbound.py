"""The whole life of one callback: read, place, connect to its send, append once, forget the raw bytes."""

import hashlib
from datetime import UTC, datetime
from typing import cast

import msgspec
import redis
import structlog
from dramatiq.errors import Retry

from producers.callback_body import read_events
from producers.events import OptOut, Receipt, Reply
from producers.keys import Keys
from producers.phone import mask
from worker.ledger import Ledger
from worker.payloads import Parsed, UnknownCallback, opt_out_of, parse
from worker.publisher import Publisher

#: Seconds after its arrival for which a callback waits for the send it may belong to: longer than an attempt
#: and the take-over of a dead worker's attempt together.
PATIENCE_S = 60.0
#: Shortest and longest wait between two looks, in milliseconds.
LOOK_MS = (250, 8_000)


class Inbound:
    """Processes callbacks.

    Args:
        client: Redis client, for the raw callbacks.
        keys: key names.
        ledger: knows which send a ticket belongs to.
        publisher: appends to the streams.
    """

    def __init__(self, client: redis.Redis, keys: Keys, ledger: Ledger, publisher: Publisher) -> None:
        self._redis = client
        self._keys = keys
        self._ledger = ledger
        self._publisher = publisher
        self._log = structlog.get_logger()

    def process_callback(self, callback_id: str) -> None:
        """Publish the events of one stored callback. Safe to repeat: each event is appended once.

        Raises:
            Retry: a running attempt may turn out to be the origin of an event; Dramatiq runs this again.
            redis.RedisError: Redis stayed away; Dramatiq runs this again.
        """
        structlog.contextvars.bind_contextvars(callback_id=callback_id)
        key = self._keys.callback(callback_id)
        stored = cast("dict[bytes, bytes]", self._redis.hgetall(key))
        if not stored:
            return
        received_ms = int(stored[b"received"])
        received_at = datetime.fromtimestamp(received_ms / 1000, UTC)
        waiting = False
        for event in self._parsed(stored[b"raw"], stored[b"kind"].decode(), received_at):
            waiting = not self._handle(event, received_ms) or waiting
        if waiting:
            raise Retry(delay=self._look_again_ms(received_ms))
        self._redis.delete(key)

    def _parsed(self, raw: bytes, kind: str, received_at: datetime) -> list[Parsed]:
        events = read_events(raw)
        if events is None:
            text = raw.decode("utf-8", "backslashreplace")
            return [UnknownCallback(hashlib.sha256(raw).hexdigest()[:32], "unreadable", text)]
        return [parse(event, kind, received_at) for event in events]

    def _handle(self, event: Parsed, received_ms: int) -> bool:
        """Publish one event; False when it has to wait for its send."""
        if isinstance(event, UnknownCallback):
            received = datetime.fromtimestamp(received_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
            fresh = self._publisher.quarantine(event.event_id, event.reason, event.raw, received)
            self._log.error("callback.quarantined", reason=event.reason, repeated=not fresh)
            return True
        connected = self._connect(event, received_ms)
        if connected is None:
            return False
        fresh = self._publisher.publish(connected)
        if isinstance(connected, Receipt) and (opt_out := opt_out_of(connected)):
            self._publisher.publish(opt_out)
        self._report(connected, fresh=fresh)
        return True

    def _connect(self, event: Reply | Receipt | OptOut, received_ms: int) -> Reply | Receipt | OptOut | None:
        """Attach request_id and context of the original send; None while that may still become known."""
        if event.ticket is None:
            return event
        # An opt-out takes effect at once: it does not wait to learn which message provoked it.
        is_optout = isinstance(event, OptOut)
        patient = is_optout or self._age_s(received_ms) < PATIENCE_S
        found = self._ledger.correlate(event.ticket, event.number, received_ms, patient=patient)
        if found.pending and patient and not is_optout:
            return None
        if found.request_id is None:
            return event
        if isinstance(event, OptOut):
            return msgspec.structs.replace(event, request_id=found.request_id)
        context = msgspec.json.decode(found.context) if found.context else None
        return msgspec.structs.replace(event, request_id=found.request_id, context=context)

    def _report(self, event: Reply | Receipt | OptOut, *, fresh: bool) -> None:
        """Write the canonical line of this event."""
        kind = {Reply: "reply", Receipt: "receipt", OptOut: "optout"}[type(event)]
        fields = {
            "event_id": event.event_id,
            "ticket": event.ticket,
            "number": mask(event.number),
            "correlated": event.request_id is not None,
            "repeated": not fresh,
        }
        if event.request_id is not None:
            fields["request_id"] = event.request_id
        if isinstance(event, Receipt):
            fields["status"] = event.status
        self._log.info(f"callback.{kind}", **fields)

    def _look_again_ms(self, received_ms: int) -> int:
        """Wait about as long as has been waited already."""
        least, most = LOOK_MS
        return int(min(max(self._age_s(received_ms) * 1000, least), most))

    def _age_s(self, received_ms: int) -> float:
        """Seconds since the callback came, by Redis's clock."""
        seconds, microseconds = self._redis.time()
        return float(seconds + microseconds / 1e6 - received_ms / 1000)
