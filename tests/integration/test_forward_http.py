"""``octopush-worker forward-http`` as it is run: nothing is lost, and doubles come only of lost answers."""

import threading

import redis

from producers.webhooks import verify
from tests.support.forward_http import (
    LEASE_S,
    NAME,
    SECRET_TEXT,
    add,
    hand,
    names,
    receiver,
    start,
    state,
    taken_in,
    until_empty,
)
from tests.support.forwarder_process import ROOTS
from tests.support.forwarding import HandForwarder
from tests.support.waiting import until
from tests.support.webhook_receiver import GOOD, Post, WebhookReceiver, answer
from worker.operator.forwarder_decisions import ForwarderDecisions
from worker.sandbox.free_port import free_port
from worker.webhooks.settings import WebhookSettings
from worker.webhooks.signing import secrets_of

__all__ = ["hand", "receiver", "start"]

DAY_S = 86_400


class Held:
    """A receiver's answers wait until they are let go, or are never given."""

    def __init__(self, data: bytes = GOOD) -> None:
        self.go, self._data = threading.Event(), data

    def __call__(self, _: Post, connection) -> None:
        if self.go.wait(20):
            connection.sendall(self._data)


def test_events_arrive_signed_and_once(start, hand, receiver):
    start()
    add(hand, *names(50))

    receiver.wait(50)
    until_empty(hand)

    secret, *_ = secrets_of(WebhookSettings.from_env({"WEBHOOK_SECRETS": ROOTS[0]}), NAME)
    webhooks = [verify(post.body, post.headers, secret) for post in receiver.posts]
    assert sorted(webhook.data.event_id for webhook in webhooks) == names(50)
    assert {webhook.data.text for webhook in webhooks} == {SECRET_TEXT}


def test_both_secrets_sign_while_one_takes_the_place_of_the_other(start, hand, receiver):
    start(WEBHOOK_SECRETS=f"{ROOTS[1]},{ROOTS[0]}")
    add(hand, "r1")

    (post,) = receiver.wait(1)

    for root in ROOTS:
        (secret,) = secrets_of(WebhookSettings.from_env({"WEBHOOK_SECRETS": root}), NAME)
        assert verify(post.body, post.headers, secret).id == "r1"


def test_two_processes_of_one_name_share_the_work(start, hand, receiver):
    start()
    start()
    add(hand, *names(200))

    receiver.wait(200, 30)
    until_empty(hand)

    assert sorted(receiver.event_ids) == names(200)


def test_sigterm_waits_for_the_answer_and_records_it(start, hand, receiver):
    receiver.respond = held = Held()
    process = start()
    add(hand, "r1")
    receiver.wait(1)

    process.ask_to_stop()
    assert state(hand).waiting == 1
    held.go.set()

    assert process.terminate() == 0

    assert state(hand).tried["delivered"] == 1
    assert state(hand).waiting == 0


def test_what_was_taken_in_and_not_delivered_survives_a_kill_and_the_trimming_of_the_stream(
    start, hand, receiver
):
    ForwarderDecisions(hand.redis, hand.keys, NAME, "anna").pause()
    process = start()
    add(hand, *names(20))
    taken_in(hand, 20)
    process.kill()
    hand.redis.xtrim(hand.keys.stream("replies"), 0)
    start()
    ForwarderDecisions(hand.redis, hand.keys, NAME, "anna").resume()

    receiver.wait(20)
    until_empty(hand)

    assert sorted(receiver.event_ids) == names(20)


def test_a_kill_during_a_delivery_brings_the_event_again_under_the_same_id(start, hand, receiver):
    receiver.respond = Held()
    process = start()
    add(hand, "r1")
    receiver.wait(1)
    process.kill()
    receiver.answers(GOOD)
    process.start()
    hand.pass_time(LEASE_S)
    until(lambda: state(hand).tried["lost"])
    hand.pass_time(6)

    receiver.wait(2)
    until_empty(hand)

    assert receiver.event_ids == ["r1", "r1"]


def test_a_kill_between_the_answer_and_its_record_brings_the_event_again(start, own_redis_server, receiver):
    with redis.Redis(port=own_redis_server.port) as client:
        hand = HandForwarder(client, NAME, ("replies",))
        receiver.respond = held = Held()
        process = start(at=own_redis_server.url)
        add(hand, "r1")
        receiver.wait(1)
        own_redis_server.suspend()
        held.go.set()
        until(lambda: "redis.unavailable" in process.output, 20)
        process.kill()
        own_redis_server.resume()
        until(client.ping)
        process.start()
        hand.pass_time(LEASE_S)
        until(lambda: state(hand).tried["lost"])
        hand.pass_time(6)
        receiver.wait(2)
        until_empty(hand)

    assert receiver.event_ids == ["r1", "r1"]


def test_a_restart_of_redis_during_a_delivery_neither_loses_nor_doubles_it(start, own_redis_server, receiver):
    with redis.Redis(port=own_redis_server.port) as client:
        hand = HandForwarder(client, NAME, ("replies",))
        receiver.respond = held = Held()
        start(at=own_redis_server.url)
        add(hand, *names(12))
        receiver.wait(8)
        own_redis_server.restart(crash=True)
        held.go.set()
        receiver.wait(12)
        until(lambda: state(hand).waiting == 0, 30)

    assert sorted(receiver.event_ids) == names(12)


def test_an_endpoint_that_is_away_for_days_costs_no_event_its_attempts(start, hand, redis_url):
    port = free_port()
    start(f"http://127.0.0.1:{port}/hooks")
    add(hand, *names(30))
    until(lambda: state(hand).held)
    for _ in range(10):
        before = sum(state(hand).tried.values())
        hand.pass_time(DAY_S / 2)
        until(lambda seen=before: sum(state(hand).tried.values()) > seen)
    assert (state(hand).waiting, state(hand).dead) == (30, 0)

    with WebhookReceiver(port) as receiver:
        hand.pass_time(LEASE_S)
        receiver.wait(30, 30)
        until_empty(hand)

        assert sorted(receiver.event_ids) == names(30)
    assert state(hand).held is None


def test_an_event_that_fails_for_a_day_is_a_dead_letter_and_can_be_replayed(start, hand, receiver):
    receiver.answers(answer(500))
    start()
    add(hand, "r1")
    for attempt in range(1, 9):
        receiver.wait(attempt)
        until(lambda count=attempt: state(hand).tried["failed"] == count)
        hand.pass_time(DAY_S)
    until(lambda: state(hand).dead == 1)
    receiver.answers(GOOD)

    assert ForwarderDecisions(hand.redis, hand.keys, NAME, "anna").replay_dead() == 1

    receiver.wait(9)
    until_empty(hand)
    assert receiver.event_ids == ["r1"] * 9


def test_an_endpoint_that_is_gone_pauses_the_forwarder_and_says_so(start, hand, receiver):
    receiver.answers(answer(410))
    process = start()
    add(hand, *names(3))
    until(lambda: state(hand).paused == "410")

    until(lambda: '"level":"error"' in process.output)
    assert '"forward.paused"' in process.output
    assert state(hand).waiting == 3
