"""Whether a POST may leave a while after its claim: the gates are asked as the next claim would ask them."""

from typing import Final

import redis

from producers.contract.connections import within
from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from worker.account.identity import Account
from worker.ledger.claims import Claim
from worker.ledger.ledger import WINDOW_S
from worker.ledger.openings import Openings, times_for

_MAY_POST = Script(__package__, "may_post", when_full=True)

#: Seconds that a question takes at most: it takes them from the time of the attempt.
ASK_S: Final = 2.0


class Recheck:
    """Asks before a POST whose claim is not of this moment, such as a repeat. Thread-safe.

    Args:
        client: Redis client without retries of its own.
        keys: of the namespace.
        openings: when marketing may be claimed; None where it may at any hour.
        account: that of this worker; None where nobody asks whose the namespace is.
    """

    def __init__(
        self, client: redis.Redis, keys: Keys, openings: Openings | None, account: Account | None
    ) -> None:
        self._redis, self._keys = client, keys
        self._openings, self._account = openings, account

    def may_post(self, claim: Claim, *, in_doubt: bool) -> bool:
        """Say whether a POST may leave under a claim. Changes nothing of the send; safe to repeat.

        Args:
            claim: the right to make it.
            in_doubt: a POST may have been taken.

        Raises:
            redis.RedisError: Redis did not answer within `ASK_S`.
        """
        with within(ASK_S):
            given = {
                "id": claim.entry.id,
                "token": claim.token,
                "lease": claim.entry.lease,
                "in_doubt": in_doubt,
                "queue": claim.queue,
                "window_ms": WINDOW_S * 1000,
                "hours": times_for(self._openings, claim.queue),
                "account": self._account.name if self._account else None,
            }
            return Command(_MAY_POST, self._keys.prefix, given, bool).run(self._redis)
