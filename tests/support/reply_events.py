"""Replies on their stream without a gateway: parsed and published as a worker does."""

import hashlib
from datetime import UTC, datetime

import msgspec
import redis

from producers.contract.settings import RedisSettings
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher

#: Events in one step.
_AT_ONCE = 200


def publish_replies(
    client: redis.Redis, *texts: str, number: str = "+33612345678", request_id: str | None = None, **changes
) -> None:
    """Append a reply for each text."""
    publisher, replies = Publisher(client, RedisSettings()), []
    for place, text in enumerate(texts):
        event = {"number": number, "text": text, "reception_date": f"2030-01-31 14:{place % 60:02}:09"}
        reply = parse(event, "", datetime.now(UTC), "c1")
        event_id = hashlib.sha256(f"{place} {text} {number}".encode()).hexdigest()[:32]
        fields = {"request_id": request_id, "event_id": event_id, **changes}
        replies.append(msgspec.structs.replace(reply, **fields))
    for start in range(0, len(replies), _AT_ONCE):
        publisher.publish(replies[start : start + _AT_ONCE])
