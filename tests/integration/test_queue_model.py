"""The leased queue against a plain model: every entry is in one place, in order, until it is done."""

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from producers.keys import Keys
from worker.consumer import LeasedMessage
from worker.leases import Leases
from worker.queue import LeaseBroker
from worker.throttle import Limits, Throttle

KEYS = Keys()
QUEUE = KEYS.queue("alert")
WORKERS = 3


class Worker:
    """A process that fetches: its broker, its consumer, and what it believes to hold."""

    def __init__(self, client: redis.Redis) -> None:
        self.broker = LeaseBroker(client, KEYS, Leases(client), Throttle(client, KEYS, Limits(0, 0)), [])
        self.broker.declare_queue("alert")
        self.consumer = self.broker.consume("alert", prefetch=4, timeout=1)
        self.held: dict[str, LeasedMessage] = {}

    def lease(self, entry: str) -> str:
        return self.held[entry].lease


class Queue(RuleBasedStateMachine):
    """Any number of pushes, fetches, ends, retries, deaths and freezes, in any order."""

    server_port: int

    @initialize()
    def begin(self):
        self.redis = redis.Redis(port=self.server_port)
        self.redis.flushall()
        self.workers = [Worker(self.redis) for _ in range(WORKERS)]
        self.count = 0
        # The model: the order of what is ready, who really holds what, what waits for later.
        self.ready: list[str] = []
        self.holder: dict[str, Worker] = {}
        self.later: set[str] = set()

    def teardown(self):
        if hasattr(self, "redis"):
            self.redis.close()

    @rule(count=st.integers(1, 5))
    def push(self, count):
        for _ in range(count):
            self.ready.append(f"e{self.count}")
            self.redis.rpush(QUEUE.ready, f"e{self.count}")
            self.count += 1

    @rule(number=st.integers(0, WORKERS - 1))
    def fetch(self, number):
        worker = self.workers[number]
        message = next(worker.consumer)
        taken = [] if message is None else [message]
        while worker.consumer._fetched:
            taken.append(worker.consumer._fetched.popleft())
        expected, self.ready = self.ready[: len(taken)], self.ready[len(taken) :]
        assert [each.message_id for each in taken] == expected
        for each in taken:
            worker.held[each.message_id] = each
            self.holder[each.message_id] = worker

    @rule(number=st.integers(0, WORKERS - 1), dead=st.booleans(), data=st.data())
    def end(self, number, dead, data):
        """Acknowledge or bury an entry; one that somebody else holds by now is not touched."""
        worker = self.workers[number]
        if not worker.held:
            return
        entry = data.draw(st.sampled_from(sorted(worker.held)))
        message = worker.held.pop(entry)
        (worker.consumer.nack if dead else worker.consumer.ack)(message)
        if self.holder.get(entry) is worker:
            del self.holder[entry]

    @rule(number=st.integers(0, WORKERS - 1), data=st.data())
    def retry(self, number, data):
        worker = self.workers[number]
        if not worker.held:
            return
        entry = data.draw(st.sampled_from(sorted(worker.held)))
        message = worker.held.pop(entry)
        worker.broker.enqueue(message, delay=1_000_000)
        worker.consumer.ack(message)
        if self.holder.get(entry) is worker:
            del self.holder[entry]
            self.later.add(entry)

    @rule(number=st.integers(0, WORKERS - 1))
    def stop(self, number):
        """Give everything back to the front, in order."""
        worker = self.workers[number]
        mine = [entry for entry in worker.held if self.holder.get(entry) is worker]
        worker.consumer.requeue(worker.held.values())
        worker.held.clear()
        for entry in mine:
            del self.holder[entry]
        self.ready = mine + self.ready

    @rule(number=st.integers(0, WORKERS - 1), forgets=st.booleans())
    def leases_run_out(self, number, forgets):
        """A process dies, or freezes and later believes that it still holds what others have taken."""
        worker = self.workers[number]
        mine = sorted((entry for entry in worker.held if self.holder.get(entry) is worker), key=worker.lease)
        for entry in mine:
            self.redis.zadd(QUEUE.leases, {worker.lease(entry): 1}, xx=True)
        self._look()
        for entry in mine:
            del self.holder[entry]
            self.ready.insert(0, entry)
        if forgets:
            worker.consumer._forget(*(message.lease for message in worker.held.values()))
            worker.held.clear()

    @rule()
    def time_passes(self):
        """What waits for later falls due."""
        due = sorted(self.later)
        for entry in due:
            self.redis.zadd(QUEUE.delayed, {entry: 1}, xx=True)
        self._look()
        self.ready += due
        self.later.clear()

    def _look(self):
        """Let somebody who has no room look at the queue: that is all its upkeep."""
        self.workers[0].consumer._fetch(0)

    @invariant()
    def every_entry_is_where_the_model_has_it(self):
        if not hasattr(self, "workers"):
            return
        assert [entry.decode() for entry in self.redis.lrange(QUEUE.ready, 0, -1)] == self.ready
        leases = {member.decode() for member in self.redis.zrange(QUEUE.leases, 0, -1)}
        assert leases == {worker.lease(entry) for entry, worker in self.holder.items()}
        assert {entry.decode() for entry in self.redis.zrange(QUEUE.delayed, 0, -1)} == self.later
        assert not set(self.ready) & set(self.holder)


@pytest.mark.timeout(300)
def test_no_entry_is_ever_lost_doubled_or_out_of_order(redis_server):
    class Machine(Queue):
        server_port = redis_server.port

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
