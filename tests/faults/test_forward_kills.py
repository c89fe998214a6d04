"""SIGKILL of forwarders at any moment: each event arrives, and only what nobody could record comes twice."""

from collections.abc import Callable

import pytest

from tests.support.forward_http import (
    LEASE_S,
    NAME,
    add,
    all_taken_in,
    hand,
    names,
    receiver,
    start,
    state,
)
from tests.support.forwarding import pass_time
from tests.support.waiting import until
from tests.support.webhook_receiver import GOOD, Post, answer
from worker.operator.forwarder_decisions import ForwarderDecisions

__all__ = ["hand", "receiver", "start"]


def test_a_kill_at_any_moment_of_the_intake_loses_and_doubles_nothing(start, hand, receiver):
    """Between reading, copying and acknowledging lies nothing: they are one step."""
    ForwarderDecisions(hand.redis, hand.keys, NAME, "anna").pause()
    process = start()
    for round_ in range(3):
        add(hand, *names(250, f"{round_}-"))
        until(lambda before=250 * round_: state(hand).waiting > before)
        process.kill()
        process.start()
    until(lambda: all_taken_in(hand))

    assert state(hand).waiting == 750
    assert hand.redis.xpending(hand.keys.stream("replies"), f"forward:{NAME}")["pending"] == 0


def chaotic(refused: set[str]) -> Callable[[Post, object], None]:
    """Refuse the first POST of every third event, cut the second of every fifth."""
    seen: dict[str, int] = {}

    def respond(post: Post, connection) -> None:
        seen[post.event_id] = number = seen.get(post.event_id, 0) + 1
        place = int(post.event_id[1:])
        if number == 1 and place % 3 == 0:
            refused.add(post.event_id)
            connection.sendall(answer(500))
        elif number == 2 and place % 5 == 0:
            refused.add(post.event_id)
            connection.close()
        else:
            connection.sendall(GOOD)

    return respond


@pytest.mark.timeout(240)  # six starts of a process
def test_through_kills_and_refusals_each_event_arrives_and_only_lost_answers_double_it(start, hand, receiver):
    refused: set[str] = set()
    receiver.respond = chaotic(refused)
    doubtful: set[str] = set()
    processes = [start(), start()]
    for round_ in range(2):
        add(hand, *names(120)[round_ * 60 : round_ * 60 + 60])
        receiver.wait(len(receiver.posts) + 20)
        for process in processes:
            process.kill()
        # What was out at the kill had its answer lost, or was about to.
        doubtful |= {each.decode() for each in hand.redis.zrange(f"{hand.keys.forward(NAME)}:leases", 0, -1)}
        hand.pass_time(LEASE_S)
        for process in processes:
            process.launch()
        for process in processes:
            process.wait_until_started()
    everything = set(names(120))

    def is_over() -> bool:
        pass_time(hand.redis, hand.keys, NAME, 60, leases=False)
        return set(receiver.event_ids) == everything and not state(hand).waiting

    until(is_over, 60)

    doubled = {name for name in everything if receiver.event_ids.count(name) > 1}
    assert doubled <= doubtful | refused
    assert state(hand).dead == 0
