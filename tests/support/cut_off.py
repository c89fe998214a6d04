"""Random histories of a primary that is cut off, or lost, while another one takes its place.

Both have a worker, and both workers reach the gateway. The application repeats what may be forgotten. A host
that was cut off comes back as a replica. The judge is how often the gateway took a number.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from producers import Message, Producer, Recipient
from producers.contract.heartbeats import Rules
from tests.support.hand_worker import KEYS, HandWorker, gateway_id, numbers_of
from tests.support.template_sends import CODE, number
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unknown
from worker.ledger.claims import Claim, Wait
from worker.process.heartbeat import Heartbeat
from worker.sandbox.redis_server import RedisServer

#: What the servers are started with: replicas that come are served at once.
OPTIONS = ("--repl-diskless-sync-delay", "0")
MEMORY = KEYS.prefix + "memory"


def confirm(primary: redis.Redis, replicas: int) -> None:
    """Wait until so many replicas follow."""
    until(lambda: bool(primary.set("x", "1")) and primary.wait(replicas, 100) >= replicas)


def let_ten_minutes_pass(client: redis.Redis) -> None:
    """Let the time be over in which what is queued leaves alone."""
    client.hincrby(MEMORY, "apart", -600_000)


@dataclass
class Gateway:
    """A gateway that knows the ids that it took, and loses answers."""

    random: random.Random
    taken: set[str] = field(default_factory=set)
    shown: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    is_well: bool = False

    def post(self, claim: Claim) -> Outcome:
        """Take a call, refuse it, or lose its answer."""
        way = "taken" if self.is_well else self.random.choice(["taken", "taken", "lost", "away", "refused"])
        name, numbers = gateway_id(claim), numbers_of(claim)
        if way == "away":
            return Deferred("client_connector_error")
        if name in self.taken:
            return Duplicate("120")
        if way == "refused":
            return Refused("103")
        self.taken.add(name)
        self.shown.update(numbers)
        self.shared += len(numbers) > 1
        return Unknown("read_timeout") if way == "lost" else Accepted(f"t.{name}")


class Place:
    """A worker and an application at one server.

    Args:
        client: of the server.
        replicas: that must confirm, as ``REDIS_REPLICAS`` says.
        gateway: which both sides reach.
    """

    def __init__(self, client: redis.Redis, replicas: int, gateway: Gateway) -> None:
        self.redis, self._replicas, self._gateway = client, replicas, gateway
        self._random = gateway.random
        self._producer = Producer(client=client)
        self.queued: list[str] = []
        self._start()

    def _start(self) -> None:
        self.hand, self._open = HandWorker(self.redis), list[Claim]()
        confirmation = self.hand.confirmation
        confirmation._replicas = max(confirmation._replicas, self._replicas)
        confirmation.look()
        if self._random.random() < 0.7:
            self.give_sign_of_life()

    def give_sign_of_life(self) -> None:
        """Note which server this is, as a worker does every few seconds."""
        Heartbeat(self.redis, KEYS, Rules("1", "2026a", "ab")).beat()

    def queue(self, ids: list[str]) -> None:
        """Queue messages that may share calls, or repeat them; each is to a number of its own."""
        self.queued += ids
        messages = [
            Message(
                Recipient(number(int(each)), param1="x"),
                CODE,
                sender="Bistro",
                purpose="alert",
                request_id=each,
            )
            for each in ids
        ]
        if messages:
            self._producer.send_many(messages)

    def take(self) -> None:
        """Fetch and claim once, whatever has a date."""
        for entry in self.redis.zrange(self.hand.names.delayed, 0, -1):
            self.redis.zadd(self.hand.names.delayed, {entry: 1})
        self._open += self.hand.claim(self.hand.fetch())

    def post(self, count: int) -> None:
        """Make the POSTs of some claims, and record them."""
        for _ in range(min(count, len(self._open))):
            claim = self._open.pop(self._random.randrange(len(self._open)))
            self.hand.finish(claim, self._gateway.post(claim))

    def post_and_die(self) -> None:
        """Make some POSTs that nobody records."""
        for claim in self._open:
            if self._random.random() < 0.5:
                self._gateway.post(claim)

    def replace_worker(self) -> None:
        """Let the worker die, and another one find that its leases have run out."""
        self.post_and_die()
        self.forget_leases()
        self._start()

    def forget_leases(self) -> None:
        """Let all leases run out, whoever had them."""
        for key in self.redis.scan_iter(KEYS.prefix + "*:heard"):
            self.redis.delete(key)
        for key in (KEYS.attempt_leases, self.hand.names.leases):
            for member in self.redis.zrange(key, 0, -1):
                self.redis.zadd(key, {member: 1})

    def go_on(self, steps: int, fresh: Callable[[int], list[str]]) -> None:
        """Do things at random."""
        for _ in range(steps):
            does = self._random.choices(
                ["queue", "take", "post", "look", "post all", "replace"], [35, 20, 25, 10, 5, 5]
            )[0]
            {
                "queue": lambda: self.queue(fresh(self._random.randint(2, 5))),
                "take": self.take,
                "post": lambda: self.post(1),
                "look": self.hand.confirmation.look,
                "post all": lambda: self.post(len(self._open)),
                "replace": self.replace_worker,
            }[does]()

    def drain(self) -> None:
        """Send all that is left to a gateway that is well."""
        self._gateway.is_well = True
        for turn in range(12):
            self.hand.confirmation.look()
            self.take()
            self.post(len(self._open))
            if turn == 5:
                self.replace_worker()


class History:
    """One history on three servers, which are emptied first.

    Args:
        servers: the primary, the replica that takes its place, and one that follows this one then.
        seed: decides all of it.
    """

    def __init__(self, servers: tuple[RedisServer, RedisServer, RedisServer], seed: int) -> None:
        self._servers = servers
        self._random = random.Random(seed)
        self.gateway = Gateway(self._random)
        self._ids = 0
        self._old, self._new, self._third = (redis.Redis(port=each.port) for each in servers)

    def play(self) -> list[str]:
        """Play it to its end; return the numbers that got their text twice."""
        old, some = self._begin(), self._random.randint
        old.go_on(some(4, 14), self._fresh)
        self._cut_off(old)
        known = len(old.queued)
        old.go_on(some(6, 24), self._fresh)
        is_back = self._random.random() < 0.5
        if not is_back:
            old.post_and_die()
        new = self._take_over(2 if is_back else 1)
        for _ in range(some(2, 8)):
            if is_back and self._random.random() < 0.3:
                old.go_on(1, self._fresh)
            elif self._random.random() < 0.3:
                new.queue(old.queued[(known if is_back else len(old.queued)) - some(1, 6) :])
            else:
                new.go_on(1, self._fresh)
        if is_back:
            self._come_back(old, new)
        if self._random.random() < 0.5:
            let_ten_minutes_pass(new.redis)
            new.go_on(some(2, 8), self._fresh)
        new.drain()
        return [each for each, count in self.gateway.shown.items() if count > 1]

    def _fresh(self, count: int) -> list[str]:
        self._ids += count
        return [str(each) for each in range(self._ids - count, self._ids)]

    def _begin(self) -> Place:
        for client, server in zip((self._old, self._new, self._third), self._servers, strict=True):
            os.kill(server.pid, signal.SIGCONT)
            client.replicaof("NO", "ONE")
            client.flushall()
            client.acl_setuser("default", enabled=True, commands=["+psync", "+sync"])
        self._new.replicaof("127.0.0.1", self._servers[0].port)
        confirm(self._old, 1)
        place = Place(self._old, 1, self.gateway)
        place.give_sign_of_life()
        until(place.hand.confirmation.look)
        let_ten_minutes_pass(self._old)
        return place

    def _cut_off(self, old: Place) -> None:
        """Cut off the replica: between two steps, or in one, while it hangs with what it was sent unread."""
        if self._random.random() < 0.5:
            confirm(self._old, 1)
        else:
            os.kill(self._servers[1].pid, signal.SIGSTOP)
            self._old.acl_setuser("default", enabled=True, commands=["-psync", "-sync"])
            self._take_in_between(old)
            self._old.client_kill_filter(_type="slave")
            os.kill(self._servers[1].pid, signal.SIGCONT)
            until(lambda: self._new.info("replication")["master_link_status"] == "down")
        self._new.replicaof("NO", "ONE")
        until(lambda: self._old.info("replication")["connected_slaves"] == 0)

    def _take_in_between(self, old: Place) -> None:
        """Take something, and be cut off before a claim that nobody confirmed is given back."""

        def be_cut_off(found: Claim | Wait, *, unsure: bool) -> Claim | Wait:
            self._old.client_kill_filter(_type="slave")
            return give_back(found, unsure=unsure)

        give_back = old.hand.ledger._give_back_call
        old.hand.ledger._give_back_call = be_cut_off  # type: ignore[method-assign, assignment]
        old.take()
        old.hand.ledger._give_back_call = give_back  # type: ignore[method-assign]

    def _take_over(self, replicas: int) -> Place:
        self._third.replicaof("127.0.0.1", self._servers[1].port)
        confirm(self._new, 1)
        place = Place(self._new, replicas, self.gateway)
        place.forget_leases()
        return place

    def _come_back(self, old: Place, new: Place) -> None:
        """Let the old primary follow the new one; what it alone knew is repeated before and after that."""
        if self._random.random() < 0.7:
            let_ten_minutes_pass(self._new)
        if self._random.random() < 0.3:
            new.queue(old.queued)
        old.post_and_die()
        self._old.acl_setuser("default", enabled=True, commands=["+psync", "+sync"])
        self._old.replicaof("127.0.0.1", self._servers[1].port)
        confirm(self._new, 2)
        if self._random.random() < 0.5:
            new.replace_worker()
        until(new.hand.confirmation.look)
        new.queue(old.queued)
        new.go_on(self._random.randint(0, 6), self._fresh)
