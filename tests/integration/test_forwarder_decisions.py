"""What a person decides about a forwarder: pause, resume, replay. A replayed event keeps its id."""

import pytest

from producers.contract.steps import drive
from tests.support.clock import now_ms
from tests.support.forwarding import HandForwarder, reply, status
from worker.forwarding.outcomes import Delivered, Halted, Later, OutgoingEvent, Refused, Unreachable
from worker.forwarding.schedule import Schedule
from worker.inquiry import forwarders
from worker.operator.forwarder_decisions import ForwarderDecisions, NoRoomError

STREAMS = ("replies", "statuses")


@pytest.fixture
def forwarder(redis_client) -> HandForwarder:
    return HandForwarder(redis_client)


@pytest.fixture
def decisions(forwarder) -> ForwarderDecisions:
    return decide(forwarder)


def decide(forwarder: HandForwarder, room: int = 1000) -> ForwarderDecisions:
    return ForwarderDecisions(forwarder.redis, forwarder.keys, forwarder.name, "anna", room)


def deliver_all(forwarder: HandForwarder) -> list[OutgoingEvent]:
    events = forwarder.take(1000)
    for event in events:
        forwarder.settle(event, Delivered())
    return events


def refuse_all(forwarder: HandForwarder) -> None:
    for event in forwarder.take(1000):
        forwarder.settle(event, Refused("550"))


def audited(forwarder: HandForwarder) -> list[tuple[str, str]]:
    entries = forwarder.redis.xrange("{sms}:audit")
    return [(fields[b"action"].decode(), fields[b"by"].decode()) for _, fields in entries]


def test_a_paused_forwarder_takes_in_and_delivers_nothing_until_it_is_resumed(forwarder, decisions):
    assert decisions.pause()
    assert not decisions.pause()
    forwarder.arrive("r1")
    assert forwarder.take() == []

    assert decisions.resume()
    assert not decisions.resume()
    assert forwarder.take_one().event_id == "r1"
    assert audited(forwarder) == [("forward_pause", "anna"), ("forward_resume", "anna")]


def test_all_dead_letters_are_replayed_whole_and_under_their_ids(forwarder, decisions):
    sent = {f"r{number}": reply(f"r{number}", "Oui\r\n\x1b[2J é") for number in range(250)}
    for event in sent.values():
        forwarder.add(event)
    while forwarder.take_in():
        pass
    refuse_all(forwarder)

    assert decisions.replay_dead() == 250

    assert {event.event_id: event.decoded() for event in deliver_all(forwarder)} == sent
    assert decisions.replay_dead() == 0
    assert audited(forwarder) == [("forward_replay", "anna")] * 3


def test_what_a_stream_holds_of_a_time_is_replayed(forwarder, decisions):
    forwarder.arrive("before")
    since = now_ms(forwarder.redis) + 5
    while now_ms(forwarder.redis) <= since:
        pass
    forwarder.arrive("r1", "r2")
    until = now_ms(forwarder.redis) + 5
    while now_ms(forwarder.redis) <= until:
        pass
    forwarder.arrive("after")
    deliver_all(forwarder)

    assert decisions.replay_between(STREAMS, since, until) == 2

    assert [event.event_id for event in forwarder.take()] == ["r1", "r2"]


def test_one_event_is_replayed_wherever_it_is(forwarder, decisions):
    entry = forwarder.add(status())
    forwarder.arrive("delivered", "refused", "failed")
    for event in forwarder.take():
        outcome = {"refused": Refused("550"), "failed": Later("500")}.get(event.event_id, Delivered())
        forwarder.settle(event, outcome)

    assert [decisions.replay_one(STREAMS, name) for name in ("delivered", "refused", "failed", entry)] == [
        "kept",
        "dead",
        "waiting",
        "kept",
    ]
    assert not decisions.replay_one(STREAMS, "unknown")

    again = forwarder.take()
    assert {event.event_id for event in again} == {"delivered", "refused", "failed", entry}
    assert {event.attempts for event in again} == {1}
    assert drive(forwarders.dead(forwarder.keys, forwarder.name), forwarder.redis).rows == ()


def test_an_event_that_is_out_is_not_doubled_by_a_replay(forwarder, decisions):
    forwarder.arrive("r1")
    event = forwarder.take_one()

    assert decisions.replay_one(STREAMS, "r1")

    assert forwarder.take() == []
    assert forwarder.settle(event, Delivered()).event == "delivered"
    forwarder.pass_time(60)
    assert forwarder.take() == []


@pytest.mark.parametrize("outcome", [Later("500"), Unreachable("ConnectError"), Refused("550")])
def test_an_event_that_is_replayed_during_its_last_attempt_is_tried_once_more(
    redis_client, decisions, outcome
):
    forwarder = HandForwarder(redis_client, schedule=Schedule((0.0,)))
    forwarder.arrive("r1")
    last = forwarder.take_one()
    assert decisions.replay_one(STREAMS, "r1") == "waiting"

    assert forwarder.settle(last, outcome).event == "waits"

    again = forwarder.take_one()
    assert (again.event_id, again.attempts) == ("r1", 1)
    assert forwarder.settle(again, outcome).event == "dead"


@pytest.mark.parametrize("outcome", [Halted("503", lasting=False), Later("500")])
def test_an_attempt_that_a_replay_and_a_hold_take_back_is_taken_back_once(forwarder, decisions, outcome):
    forwarder.arrive("r1", "r2")
    first, second = forwarder.take()
    decisions.replay_one(STREAMS, first.event_id)
    forwarder.settle(second, Halted("503", lasting=False))

    assert forwarder.settle(first, outcome).event == "waits"

    forwarder.pass_time(60)
    decisions.resume()
    assert {event.attempts for event in forwarder.take()} == {1}


def test_a_replay_that_finds_no_room_says_how_far_it_came(forwarder):
    forwarder.arrive(*(f"r{number}" for number in range(5)))
    refuse_all(forwarder)

    with pytest.raises(NoRoomError) as raised:
        decide(forwarder, room=3).replay_dead()

    assert raised.value.done == 3
    assert len(forwarder.take()) == 3
    assert decide(forwarder).replay_dead() == 2


def test_a_replay_that_finds_no_room_at_all_does_nothing(forwarder):
    forwarder.arrive("r1")
    refuse_all(forwarder)

    with pytest.raises(NoRoomError):
        decide(forwarder, room=0).replay_dead()

    assert audited(forwarder) == []
    assert len(drive(forwarders.dead(forwarder.keys, forwarder.name), forwarder.redis).rows) == 1


def test_a_test_is_delivered_before_all_others_and_tried_once(forwarder, decisions):
    forwarder.arrive("r1")
    name = decisions.test()

    event = forwarder.take(1)[0]

    assert (event.event_id, event.stream) == (name, "test")
    assert forwarder.settle(event, Later("500")).event == "dead"


def test_forwarders_and_what_they_hold_can_be_listed(forwarder, redis_client):
    other = HandForwarder(redis_client, "audit")
    forwarder.arrive("r1", "r2")
    other.take()
    forwarder.settle(forwarder.take(1)[0], Later("500"))
    keys = forwarder.keys

    assert drive(forwarders.names(keys), redis_client) == ["bookings", "audit"]
    first, second = drive(forwarders.states(keys, ["bookings", "audit"]), redis_client)
    assert (first.waiting, first.dead, first.tried["failed"], first.delivered_ms) == (2, 0, 1, None)
    assert (second.waiting, second.oldest_ms, second.heard_ms is None) == (0, None, False)
    shown = drive(forwarders.waiting(keys, "bookings"), redis_client)
    assert [(each.event_id, each.attempts, each.why) for each in shown] == [("r1", 1, "500"), ("r2", 0, None)]
    assert drive(forwarders.waiting(keys, "nobody"), redis_client) == []


def test_two_who_replay_the_dead_letters_at_once_deliver_each_once(forwarder, decisions, monkeypatch):
    """The second has read the letters before the first one's replays were delivered."""
    forwarder.arrive("r1", "r2")
    refuse_all(forwarder)
    again, delivered = ForwarderDecisions._again, []

    def overtaken(self, *args):
        monkeypatch.setattr(ForwarderDecisions, "_again", again)
        assert decide(forwarder).replay_dead() == 2
        delivered.extend(deliver_all(forwarder))
        return again(self, *args)

    monkeypatch.setattr(ForwarderDecisions, "_again", overtaken)
    assert decisions.replay_dead() == 0
    assert [event.event_id for event in delivered] == ["r1", "r2"]
    assert forwarder.take() == []


def test_an_event_that_is_delivered_while_somebody_replays_it_is_found_where_it_lies_then(
    forwarder, decisions, monkeypatch
):
    """Nothing without stream and fields is made of it, which nobody could ever deliver."""
    forwarder.arrive("r1")
    again = ForwarderDecisions._again

    def overtaken(self, *args):
        monkeypatch.setattr(ForwarderDecisions, "_again", again)
        deliver_all(forwarder)
        return again(self, *args)

    monkeypatch.setattr(ForwarderDecisions, "_again", overtaken)
    assert decisions.replay_one(STREAMS, "r1") == "kept"
    [event] = deliver_all(forwarder)
    assert (event.event_id, event.decoded().text) == ("r1", "Oui")

    forwarder.arrive("r2")
    monkeypatch.setattr(ForwarderDecisions, "_again", overtaken)
    assert decisions.replay_one((), "r2") is None
    assert forwarder.take() == []
