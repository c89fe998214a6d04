"""Callbacks brought and processed by hand, one batch after the other, as the real worker does."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import redis

from producers.contract.jobs import QUEUE_CALLBACKS
from producers.contract.settings import RedisSettings
from tests.support.keys import AllKeys
from tests.support.sends import NoHolder
from worker.callbacks.inbound import Inbound
from worker.callbacks.publisher import Publisher
from worker.ledger.ledger import Ledger
from worker.queue.entries import Batch, Delayed, Entry

KEYS = AllKeys()


class _Waiting(NoHolder):
    def __init__(self) -> None:
        self.ids: list[str] = []

    def delay(self, entries: Sequence[Delayed]) -> None:
        """Note which entries shall come again."""
        self.ids += [entry.id for entry in entries]


class CallbacksByHand:
    """Brings callbacks and processes them; keeps those that have to wait.

    Args:
        client: Redis client.
        ledger: knows which send a callback belongs to.
        settings: retention and stream length.
        scoped: whether opt-outs end only what has the scope of the message that they answer.
    """

    def __init__(
        self,
        client: redis.Redis,
        ledger: Ledger,
        settings: RedisSettings | None = None,
        *,
        scoped: bool = False,
    ) -> None:
        self.redis = client
        self.waiting: list[str] = []
        publisher = Publisher(client, settings or RedisSettings(), scoped=scoped)
        self._inbound = Inbound(client, KEYS, ledger, publisher)
        self._names = map("c{}".format, itertools.count())

    def bring(self, *events: dict[str, Any], at_ms: int | None = None) -> None:
        """Store callbacks as `store` does, and process all."""
        self.store(*events, at_ms=at_ms)
        self.look_again()

    def store(self, *events: dict[str, Any], at_ms: int | None = None) -> None:
        """Store one callback for each event, as if it came at that time, else now."""
        for event in events:
            self.waiting.append(next(self._names))
            fields = {"kind": "", "raw": json.dumps(event), "received": at_ms or self.now_ms()}
            self.redis.hset(KEYS.callback(self.waiting[-1]), mapping=fields)

    def look_again(self) -> None:
        """Process what waits."""
        holder = _Waiting()
        batch = Batch(QUEUE_CALLBACKS, [Entry(each, each) for each in self.waiting], holder)
        self._inbound.process_callbacks(batch)
        self.waiting = holder.ids

    def now_ms(self) -> int:
        """Read Redis's clock."""
        seconds, microseconds = self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def entries(self, stream: str = "replies") -> list[dict[str, str]]:
        """Read a stream from its beginning."""
        return [
            {name.decode(): value.decode() for name, value in fields.items()}
            for _, fields in self.redis.xrange(KEYS.stream(stream))
        ]


def reply(number: str, text: str = "Oui", ticket: str | None = None, **fields: Any) -> dict[str, Any]:
    """Write a reply as the gateway posts it; without a date, its arrival tells it from others."""
    named = {} if ticket is None else {"message_id": ticket}
    return {"number": number, "text": text, "sim_card_number": "38015", **named, **fields}
