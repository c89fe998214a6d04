"""A worker moved by hand, step by step: it fetches, claims and records as the real one, but never POSTs."""

from collections.abc import Sequence
from typing import Any

import msgspec
import redis

from producers.contract.jobs import ENDS
from producers.contract.settings import RedisSettings
from producers.rules.hours import Hours
from producers.rules.money import MoneySettings
from producers.rules.settings import RulesSettings
from tests.support.keys import AllKeys
from tests.support.places import places
from worker.account.throttle import Limits, Throttle
from worker.gateway.outcomes import Outcome
from worker.ledger.budgets import Budgets
from worker.ledger.claims import Claim, Over, Result, Wait
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import Ledger
from worker.ledger.may_post import Recheck
from worker.ledger.members import Members
from worker.ledger.openings import Openings
from worker.ledger.patience import Patience
from worker.queue.entries import Batch, Entry, is_call
from worker.queue.lease_broker import LeaseBroker
from worker.queue.leases import Leases

KEYS = AllKeys()
#: Milliseconds up to which a wait is none: the call is only to be composed first.
AT_ONCE_MS = 100


class HandWorker:
    """One worker of the queue ``alert`` or ``marketing``.

    Args:
        client: Redis client.
        share_max: messages in a shared call at most.
        rate: recipients per second; 0 for no limit.
        queue: name of the queue.
        settings: retention, stream length, keys of pseudonyms.
        hours: of marketing; None for any hour.
        budgets: what may be spent; None for anything.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        share_max: int = 500,
        rate: float = 0.0,
        queue: str = "alert",
        settings: RedisSettings | None = None,
        hours: RulesSettings | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        self.redis = client
        self.queue = queue
        self._largest_call = share_max
        self._waiting: list[Entry] = []
        self.names = KEYS.queue(queue)
        self.leases = Leases(client, KEYS)
        self.confirmation = Confirmation(client, KEYS)
        self.confirmation.look()
        self.members = Members(client, RedisSettings(), Patience())
        openings = hours and Openings(client, Hours(hours), hours.close_margin_ms, self._seconds)
        self.ledger = Ledger(
            client,
            settings or RedisSettings(),
            self.leases,
            self.confirmation,
            rate,
            openings,
            budgets or Budgets(MoneySettings()),
        )
        self.recheck = Recheck(client, KEYS, openings or None, None)
        limits = Limits(rate, 0)
        self.throttle = Throttle(client, KEYS)
        self.broker = LeaseBroker(client, KEYS, self.leases, limits, [], places(100_000), self._share_max)
        self.consumer = self.broker.consume(queue, timeout=1)
        self.holder = self.consumer.holder

    def _seconds(self) -> float:
        """Tell the time as the server does: tests let it pass there."""
        return float(self.redis.time()[0])

    def _share_max(self) -> int:
        return self._largest_call if self.confirmation.sharing else 1

    def fetch(self) -> Batch | None:
        """Fetch what there is, up to 128 entries."""
        message = next(self.consumer)
        if message is None:
            return None
        # A real worker's thread claims it at once; the consumer holds back the next shared call until then.
        message.batch.claimed = True
        return message.batch

    def claim(self, batch: Batch | None) -> list[Claim]:
        """Claim entries; end, complete or delay those that have nothing to do, as the real worker does."""
        claims = self._claim(batch) if batch is not None else []
        self._let_come_again()
        return claims

    def _claim(self, batch: Batch) -> list[Claim]:
        found = self.ledger.claim(batch, self.ledger.compose(batch))
        for entry, each in zip(batch.entries, found, strict=True):
            if isinstance(each, Wait) and each.ms > AT_ONCE_MS:
                self._waiting.append(entry)
            elif isinstance(each, Wait):
                self.holder.delay([entry.delayed(0)])
            elif isinstance(each, Over) and is_call(entry.id) and each.state in ENDS:
                self.end_members(entry)
            elif isinstance(each, Over):
                self.holder.ack([entry])
        return [each for each in found if isinstance(each, Claim)]

    def _let_come_again(self) -> None:
        """Make what has to wait due now: the next fetch brings it."""
        self.holder.delay([entry.delayed(0) for entry in self._waiting])
        self._waiting.clear()

    def compose_some(self, call: Entry, *, members: int, steps: int = 1) -> int:
        """Compose some members of a call and go no further; return how many are left."""
        left = 0
        for _ in range(steps):
            left = self.members.compose_some(call, self.queue, members)
        return left

    def take(self) -> list[Claim]:
        """Fetch and claim until nothing is left to fetch; what has to wait comes again after that."""
        claims: list[Claim] = []
        while (batch := self.fetch()) is not None:
            claims += self._claim(batch)
        self._let_come_again()
        return claims

    def record(
        self,
        claim: Claim,
        outcome: Outcome,
        *,
        posts: int = 1,
        in_doubt: bool = False,
        id_used_up: bool = False,
    ) -> str | None:
        """Record an attempt and no more; the next attempt is due at once."""
        result = Result(claim, outcome, posts, claim.in_doubt or in_doubt, id_used_up, 0)
        return self.ledger.finish([result])[0]

    def finish(self, claim: Claim, outcome: Outcome, **reported: Any) -> str | None:
        """Record an attempt as `record` does and, when a shared call has ended, tell its members."""
        state = self.record(claim, outcome, **reported)
        if is_call(claim.entry.id) and state in ENDS:
            self.end_members(claim.entry)
        self.holder.forget([claim.entry])
        return state

    def end_members(self, entry: Entry) -> None:
        """Bring the end of a call to its members."""
        self.ledger.end_members(entry, self.queue)
        self.holder.forget([entry])

    def lose(self, claim: Claim) -> None:
        """Let this worker die in the middle of an attempt: its leases run out without a word."""
        self.redis.zadd(KEYS.attempt_leases, {claim.lease: 1}, xx=True)
        self.lose_entry(claim.entry)

    def lose_entry(self, entry: Entry) -> None:
        """Let the lease of an entry run out."""
        self.holder.forget([entry])
        self.redis.zadd(self.names.leases, {entry.lease: 1}, xx=True)

    def left(self) -> list[str]:
        """What is left in the queue, and what gathers."""
        names, found = self.names, self.redis.lrange(self.names.ready, 0, -1)
        found += self.redis.zrange(names.delayed, 0, -1) + self.redis.zrange(names.leases, 0, -1)
        found += self.redis.smembers(self.names.ending)
        return [each.decode() for each in [*found, *self.redis.scan_iter(f"{KEYS.prefix}gather*")]]

    def is_idle(self) -> bool:
        """Whether nothing is left in the queue, and nothing gathers."""
        return not self.left()


def numbers_of(claim: Claim) -> list[str]:
    """The numbers that a claim's body goes to."""
    return [each["phone_number"] for each in msgspec.json.decode(claim.body)["recipients"]]


def gateway_id(claim: Claim) -> str:
    """The request_id that the gateway would see."""
    return str(msgspec.json.decode(claim.body)["request_id"])


def evidence(claim: Claim, outcomes: Sequence[Outcome]) -> dict[str, bool]:
    """What the real worker reports besides the last of these answers: what those before it have left open."""
    return {
        "in_doubt": claim.in_doubt or any(outcome.leaves_doubt for outcome in outcomes[:-1]),
        "id_used_up": any(outcome.may_use_up_id for outcome in outcomes[:-1]),
    }
