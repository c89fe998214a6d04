"""The leased queue against a plain model: every entry is in one place, in order, until it is done."""

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from producers.contract.keys import Keys
from tests.support.places import one_call, places
from tests.support.random_model import run_model
from worker.account.throttle import Limits
from worker.queue.entries import Entry
from worker.queue.lease_broker import LeaseBroker
from worker.queue.leases import Leases

KEYS = Keys()
QUEUE = KEYS.queue("alert")
WORKERS = 3


class Worker:
    """A process that fetches: its broker, its consumer, and what it believes to hold, by lease."""

    def __init__(self, client: redis.Redis) -> None:
        self.broker = LeaseBroker(client, KEYS, Leases(client, KEYS), Limits(0, 0), [], places(4), one_call)
        self.broker.declare_queue("alert")
        self.consumer = self.broker.consume("alert", timeout=1)
        self.held: dict[str, Entry] = {}


class Queue(RuleBasedStateMachine):
    """Any number of pushes, fetches, ends, retries, deaths and suspensions, in any order."""

    server_port: int

    @initialize()
    def begin(self):
        self.redis = redis.Redis(port=self.server_port)
        self.redis.flushall()
        self.workers = [Worker(self.redis) for _ in range(WORKERS)]
        self.count = 0
        # The model: the order of what is ready, under which lease an entry really is, what waits for later,
        # and what has failed before.
        self.ready: list[str] = []
        self.leases: dict[str, str] = {}
        self.later: set[str] = set()
        self.failed: set[str] = set()

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
        """Take all that there is room for: what failed before comes alone, the rest together and in order."""
        worker = self.workers[number]
        room = 4 - len(worker.held)
        messages = [message] if (message := next(worker.consumer)) else []
        while worker.consumer._fetched:
            messages.append(worker.consumer._fetched.popleft())
        expected, self.ready = self.ready[:room], self.ready[room:]
        groups = [[entry] for entry in expected if entry in self.failed]
        bare = [entry for entry in expected if entry not in self.failed]
        groups += [bare] if bare else []
        assert [[entry.id for entry in message.batch.entries] for message in messages] == groups
        for entry in (entry for message in messages for entry in message.batch.entries):
            worker.held[entry.lease] = entry
            self.leases[entry.id] = entry.lease

    def _some(self, number, data) -> tuple[Worker, list[Entry]]:
        worker = self.workers[number]
        if not worker.held:
            return worker, []
        some = data.draw(st.lists(st.sampled_from(sorted(worker.held)), min_size=1, unique=True))
        return worker, [worker.held.pop(lease) for lease in some]

    def _leave(self, entries: list[Entry]) -> list[str]:
        """Those of some entries that nobody else holds by now; they are no longer held."""
        mine = [entry.id for entry in entries if self.leases.get(entry.id) == entry.lease]
        for entry in mine:
            del self.leases[entry]
        return mine

    @rule(number=st.integers(0, WORKERS - 1), dead=st.booleans(), data=st.data())
    def end(self, number, dead, data):
        """Acknowledge or bury entries; what somebody else holds by now is not touched."""
        worker, entries = self._some(number, data)
        holder = worker.consumer.holder
        (holder.nack if dead else holder.ack)(entries)
        ended = self._leave(entries)
        if not dead:
            self.failed -= set(ended)

    @rule(number=st.integers(0, WORKERS - 1), data=st.data())
    def retry(self, number, data):
        """Entries fail together; Dramatiq acknowledges after it has queued the retry."""
        worker, entries = self._some(number, data)
        if not entries:
            return
        message = worker.consumer._message(entries)
        worker.broker.enqueue(message, delay=1_000_000)
        worker.consumer.ack(message)
        moved = self._leave(entries)
        self.later.update(moved)
        self.failed.update(moved)

    @rule(number=st.integers(0, WORKERS - 1), data=st.data())
    def delay(self, number, data):
        worker, entries = self._some(number, data)
        worker.consumer.holder.delay([entry.delayed(1_000_000) for entry in entries])
        moved = self._leave(entries)
        self.later.update(moved)
        self.failed -= set(moved)

    @rule(number=st.integers(0, WORKERS - 1))
    def stop(self, number):
        """Give everything back to the front, in order."""
        worker = self.workers[number]
        entries = list(worker.held.values())
        worker.held.clear()
        worker.consumer.requeue([worker.consumer._message([entry]) for entry in entries])
        self.ready = self._leave(entries) + self.ready

    @rule(number=st.integers(0, WORKERS - 1), forgets=st.booleans())
    def leases_run_out(self, number, forgets):
        """A process dies, or is suspended and later believes that it still holds what others have taken."""
        worker = self.workers[number]
        entries = [worker.held[lease] for lease in sorted(worker.held)]
        for entry in entries:
            self.redis.zadd(QUEUE.leases, {entry.lease: 1}, xx=True)
        self._look()
        for entry in self._leave(entries):
            self.ready.insert(0, entry)
        if forgets:
            worker.consumer.holder.forget(list(worker.held.values()))
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
        assert leases == set(self.leases.values())
        assert {entry.decode() for entry in self.redis.zrange(QUEUE.delayed, 0, -1)} == self.later
        assert not set(self.ready) & set(self.leases)

    @invariant()
    def no_place_is_lost_and_none_is_given_twice(self):
        for worker in getattr(self, "workers", []):
            assert worker.consumer.slots._taken["alert"] == len(worker.held)


@pytest.mark.timeout(300)
def test_no_entry_is_ever_lost_doubled_or_out_of_order(redis_server):
    class Machine(Queue):
        server_port = redis_server.port

    run_model(Machine, examples=100, steps=50)
