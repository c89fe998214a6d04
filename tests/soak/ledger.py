"""What a soak has left behind, read from Redis and from the gateway."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import redis

from tests.soak.crowd import MENTION, Text
from tests.soak.days import PARIS, Leaps
from tests.soak.place import KEYS, PRICE
from tests.soak.verdict import Post, Record, Seen
from worker.sandbox.simulator.client import SimulatorAdmin

#: Keys that are read in one round trip.
_AT_ONCE: Final = 2_000


class Ledger:
    """Reads Redis.

    Args:
        client: of it.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def counts(self) -> Counter[str]:
        """How many sends are in which state, as they were counted on the way."""
        return Counter({k.decode(): int(v) for k, v in self._redis.hgetall(KEYS.counts).items()})

    def megabytes(self) -> int:
        """What Redis takes."""
        return round(self._redis.info("memory")["used_memory"] / 1e6)

    def seen(
        self, texts: Sequence[Text], admin: SimulatorAdmin, answered: Collection[str], leaps: Leaps
    ) -> Seen:
        """Gather all that the verdict goes by."""
        records = self._records()
        return Seen(
            texts=texts,
            shown=admin.delivered_texts(),
            posts=[
                Post(each.at, each.request_id or "", each.sha256, each.numbers)
                for each in admin.requests()
                if each.endpoint == "send"
            ],
            stopped=self._stopped(),
            answered=answered,
            records={name: each for name, each in records.items() if not name.startswith("@")},
            leaps=leaps,
            racing={
                number.decode()
                for name, each in records.items()
                if name.startswith("@") and each.raced
                for number in self._redis.hkeys(KEYS.members(name))
            },
            reserved=self._reserved(),
            spent=_spent(admin, leaps),
        )

    def _scanned(self, pattern: str) -> Iterator[list[bytes]]:
        names: list[bytes] = []
        for key in self._redis.scan_iter(f"{KEYS.prefix}{pattern}", count=_AT_ONCE):
            names.append(key)
            if len(names) == _AT_ONCE:
                yield names
                names = []
        yield names

    def _records(self) -> dict[str, Record]:
        """Read all records, one by one: the counters' independent check."""
        found = {}
        for keys in self._scanned("record:*"):
            with self._redis.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.hmget(key, "state", "code", "first", "raced")
                answers = pipeline.execute()
            for key, answer in zip(keys, answers, strict=True):
                state, code, first, raced = ((each or b"").decode() for each in answer)
                name = key.decode().partition("record:")[2]
                found[name] = Record(state, code, float(first) / 1000 if first else None, bool(raced))
        return found

    def _stopped(self) -> dict[str, float]:
        """When each number's first opt-out was published, by the leaping clock."""
        found: dict[str, float] = {}
        for entry_id, fields in self._redis.xrange(KEYS.stream("optouts")):
            at = int(entry_id.partition(b"-")[0]) / 1000
            found.setdefault(fields[b"number"].decode(), at)
        return found

    def _reserved(self) -> int:
        found = 0
        for pattern in ("spend:*", "campaign:soakc*"):
            for keys in self._scanned(pattern):
                hashes = [key for key in keys if self._redis.type(key) == b"hash"]
                found += sum(int(self._redis.hget(key, "reserved") or 0) for key in hashes)
        return found


def _spent(admin: SimulatorAdmin, leaps: Leaps) -> dict[str, float]:
    """Euros that marketing cost in each day of Paris, by what the handsets got."""
    spent: Counter[Any] = Counter()
    for message in admin.messages():
        if MENTION in message.text:
            day = datetime.fromtimestamp(next(leaps.shown(message.sent_at)), PARIS).date()
            spent[f"{day}"] += message.segments * PRICE
    return dict(spent)
