"""A forwarder's process delivers what comes, several at a time, through outages, until it is told to stop."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from producers.contract.keys import Keys
from tests.support.forwarding import HandForwarder, reply
from tests.support.waiting import until
from worker.forwarding.outcomes import Deliver, Delivered, Outcome, OutgoingEvent, Unreachable
from worker.forwarding.runner import Runner
from worker.forwarding.schedule import A_DAY, Schedule
from worker.forwarding.store import Store
from worker.process.connection import connect

KEYS = Keys()


@contextmanager
def running(url: str, deliver: Deliver, *, schedule: Schedule = A_DAY, places: int = 4) -> Iterator[Runner]:
    """Run a forwarder of replies in a thread; stop it in the end."""
    with connect(url) as client:
        runner = Runner(client, Store(KEYS, "bookings", ("replies",), schedule), deliver, places=places)
        thread = threading.Thread(target=runner.run)
        thread.start()
        try:
            yield runner
        finally:
            runner.stop()
            thread.join(20)
            assert not thread.is_alive()


class Receiver:
    """Takes what is delivered, and lets a test wait for it."""

    def __init__(self, answer: Callable[[OutgoingEvent], Outcome] = lambda _: Delivered()) -> None:
        self._answer, self._lock = answer, threading.Lock()
        self.got: list[str] = []
        self.at_once, self.most_at_once = 0, 0

    def __call__(self, event: OutgoingEvent) -> Outcome:
        with self._lock:
            self.got.append(event.event_id)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._answer(event)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def hand(redis_client) -> HandForwarder:
    return HandForwarder(redis_client, streams=("replies",))


def is_empty(hand: HandForwarder) -> bool:
    return hand.redis.zcard(hand.keys.forward_waiting(hand.name)) == 0


def test_each_event_is_delivered_once(hand, redis_url):
    receiver, names = Receiver(), [f"r{number}" for number in range(300)]
    with running(redis_url, receiver), running(redis_url, receiver):
        for name in names:
            hand.add(reply(name))
        until(lambda: len(receiver.got) >= len(names))
        until(lambda: is_empty(hand))

    assert sorted(receiver.got) == sorted(names)


def test_so_many_are_delivered_at_a_time_and_no_more(hand, redis_url):
    gate = threading.Event()

    def wait(_: OutgoingEvent) -> Outcome:
        gate.wait(10)
        return Delivered()

    receiver = Receiver(wait)
    for number in range(10):
        hand.add(reply(f"r{number}"))
    with running(redis_url, receiver, places=3):
        until(lambda: receiver.at_once == 3)
        gate.set()
        until(lambda: is_empty(hand))

    assert receiver.most_at_once == 3


def test_a_stop_waits_for_what_is_being_delivered_and_records_it(hand, redis_url):
    begun, gate = threading.Event(), threading.Event()

    def wait(_: OutgoingEvent) -> Outcome:
        begun.set()
        gate.wait(10)
        return Delivered()

    hand.add(reply("r1"))
    with running(redis_url, wait) as runner:
        assert begun.wait(10)
        runner.stop()
        gate.set()

    assert is_empty(hand)


def test_a_mistake_in_a_deliverer_is_a_failed_attempt(hand, redis_url):
    def fail(event: OutgoingEvent) -> Outcome:
        if event.attempts == 1:
            raise KeyError("number")
        return Delivered()

    receiver = Receiver(fail)
    hand.add(reply("r1"))
    with running(redis_url, receiver, schedule=Schedule((0, 0.1))):
        until(lambda: len(receiver.got) == 2)

    assert receiver.got == ["r1", "r1"]


def test_a_receiver_that_comes_back_gets_everything(hand, redis_url):
    is_there = threading.Event()
    names = [f"r{number}" for number in range(20)]
    receiver = Receiver(lambda _: Delivered() if is_there.is_set() else Unreachable("refused"))
    for name in names:
        hand.add(reply(name))
    with running(redis_url, receiver):
        until(lambda: hand.redis.hget(hand.keys.forward("bookings"), "held"))
        is_there.set()
        hand.pass_time(30)
        until(lambda: is_empty(hand))

    assert set(receiver.got) == set(names)
    assert hand.redis.xlen(hand.keys.forward_dead("bookings")) == 0


def test_a_forwarder_survives_restarts_of_redis_and_delivers_nothing_twice(own_redis_server):
    receiver, names = Receiver(), [f"r{number}" for number in range(60)]
    with redis.Redis(port=own_redis_server.port) as client:
        hand = HandForwarder(client, streams=("replies",))
        with running(own_redis_server.url, receiver):
            for begin in (0, 20, 40):
                for name in names[begin : begin + 20]:
                    hand.add(reply(name))
                until(lambda end=begin + 20: len(receiver.got) >= end)
                own_redis_server.kill()
                own_redis_server.start()
            until(lambda: is_empty(hand))

    assert sorted(receiver.got) == sorted(names)


def test_a_full_store_does_not_keep_its_process_busy(hand, redis_url):
    gate = threading.Event()

    def wait(_: OutgoingEvent) -> Outcome:
        gate.wait(10)
        return Delivered()

    for number in range(5):
        hand.add(reply(f"r{number}"))
    with connect(redis_url) as client:
        runner = Runner(client, Store(KEYS, "bookings", ("replies",), A_DAY, room=2), wait, places=1)
        thread = threading.Thread(target=runner.run)
        thread.start()
        until(lambda: hand.redis.zcard(hand.keys.forward_waiting("bookings")) == 2)
        before = hand.redis.info("commandstats")["cmdstat_evalsha"]["calls"]
        gate.wait(1.5)
        after = hand.redis.info("commandstats")["cmdstat_evalsha"]["calls"]
        gate.set()
        until(lambda: is_empty(hand) and hand.redis.xinfo_groups("{sms}:replies")[0]["lag"] == 0)
        runner.stop()
        thread.join(10)

    assert after - before < 10
