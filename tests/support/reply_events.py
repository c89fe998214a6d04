"""Replies on their stream without a gateway: parsed and published as a worker does."""

from datetime import UTC, datetime

import msgspec
import redis

from producers.contract.settings import RedisSettings
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher

AT = datetime(2030, 1, 31, 13, 5, 9, tzinfo=UTC)


def publish_replies(
    client: redis.Redis, *texts: str, number: str = "+33612345678", request_id: str | None = None, **changes
) -> None:
    """Append a reply for each text."""
    publisher = Publisher(client, RedisSettings())
    for place, text in enumerate(texts):
        event = {"number": number, "text": text, "reception_date": f"2030-01-31 14:{place % 60:02}:09"}
        reply = parse(event, "", AT)
        fields = {
            "request_id": request_id,
            "event_id": f"{reply.event_id[:20]}-{place}-{number[-4:]}",
            **changes,
        }
        publisher.publish([msgspec.structs.replace(reply, **fields)])
