"""Looking whether what waits for a budget fits again."""

from typing import Final

import redis

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.ledger.budgets import Budgets
from worker.process.every_few_seconds import EveryFewSeconds

_AFFORD = Script(__package__, "afford", when_full=True)

#: Seconds between looks of all workers together.
LOOK_S: Final = 1.0
#: Sends that a look asks about: each takes Redis some 30 µs, and alerts wait for that.
MOST: Final = 100
#: Bytes of their bodies after which it ends: 100 of 500 recipients each would take Redis 40 ms.
MOST_BYTES: Final = 100_000


class BudgetLook:
    """Lets go on what waits for a budget once money has come back. One thread per process.

    Estimates are dear, and reserved until the gateway has answered. So a budget that seemed to be used up
    has room again soon, long before midnight.

    Args:
        client: Redis client.
        keys: key names.
        budgets: of this worker; nothing is looked at where none is counted.
    """

    def __init__(self, client: redis.Redis, keys: Keys, budgets: Budgets) -> None:
        self._redis = client
        self._keys = keys
        self._budgets = budgets
        self._looks = EveryFewSeconds(self.look, LOOK_S, name="budget-look", event="budget.look_failed")

    def start(self) -> None:
        """Start looking in a thread of its own."""
        self._looks.start()

    def stop(self) -> None:
        """Stop looking."""
        self._looks.stop()

    def look(self) -> int:
        """Look once, unless a worker has just done so.

        Returns:
            How many sends go on.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        money = self._budgets.given()
        if money is None:
            return 0
        given = {"money": money, "every_ms": int(1000 * LOOK_S), "most": MOST, "most_bytes": MOST_BYTES}
        return Command(_AFFORD, self._keys.prefix, given, int).run(self._redis)
