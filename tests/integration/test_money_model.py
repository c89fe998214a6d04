"""Whatever becomes of sends: reserved is what has not ended by its estimate, spent is what was booked."""

from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from producers import Producer
from producers.contract.steps import drive
from producers.rules.money import MICRO
from producers.settings import ProducerSettings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.spending import DAY, budgets, used
from worker.gateway.outcomes import Accepted, Deferred, Refused, Unknown
from worker.ledger.claims import Claim
from worker.operator.decisions import Decisions

#: Euros of a day, and of a segment.
LIMIT, EACH = 0.5, 0.05
OUTCOMES = (
    Accepted("t", cost="0.07"),
    Accepted("t"),
    Refused("110"),
    Deferred("500", proven=True),
    Unknown("socket_timeout_error"),
)


class Money(RuleBasedStateMachine):
    """Two workers of one account, whose claims end in all ways there are."""

    client: redis.Redis
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.client.hset(KEYS.prices, "sms_premium:33", str(EACH))
        self.sms = Producer(
            self.url,
            settings=ProducerSettings(
                budget_day="1", number_alerts_per_hour=0, number_alerts_per_day=0, prefix_per_hour=0
            ),
        )
        chosen = budgets(budget_day=str(LIMIT))
        self.workers = [HandWorker(self.client, queue="marketing", budgets=chosen) for _ in range(2)]
        self.claims: list[tuple[HandWorker, Claim]] = []
        self.names: list[str] = []
        self.tickets = 0

    @rule(people=st.integers(1, 4))
    def send(self, people: int) -> None:
        """Queue marketing to some people."""
        name = f"m{len(self.names)}"
        numbers = [f"+3361234560{each}" for each in range(people)]
        self.sms.send(numbers, "Hi STOP au 30101", sender="Bistro", request_id=name)
        self.names.append(name)

    @rule(which=st.integers(0, 1))
    def claim(self, which: int) -> None:
        """Let one worker claim what there is."""
        worker = self.workers[which]
        self.claims += [(worker, claim) for claim in worker.take()]

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def finish(self, data: Any, outcome: Any) -> None:
        """Let a claim end."""
        worker, claim = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        worker.finish(claim, outcome)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def die(self, data: Any) -> None:
        """Let a worker die in the middle of an attempt."""
        worker, claim = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        worker.lose(claim)

    @precondition(lambda self: self.names)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        """Cancel a message, if it still waits."""
        self.sms.cancel(data.draw(st.sampled_from(self.names)))

    @precondition(lambda self: self.names)
    @rule(data=st.data())
    def send_again(self, data: Any) -> None:
        """Let a person decide that a message that was rejected leaves again."""
        decisions = Decisions(ProducerSettings(), "ops")
        drive(decisions.replay(data.draw(st.sampled_from(self.names))), self.client)

    @invariant()
    def sums(self) -> None:
        """Reserved is what has not ended, and nobody overspends."""
        reserved = 0
        for name in self.names:
            estimate, day = self.client.hmget(KEYS.record(name), "estimate", "charged")
            state = self.client.hget(KEYS.record(name), "state")
            assert (day is not None) <= (state == b"sending"), (name, state)
            if day is not None:
                assert day.decode() == DAY
                reserved += int(estimate)
        found_reserved, found_spent = used(self.client)
        assert round(found_reserved * MICRO) == reserved >= 0
        # What is charged beyond an estimate is known too late: 0.02 for each message at most.
        assert found_reserved + found_spent <= LIMIT + 0.02 * len(self.names) + 1e-9


def test_reserved_is_what_has_not_ended_and_two_workers_never_overspend(redis_client, redis_url):
    machine = type("MoneyHere", (Money,), {"client": redis_client, "url": redis_url})
    chosen = settings(
        max_examples=12,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_spent_is_what_was_booked(redis_client, redis_url, outcome):
    machine = type("MoneyHere", (Money,), {"client": redis_client, "url": redis_url})()
    for _ in range(5):
        machine.send(1)
    machine.claim(0)
    for worker, claim in machine.claims:
        worker.finish(claim, outcome)
    costs = [redis_client.hget(KEYS.record(name), "cost") for name in machine.names]
    states = [redis_client.hget(KEYS.record(name), "state") for name in machine.names]
    booked = [
        round(float(cost or EACH) * MICRO) if state in (b"accepted", b"unknown") else 0
        for cost, state in zip(costs, states, strict=True)
    ]
    assert round(used(redis_client)[1] * MICRO) == sum(booked)
