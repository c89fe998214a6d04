"""A Redis that comes back as it was some commands ago: the STOP counts in the end, and once.

Redis loses the end of its append-only file, so each state that was may come back. As long as the callback is
part of it, its entry brings it again; a callback that was lost as well counts when the gateway repeats it.
"""

import json
from collections.abc import Callable, Iterator

import pytest
import redis

from producers import Message, Producer
from producers.contract.jobs import QUEUE_CALLBACKS
from producers.contract.settings import RedisSettings
from tests.support.callbacks_by_hand import KEYS
from tests.support.hand_worker import HandWorker, numbers_of
from tests.support.redis_history import History, Watched
from tests.support.stop_now import stop
from tests.support.template_sends import number
from worker.callbacks.inbound import Inbound
from worker.callbacks.publisher import Publisher

TEXT = "Ce soir -20%. STOP au 30101"
NAMES = KEYS.queue(QUEUE_CALLBACKS)


class House:
    """Marketing that waits for two people, and a worker of callbacks whose Redis may forget."""

    def __init__(self, client: redis.Redis, url: str, port: int) -> None:
        self.redis, self.sms = client, Producer(url)
        self.history = History(client, depth=64)
        self.watched = Watched(self.history, port)
        options = {"sender": "Bistro", "purpose": "wholesale"}
        self.sms.send_many([Message(number(n), TEXT, request_id=f"m{n}", **options) for n in range(2)])
        self.sms.send([number(0), number(1)], TEXT, request_id="both", **options)

    def bring(self) -> None:
        """Store the STOP of the first of them, as the web process does before it answers 200."""
        fields = {"kind": "", "raw": json.dumps(stop(number(0))), "received": 1}
        with self.watched.pipeline() as pipeline:
            pipeline.hset(KEYS.callback("c"), mapping=fields)
            pipeline.rpush(NAMES.ready, "c")
            pipeline.execute()

    def process(self) -> None:
        """Let a worker process what waits; the one before it is dead."""
        for lease in self.redis.zrange(NAMES.leases, 0, -1):
            self.redis.zadd(NAMES.leases, {lease: 1})
        hand = HandWorker(self.watched, queue=QUEUE_CALLBACKS)
        inbound = Inbound(self.watched, KEYS, hand.ledger, Publisher(self.watched, RedisSettings()))
        while (batch := hand.fetch()) is not None:
            inbound.process_callbacks(batch)

    def came_to(self) -> tuple[list[tuple[str, str]], str, int, list[str]]:
        """What is told, what became of the message to him, who is suppressed, and whom the rest goes to."""
        told = [
            (fields[b"cancelled"].decode(), fields[b"cancelled_ids"].decode())
            for _, fields in self.redis.xrange(KEYS.stream("optouts"))
        ]
        claims = HandWorker(self.redis, queue="marketing").take()
        to = sorted(each for claim in claims for each in numbers_of(claim))
        return told, self.sms.status("m0").state, self.redis.hlen(KEYS.suppressed), to


AS_PROMISED = ([("1", "m0")], "cancelled", 1, [number(1), number(1)])


@pytest.fixture
def fresh(redis_client, redis_url, redis_server) -> Iterator[Callable[[], House]]:
    made: list[House] = []

    def house() -> House:
        redis_client.flushall()
        made.append(House(redis_client, redis_url, redis_server.port))
        return made[-1]

    yield house
    for each in made:
        each.watched.close()
        each.sms.close()


def test_a_stop_that_redis_has_counts_whatever_is_forgotten_of_its_processing(fresh):
    lost, commands = 0, 1
    while lost < commands:
        house, lost, counted = fresh(), lost + 1, [0]
        house.bring()
        house.history.reach_the_disk()
        house.history.watch(lambda _, which, counted=counted: counted.append(which))
        house.process()
        house.history.watch(None)
        commands = max(counted)
        house.history.lose(lost)
        house.process()
        assert house.came_to() == AS_PROMISED, f"{lost} of {commands} commands were lost"
    assert commands > 3


def test_a_stop_that_is_lost_with_its_callback_counts_when_it_is_repeated(fresh):
    house = fresh()
    house.bring()
    house.process()
    house.history.lose(64)
    assert not house.redis.exists(KEYS.suppressed, KEYS.callback("c"))
    house.bring()
    house.process()
    # The gateway may repeat what was answered, too.
    house.bring()
    house.process()

    assert house.came_to() == AS_PROMISED
