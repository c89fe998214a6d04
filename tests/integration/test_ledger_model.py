"""The ledger against a plain model of the world: whatever happens in whatever order, its states are facts.

The world is a gateway that remembers a request_id for a day, says no after it has taken a message, and may
use up a request_id by saying no; workers that may die or be suspended at any point, applications that cancel,
and time that passes. Judged are the facts: how often each message was accepted.
"""

from collections import Counter
from datetime import timedelta

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from producers import Producer
from producers.contract.keys import Keys
from producers.contract.settings import RedisSettings
from tests.support.hand_worker import evidence
from tests.support.random_model import run_model
from tests.support.sends import claim_one, finish_one
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unexplained, Unknown
from worker.ledger.claims import Claim
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import WINDOW_S, Ledger
from worker.queue.leases import Leases

KEYS = Keys()
NUMBER = "+33612345678"
ENDS = ("accepted", "rejected", "expired", "cancelled", "unknown", "failed")
#: How a POST of a request_id that the gateway does not know may go: is it accepted, and what do we learn?
FATES = {
    "accepted": (True, Accepted("t")),
    "accepted, answer lost": (True, Unknown("read_timeout")),
    "lost on the way": (False, Unknown("http_503")),
    "not taken now": (False, Deferred("http_429")),
    "account in trouble": (False, Deferred("104", account=True, may_use_up_id=True)),
    "refused": (False, Refused("121")),
    "accepted, and a no that is no proof": (True, Unknown("153", may_use_up_id=True)),
    "a no that is no proof": (False, Unknown("153", may_use_up_id=True)),
    "accepted, and something in between says no": (True, Deferred("http_404", proven=False)),
    "something in between says no": (False, Deferred("http_404", proven=False)),
    "accepted, and a hold for approval": (
        True,
        Deferred("126", account=True, proven=False, may_use_up_id=True),
    ),
    "accepted, and a no that nobody knows": (True, Unexplained("777")),
    "a no that nobody knows": (False, Unexplained("777")),
}
#: Few messages, so that each meets many events.
MESSAGES = 3
WHICH = st.integers(0, MESSAGES - 1)
#: Ends a message for good: if it came as often as the rest, nothing else would be seen.
SELDOM = st.integers(0, 9).map(lambda number: number == 9)


class World(RuleBasedStateMachine):
    """One gateway, one Redis, any number of workers."""

    server_port: int

    @initialize(uses_up=st.booleans())
    def begin(self, uses_up):
        self.uses_up = uses_up
        # Whose id was used up by a no that its worker never got to record: nobody can know.
        self.untold: set[str] = set()
        self.redis = redis.Redis(port=self.server_port)
        self.redis.flushall()
        self.sms = Producer(client=self.redis)
        self.ledger = Ledger(
            self.redis, RedisSettings(), Leases(self.redis, KEYS), Confirmation(self.redis, KEYS)
        )
        self.remembered: set[str] = set()
        self.accepted: Counter[str] = Counter()
        self.known = [f"m{number}" for number in range(MESSAGES)]
        for number, request_id in enumerate(self.known):
            options = {"ttl": timedelta(days=100)} if number else {}
            self.sms.send(NUMBER, "Hi", sender="Bistro", purpose="alert", request_id=request_id, **options)
        self.claims: list[tuple[Claim, list[Outcome]]] = []

    def teardown(self):
        if hasattr(self, "redis"):
            self.redis.close()

    @rule(which=WHICH, seldom=SELDOM)
    def cancel(self, which, seldom):
        if seldom:
            self.sms.cancel(self.known[which])

    @rule(which=WHICH)
    def claim(self, which):
        claim = claim_one(self.ledger, self.known[which])
        if isinstance(claim, Claim):
            self.claims.append((claim, []))

    @rule(
        which=WHICH,
        fates=st.lists(st.sampled_from(sorted(FATES)), min_size=1, max_size=3),
        ends=st.booleans(),
    )
    def run(self, which, fates, ends):
        """A worker's whole attempt: it finishes, or dies before it can."""
        claim = claim_one(self.ledger, self.known[which])
        if not isinstance(claim, Claim):
            return
        held: tuple[Claim, list[Outcome]] = (claim, [])
        for fate in fates:
            if not held[1] or isinstance(held[1][-1], Unknown | Deferred):
                held[1].append(self._gateway(claim.entry.id, fate))
        if ends:
            self._finish(*held)
        else:
            self.redis.zadd(KEYS.attempt_leases, {claim.lease: 1}, xx=True)
            self._forget(*held)

    @precondition(lambda self: getattr(self, "claims", ()))
    @rule(fate=st.sampled_from(sorted(FATES)), data=st.data())
    def post(self, fate, data):
        claim, outcomes = data.draw(st.sampled_from(self.claims))
        if not outcomes or isinstance(outcomes[-1], Unknown | Deferred):
            outcomes.append(self._gateway(claim.entry.id, fate))

    @precondition(lambda self: getattr(self, "claims", ()))
    @rule(data=st.data())
    def finish(self, data):
        claim, outcomes = data.draw(st.sampled_from(self.claims))
        if outcomes:
            self._finish(claim, outcomes)
            self.claims.remove((claim, outcomes))

    def _finish(self, claim: Claim, outcomes: list[Outcome]) -> None:
        proof = evidence(claim, outcomes)
        if finish_one(self.ledger, claim, outcomes[-1], posts=len(outcomes), **proof) is None:
            self._forget(claim, outcomes)

    def _forget(self, claim: Claim, outcomes: list[Outcome]) -> None:
        if any(outcome.may_use_up_id for outcome in outcomes):
            self.untold.add(claim.entry.id)

    def _gateway(self, request_id: str, fate: str) -> Outcome:
        taken, outcome = FATES[fate]
        if request_id in self.remembered:
            if "lost" in fate:
                return Unknown("read_timeout")
            # It may look at content, account or load before it looks at its memory.
            return Duplicate("120") if taken else outcome
        if taken or (self.uses_up and outcome.may_use_up_id):
            self.remembered.add(request_id)
        if taken:
            self.accepted[request_id] += 1
        return outcome

    @precondition(lambda self: getattr(self, "claims", ()))
    @rule(dies=st.booleans(), data=st.data())
    def lease_runs_out(self, dies, data):
        """The worker dies, or is suspended: then it may wake up, POST and finish late."""
        held = data.draw(st.sampled_from(self.claims))
        self.redis.zadd(KEYS.attempt_leases, {held[0].lease: 1}, xx=True)
        if dies:
            self.claims.remove(held)
            self._forget(*held)

    @rule(which=WHICH, seldom=SELDOM)
    def ttl_passes(self, which, seldom):
        if seldom and self.redis.hexists(KEYS.record(self.known[which]), "expires"):
            self.redis.hset(KEYS.record(self.known[which]), "expires", 1)

    @rule(seldom=SELDOM)
    def a_day_passes(self, seldom):
        """The gateway forgets, and no worker still holds a right from yesterday."""
        if not seldom:
            return
        self.remembered.clear()
        for held in self.claims:
            self._forget(*held)
        self.claims.clear()
        for request_id in self.known:
            if self.redis.hexists(KEYS.record(request_id), "first"):
                self.redis.hincrby(KEYS.record(request_id), "first", -WINDOW_S * 1000 - 1)
        for member in self.redis.zrange(KEYS.attempt_leases, 0, -1):
            self.redis.zadd(KEYS.attempt_leases, {member: 1})

    @invariant()
    def nobody_gets_it_twice(self):
        assert all(count == 1 for count in getattr(self, "accepted", Counter()).values())

    @invariant()
    def states_are_facts(self):
        for request_id in getattr(self, "known", []):
            state = self.sms.status(request_id).state
            if state == "accepted" and request_id not in self.untold:
                assert self.accepted[request_id] == 1
            if state in {"rejected", "expired", "cancelled", "failed"}:
                assert self.accepted[request_id] == 0

    @invariant()
    def the_counts_balance(self):
        if not getattr(self, "known", []):
            return
        counts = {name.decode(): int(value) for name, value in self.redis.hgetall(KEYS.counts).items()}
        states = Counter(self.sms.status(request_id).state for request_id in self.known)
        assert counts["enqueued"] == len(self.known)
        assert {state: counts.get(state, 0) for state in ENDS} == {state: states[state] for state in ENDS}


@pytest.mark.timeout(300)
def test_the_ledger_keeps_its_word(redis_server):
    class Machine(World):
        server_port = redis_server.port

    run_model(Machine, examples=100, steps=50)
