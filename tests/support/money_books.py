"""Books that a test keeps beside Redis: what is reserved and spent, worked out from the records alone."""

import math
from collections import Counter
from typing import Final

import redis

from producers.rules.money import MICRO
from tests.support.keys import AllKeys
from tests.support.spending import DAY

KEYS: Final = AllKeys()
_ALIVE: Final = ("queued", "sending")
_BOOKED: Final = ("accepted", "unknown")


class Books:
    """Compares records with purses after each step. At most one thing may become of a record in a step.

    Args:
        client: Redis client.

    Attributes:
        spent: micro-euros booked so far, by scope: ``account``, ``app:<name>``, ``campaign:<id>``.
        records: as they are now, by id.
        fresh: the ids that were charged in the last step.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self.spent = Counter[str]()
        self.records: dict[str, dict[str, str]] = {}
        self.fresh: set[str] = set()
        self._corrected: set[tuple[str, str | None, int]] = set()

    def look(self) -> None:
        """Book what has ended since the last look.

        Raises:
            AssertionError: what is charged is not being sent.
        """
        before, self.records = self.records, self._read()
        for name, record in self.records.items():
            assert "charged" not in record or record["state"] == "sending", (name, record)
            was = before.get(name, {})
            if "charged" in was and "charged" not in record and record["state"] in _BOOKED:
                # Whoever is erased from one that ends unknown goes then; it may have been taken with him.
                for scope in scopes(was):
                    self.spent[scope] += price_of({**record, "estimate": was["estimate"]})
            if (
                "campaign" in record
                and "estimate" in record
                and record["state"] == "accepted"
                and was.get("state") != "accepted"
            ):
                self.spent[f"campaign:{record['campaign']}"] += price_of(record)
        self.fresh = {
            name
            for name, record in self.records.items()
            if "charged" in record and "charged" not in before.get(name, {})
        }

    def correct(self, name: str, place: int, euros: str) -> None:
        """Note that a receipt names the price of a segment; all texts have one.

        Args:
            name: of a message.
            place: of the recipient among all of them.
            euros: the price.
        """
        record = self.records[name]
        at = self.records[record["call"]] if "call" in record else record
        in_campaign = "campaign" in record and "estimate" in record and record["state"] == "accepted"
        if (name, record.get("rounds"), place) in self._corrected or "erased" in record:
            return
        if "booked" not in at and not in_campaign:
            return
        self._corrected.add((name, record.get("rounds"), place))
        booked = price_of(at) // int(at["weight"] if "call" in record else record["segments"])
        by = math.floor(float(euros) * MICRO + 0.5) - booked
        for scope in scopes(at) if "booked" in at else ():
            self.spent[scope] += by
        if in_campaign:
            self.spent[f"campaign:{record['campaign']}"] += by

    def reserved(self, scope: str) -> int:
        """Add up, in micro-euros, what has not ended of a scope."""
        kind, _, name = scope.partition(":")
        if kind == "campaign":
            return sum(
                int(each["estimate"])
                for each in self.records.values()
                if "estimate" in each
                and each.get("campaign") == name
                and each["state"] in (*_ALIVE, "unknown")
            )
        charged = [each for each in self.records.values() if "charged" in each and scope in scopes(each)]
        return sum(int(each["estimate"]) for each in charged)

    def purse(self, scope: str) -> tuple[int, int]:
        """Read what Redis says of a scope: reserved and spent, in micro-euros."""
        kind, _, name = scope.partition(":")
        key = KEYS.campaign(name) if kind == "campaign" else KEYS.spend(scope, DAY)
        reserved, spent = self._redis.hmget(key, "reserved", "spent")
        return int(reserved or 0), int(spent or 0)

    def _read(self) -> dict[str, dict[str, str]]:
        head = KEYS.record("")
        keys = sorted(self._redis.scan_iter(head + "*", count=1000))
        with self._redis.pipeline() as asking:
            for key in keys:
                asking.hgetall(key)
            found = asking.execute()
        return {
            key.decode().removeprefix(head): {name.decode(): value.decode() for name, value in each.items()}
            for key, each in zip(keys, found, strict=True)
        }


def scopes(record: dict[str, str]) -> tuple[str, ...]:
    """Name the scopes of a day that a send is paid from."""
    return ("account", f"app:{record['app']}") if "app" in record else ("account",)


def price_of(record: dict[str, str]) -> int:
    """Say what a send came to: what the answer named, or its estimate."""
    return round(float(record["cost"]) * MICRO) if "cost" in record else int(record["estimate"])
