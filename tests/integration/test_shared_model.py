"""Shared calls against a plain model of the world: whatever happens in whatever order, states are facts.

As in the model of the ledger, with messages of one template that leave together, some to equal numbers, one
to a number that the gateway refuses. At the end all faults end, and every message has to reach an end.
"""

from collections import Counter

import msgspec
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

from producers import Message, Producer, Recipient
from producers.contract.settings import RedisSettings
from producers.queueing.records import Records
from producers.settings import ProducerSettings
from tests.integration.test_ledger_model import ENDS, SELDOM
from tests.integration.test_ledger_model import FATES as FATES_ALONE
from tests.support.hand_worker import KEYS, HandWorker, evidence
from tests.support.random_model import run_model
from worker.account.gates import Gates
from worker.gateway.outcomes import Deferred, Duplicate, Outcome, Refused, Unknown
from worker.ledger import members
from worker.ledger.claims import Claim
from worker.ledger.ledger import WINDOW_S
from worker.operator.operations import Operations
from worker.queue.entries import Batch, is_call

BAD = "+33612000004"
#: Two messages to each of the first two numbers, then one each, and all of that again: there is always work.
NUMBERS = 3 * [
    "+33612000000",
    "+33612000000",
    "+33612000001",
    "+33612000001",
    "+33612000002",
    "+33612000003",
    BAD,
]
KNOWN = [f"m{which}" for which in range(len(NUMBERS))]
WHICH = st.sampled_from(KNOWN)
#: One more for a call: a refusal that may be one recipient's fault, and splits it unless a POST is open.
FATES = {**FATES_ALONE, "a number is refused": (False, Refused("181"))}
#: Doubt is what matters most, and most of the others end a call for good.
LIKELY = sorted(FATES) + 4 * ["accepted, answer lost", "lost on the way", "a number is refused"]
#: Rounds in which a world without faults must bring everything to its end.
ROUNDS = 60


class World(RuleBasedStateMachine):
    """One gateway, one Redis, any number of workers."""

    server_port: int

    @initialize(share_max=st.integers(2, 6), uses_up=st.booleans(), count=st.integers(1, 4))
    def begin(self, share_max, uses_up, count):
        self.uses_up = uses_up
        # Whose id was used up by a no that its worker never got to record: nobody can know.
        self.untold: set[str] = set()
        self.redis = redis.Redis(port=self.server_port)
        self.redis.flushall()
        self.sms = Producer(client=self.redis)
        self.records = Records(ProducerSettings())
        self.redis.script_load(self.records.status("any").script.text)
        self.hand = HandWorker(self.redis, share_max=share_max)
        self.operations = Operations(self.redis, RedisSettings(), "tester")
        self.remembered: set[str] = set()
        self.accepted: Counter[str] = Counter()
        self.batches: list[Batch] = []
        self.claims: list[tuple[Claim, list[Outcome]]] = []
        # Leases of claims whose worker is suspended: nobody else knows what it was answered.
        self.overdue: set[str] = set()
        self.sent: list[str] = []
        # A step in a world without messages would show nothing.
        self.send(count)

    def teardown(self):
        if hasattr(self, "redis"):
            try:
                self.everything_ends()
            finally:
                self.redis.close()

    @rule(count=st.integers(1, 4))
    def send(self, count):
        new = KNOWN[len(self.sent) : len(self.sent) + count]
        self.sent += new
        self.sms.send_many(
            [
                Message(
                    Recipient(NUMBERS[KNOWN.index(each)], param1=each),
                    "Hi {param1}",
                    sender="Bistro",
                    purpose="alert",
                    request_id=each,
                )
                for each in new
            ]
        )

    @rule(which=WHICH, seldom=SELDOM)
    def cancel(self, which, seldom):
        if seldom and which in self.sent:
            self.sms.cancel(which)

    @rule(which=WHICH)
    def replay(self, which):
        """A person sends again what was surely not taken."""
        if which in self.sent:
            self.operations.replay(which)

    @rule()
    def fetch(self):
        batch = self.hand.fetch()
        if batch is not None:
            self.batches.append(batch)

    @precondition(lambda self: getattr(self, "batches", ()))
    @rule(data=st.data())
    def claim(self, data):
        batch = data.draw(st.sampled_from(self.batches))
        self.batches.remove(batch)
        self.claims += [(claim, []) for claim in self.hand.claim(batch)]

    @precondition(lambda self: getattr(self, "batches", ()))
    @rule(data=st.data(), steps=st.integers(1, 2))
    def compose(self, data, steps):
        """A worker is on its way to a claim, and then is not heard of for a while, or ever."""
        for entry in data.draw(st.sampled_from(self.batches)).entries:
            if is_call(entry.id):
                self.hand.compose_some(entry, members=1, steps=steps)

    @precondition(lambda self: getattr(self, "batches", ()))
    @rule(data=st.data(), dies=st.booleans())
    def fetched_leases_run_out(self, data, dies):
        """The worker dies between fetch and claim, or is suspended: then it claims late."""
        batch = data.draw(st.sampled_from(self.batches))
        for entry in batch.entries:
            self.hand.lose_entry(entry)
        if dies:
            self.batches.remove(batch)

    @rule(
        fates=st.lists(st.sampled_from(LIKELY), min_size=1, max_size=3),
        ends=st.sampled_from(["told", "recorded", "lost"]),
    )
    def run(self, fates, ends):
        """A worker's whole attempt: it finishes, or dies before its members know, or before it can record."""
        for claim in self.hand.claim(self.hand.fetch()):
            held: tuple[Claim, list[Outcome]] = (claim, [])
            for fate in fates:
                self._post(held, fate)
            if ends == "lost":
                self.hand.lose(claim)
                self._forget(*held)
            else:
                self._finish(held, told=ends == "told")

    @precondition(lambda self: getattr(self, "claims", ()))
    @rule(fate=st.sampled_from(LIKELY), data=st.data())
    def post(self, fate, data):
        self._post(data.draw(st.sampled_from(self.claims)), fate)

    @precondition(lambda self: getattr(self, "claims", ()))
    @rule(data=st.data(), told=st.booleans())
    def finish(self, data, told):
        held = data.draw(st.sampled_from(self.claims))
        if held[1]:
            self._finish(held, told=told)
            self.claims.remove(held)

    @precondition(lambda self: getattr(self, "claims", ()))
    @rule(dies=st.booleans(), data=st.data())
    def lease_runs_out(self, dies, data):
        """The worker dies, or is suspended: then it may wake up, POST and finish late."""
        held = data.draw(st.sampled_from(self.claims))
        self.hand.lose(held[0])
        self._forget(*held)
        if dies:
            self.claims.remove(held)
        else:
            self.overdue.add(held[0].lease)

    @rule(paused=st.booleans())
    def pause(self, paused):
        self.redis.delete(KEYS.pause)
        if paused:
            self.hand.throttle.pause("429", 600_000)

    @rule(seldom=SELDOM)
    def a_day_passes(self, seldom):
        if seldom:
            self._a_day_passes()

    def _a_day_passes(self):
        """The gateway forgets, and no worker still holds a right from yesterday."""
        self.remembered.clear()
        self._all_die()
        self.batches.clear()
        for key in self.redis.scan_iter(KEYS.record("*")):
            if self.redis.hexists(key, "first"):
                self.redis.hincrby(key, "first", -WINDOW_S * 1000 - 1)
        self._leases_run_out()

    def _all_die(self):
        for held in self.claims:
            self._forget(*held)
        self.claims.clear()

    def _leases_run_out(self):
        for key in (KEYS.attempt_leases, self.hand.names.leases):
            for member in self.redis.zrange(key, 0, -1):
                self.redis.zadd(key, {member: 1})

    def _post(self, held: tuple[Claim, list[Outcome]], fate: str) -> None:
        claim, outcomes = held
        if not outcomes or isinstance(outcomes[-1], Unknown | Deferred):
            outcomes.append(self._gateway(claim, fate))
        if claim.lease in self.overdue:
            self._forget(claim, outcomes)

    def _finish(self, held: tuple[Claim, list[Outcome]], *, told: bool) -> None:
        claim, outcomes = held
        finish = self.hand.finish if told else self.hand.record
        if finish(claim, outcomes[-1], posts=len(outcomes), **evidence(claim, outcomes)) is None:
            self._forget(claim, outcomes)
        if not told:
            self.hand.lose_entry(claim.entry)

    def _forget(self, claim: Claim, outcomes: list[Outcome]) -> None:
        if any(outcome.may_use_up_id for outcome in outcomes):
            body = msgspec.json.decode(claim.body)
            self.untold.update(each.get("param1") for each in body["recipients"])

    def _gateway(self, claim: Claim, fate: str) -> Outcome:
        taken, outcome = FATES[fate]
        body = msgspec.json.decode(claim.body)
        recipients, known = body["recipients"], body["request_id"] in self.remembered
        assert len({each["phone_number"] for each in recipients}) == len(recipients)
        if known:
            if "lost" in fate:
                return Unknown("read_timeout")
            # It may look at content, account or load before it looks at its memory.
            return Duplicate("120") if taken else outcome
        if taken and BAD in {each["phone_number"] for each in recipients}:
            taken, outcome = False, Refused("181") if fate == "accepted" else Unknown("read_timeout")
        if taken or (self.uses_up and outcome.may_use_up_id):
            self.remembered.add(body["request_id"])
        if taken:
            self.accepted.update(each.get("param1") for each in recipients)
        return outcome

    def everything_ends(self):
        """All faults end and time passes: no message is stuck, no entry is left."""
        self.redis.delete(KEYS.pause)
        self._all_die()
        self._leases_run_out()
        gates = Gates(self.redis, KEYS)
        for number in range(ROUNDS):
            for gate in gates.current():
                gates.open(gate.name, "tester")
            for claim in self.hand.take():
                self.hand.finish(claim, self._gateway(claim, "accepted"))
            if self.hand.is_idle():
                break
            if number == ROUNDS // 2:
                self._a_day_passes()
        assert self.hand.left() == []
        assert set(self._look()[0]) <= set(ENDS)
        self.states_are_facts()
        self.nobody_gets_it_twice()
        assert not self.redis.zcard(KEYS.attempt_leases)
        assert not self.redis.zcard(KEYS.attempt_starts)
        assert not [
            key for key in self.redis.scan_iter(f"{KEYS.prefix}*") if self._is_forgotten(key.decode())
        ]

    def _is_forgotten(self, key: str) -> bool:
        """Whether a key of a call would stay for ever."""
        return is_call(key.rpartition(":")[2]) and self.redis.pttl(key) < 0

    @invariant()
    def nobody_gets_it_twice(self):
        assert all(count == 1 for count in getattr(self, "accepted", Counter()).values())

    @invariant()
    def states_are_facts(self):
        """Compare what applications see with what happened, and the counters with it: one look for both."""
        if not getattr(self, "sent", []):
            return
        states, counts = self._look()
        for request_id, state in zip(self.sent, states, strict=True):
            if state == "accepted" and request_id not in self.untold:
                assert self.accepted[request_id] == 1
            if state in {"rejected", "expired", "cancelled", "failed"}:
                assert self.accepted[request_id] == 0
        assert counts["enqueued"] == len(self.sent)
        assert {state: counts.get(state, 0) for state in ENDS} == {each: states.count(each) for each in ENDS}

    def _look(self) -> tuple[list[str], dict[str, int]]:
        """What `Producer.status` says of each message, and the counters: one round trip at every step."""
        commands = [self.records.status(each) for each in self.sent]
        with self.redis.pipeline(transaction=False) as pipeline:
            for each in commands:
                pipeline.evalsha(each.script.sha, *each.arguments)
            pipeline.hgetall(KEYS.counts)
            *replies, counts = pipeline.execute()
        states = [each.read(reply).state for each, reply in zip(commands, replies, strict=True)]
        return states, {name.decode(): int(value) for name, value in counts.items()}


@pytest.mark.timeout(300)
def test_shared_calls_keep_their_word(redis_server, monkeypatch):
    monkeypatch.setattr(members, "AT_ONCE", 2)

    class Machine(World):
        server_port = redis_server.port

    run_model(Machine, examples=60, steps=50)
