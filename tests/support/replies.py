"""Replies on their stream, at whatever time, listed by country as `publish.lua` lists them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps

KEYS = Keys()


@dataclass(frozen=True)
class Put:
    """A reply that lies on the stream."""

    id: str
    at_ms: int
    country: str
    match: str
    text: str


def put_replies(client: redis.Redis, replies: Iterator[Put] | list[Put]) -> list[Put]:
    """Append replies in the order of their ids; returns them, the newest first."""
    made = list(replies)
    with client.pipeline(transaction=False) as pipeline:
        for each in made:
            fields = {
                "v": "1",
                "event_id": f"e{each.id}",
                "request_id": "a" if each.match != "none" else "",
                "number": "+33612345678",
                "text": each.text,
                "received_at": datetime.fromtimestamp(each.at_ms / 1000, UTC).isoformat(),
                "country": "" if each.country == "ZZ" else each.country,
                "match": each.match,
                "raw": "{}",
            }
            pipeline.xadd(KEYS.stream("replies"), fields, id=each.id)
            pipeline.zadd(KEYS.replies_by(each.country), {each.id: each.at_ms})
        pipeline.execute()
    return made[::-1]


def reply(at_ms: int, seq: int = 0, *, country: str = "FR", match: str = "ticket", text: str = "Oui") -> Put:
    """Describe one reply."""
    return Put(f"{at_ms}-{seq}", at_ms, country, match, text)


class Counting:
    """Carries steps out, and counts round trips and commands."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self.trips = self.commands = 0

    def drive(self, steps: Steps[Any]) -> Any:
        """Carry steps out."""
        try:
            step = next(steps)
            while True:
                self.trips += 1
                self.commands += len(step.commands) if isinstance(step, Commands) else 1
                step = steps.send(step.run(self._redis))
        except StopIteration as end:
            return end.value
