"""What a forwarder keeps: nothing is lost between stream and receiver, and no event is out twice at once."""

import pytest
import redis

from producers.contract.events import from_fields, to_fields
from producers.contract.steps import drive
from tests.support.forwarding import HandForwarder, reply, status
from worker.forwarding.outcomes import Delivered, Halted, Later, Refused, Unreachable
from worker.forwarding.schedule import Schedule
from worker.forwarding.store import PROBE_MAX_MS, PROBE_MS, check_name, event_id_of
from worker.inquiry import forwarders

DAY_S = 86_400


@pytest.fixture
def forwarder(redis_client) -> HandForwarder:
    return HandForwarder(redis_client)


def state(forwarder: HandForwarder) -> forwarders.ForwarderState:
    (found,) = drive(forwarders.states(forwarder.keys, [forwarder.name]), forwarder.redis)
    return found


def waiting(forwarder: HandForwarder) -> dict[str, int]:
    """Return the attempts of everything that waits."""
    found = drive(forwarders.waiting(forwarder.keys, forwarder.name), forwarder.redis)
    return {each.event_id: each.attempts for each in found}


def dead(forwarder: HandForwarder) -> dict[str, str]:
    found = drive(forwarders.dead(forwarder.keys, forwarder.name), forwarder.redis).rows
    return {each.event_id: each.why for each in found}


def fail_all(forwarder: HandForwarder, outcome, most: int = 100) -> list[str]:
    """Let everything that is due fail; return what became of the forwarder each time."""
    return [forwarder.settle(event, outcome).forwarder for event in forwarder.take(most)]


def test_an_event_comes_whole_and_under_its_own_name(forwarder):
    sent = reply("r1")
    entry = forwarder.add(sent)
    forwarder.take_in()

    event = forwarder.take_one()

    assert (event.event_id, event.stream, event.entry_id, event.attempts) == ("r1", "replies", entry, 1)
    assert event.decoded() == sent


def test_a_status_is_named_by_its_entry(forwarder):
    entry = forwarder.add(status())
    forwarder.take_in()

    event = forwarder.take_one()

    assert (event.event_id, event.stream) == (entry, "statuses")
    assert event.decoded() == status()


def test_a_new_forwarder_begins_with_what_comes_from_now_on(redis_client):
    HandForwarder(redis_client, "other").add(reply("before"))

    forwarder = HandForwarder(redis_client)
    forwarder.arrive("after")

    assert forwarder.take_one().event_id == "after"


def test_a_lost_group_goes_on_where_the_process_was(forwarder):
    forwarder.arrive("r1")
    last = forwarder.store.take_in({}).run(forwarder.redis).last_ids["replies"]
    forwarder.add(reply("r2"))
    forwarder.redis.xgroup_destroy("{sms}:replies", "forward:bookings")

    forwarder.take_in(replies=last)

    assert set(waiting(forwarder)) == {"r1", "r2"}


def test_what_was_taken_in_survives_the_trimming_of_its_stream(forwarder):
    forwarder.arrive("r1")
    forwarder.redis.xtrim("{sms}:replies", 0)

    assert forwarder.take_one().decoded().event_id == "r1"


def test_an_entry_is_acknowledged_in_the_step_that_copies_it(forwarder):
    forwarder.arrive("r1")

    assert forwarder.redis.xpending("{sms}:replies", "forward:bookings")["pending"] == 0
    assert forwarder.take_in() == 0
    assert len(forwarder.take()) == 1


def test_forwarders_do_not_share_events(forwarder, redis_client):
    other = HandForwarder(redis_client, "audit")
    forwarder.add(reply("r1"))

    assert (forwarder.take_in(), other.take_in()) == (1, 1)
    forwarder.settle(forwarder.take_one(), Delivered())
    assert other.take_one().event_id == "r1"


def test_an_event_is_out_with_one_process_only(forwarder):
    forwarder.arrive("r1", "r2")

    first, second = forwarder.take(1), forwarder.take(5)

    assert [each.event_id for each in first + second] == ["r1", "r2"]
    assert forwarder.take() == []


def test_a_delivered_event_is_forgotten(forwarder):
    forwarder.arrive("r1")

    assert forwarder.settle(forwarder.take_one(), Delivered()).event == "delivered"

    assert waiting(forwarder) == {}
    assert state(forwarder).tried["delivered"] == 1
    assert forwarder.redis.keys("*event:*") == []


def test_recording_twice_changes_nothing(forwarder):
    forwarder.arrive("r1", "r2")
    delivered, failed = forwarder.take()
    forwarder.settle(delivered, Delivered())
    forwarder.settle(failed, Later("500"))
    before = state(forwarder).tried

    assert forwarder.settle(delivered, Delivered()).event == "late"
    assert forwarder.settle(failed, Later("500")).event == "late"
    assert state(forwarder).tried == before


def test_what_a_killed_process_held_comes_back_after_its_lease(forwarder):
    forwarder.arrive("r1")
    lost = forwarder.take_one()
    forwarder.pass_time(31)
    assert forwarder.take() == []  # the lost attempt counts: the next one comes by the schedule

    forwarder.pass_time(6)
    again = forwarder.take_one()

    assert (again.event_id, again.attempts) == ("r1", 2)
    assert state(forwarder).tried["lost"] == 1
    # Whoever was thought dead may have delivered all the same; nothing else that it says counts.
    assert forwarder.settle(lost, Later("500")).event == "late"
    assert forwarder.settle(lost, Delivered()).event == "delivered"


def test_an_event_that_kills_its_process_each_time_ends_among_the_dead(forwarder):
    forwarder.arrive("r1")
    for _ in range(8):
        assert len(forwarder.take()) == 1
        forwarder.pass_time(DAY_S)
        assert forwarder.take() == []
        forwarder.pass_time(DAY_S)

    assert forwarder.take() == []
    assert dead(forwarder) == {"r1": "lost"}


def test_a_living_holder_gets_time_after_an_outage_of_redis(forwarder):
    forwarder.arrive("r1")
    event = forwarder.take_one()
    forwarder.pass_time(31)
    forwarder.redis.zincrby(forwarder.keys.forwarders, -20_000, forwarder.name)

    assert forwarder.take() == []
    assert forwarder.settle(event, Later("500")).event == "waits"


def test_retries_follow_the_schedule_and_end_among_the_dead(forwarder):
    forwarder.arrive("r1")
    for wait in (5, 300, 1_800, 7_200, 18_000, 28_800, 28_800):
        assert forwarder.settle(forwarder.take_one(), Later("500")).event == "waits"
        forwarder.pass_time(0.89 * wait)
        assert forwarder.take() == []
        forwarder.pass_time(0.22 * wait)

    assert forwarder.settle(forwarder.take_one(), Later("503")).event == "dead"
    assert dead(forwarder) == {"r1": "503"}
    assert waiting(forwarder) == {}


def test_a_receiver_may_ask_for_more_time_and_not_for_less(forwarder):
    forwarder.arrive("r1")
    forwarder.settle(forwarder.take_one(), Later("429", retry_after_s=60))
    forwarder.pass_time(59)
    assert forwarder.take() == []
    forwarder.pass_time(2)
    forwarder.settle(forwarder.take_one(), Later("429", retry_after_s=1))
    forwarder.pass_time(200)

    assert forwarder.take() == []


def test_a_refusal_is_a_dead_letter_at_once(forwarder):
    sent = reply("r1")
    forwarder.add(sent)
    forwarder.take_in()

    assert forwarder.settle(forwarder.take_one(), Refused("550")).event == "dead"

    ((_, letter),) = forwarder.redis.xrange(forwarder.keys.forward_dead(forwarder.name))
    assert from_fields(type(sent), letter) == sent


def test_five_events_without_an_answer_hold_the_forwarder_and_cost_no_attempts(forwarder):
    forwarder.arrive(*(f"r{n}" for n in range(8)))

    told = fail_all(forwarder, Unreachable("timeout"))

    assert told == ["", "", "", "", "held", "", "", ""]
    assert set(waiting(forwarder).values()) == {0}
    assert state(forwarder).held == "timeout"


def test_one_event_that_fails_again_and_again_holds_nothing(forwarder):
    forwarder.arrive("r1")
    for _ in range(7):
        assert fail_all(forwarder, Unreachable("timeout")) == [""]
        forwarder.pass_time(DAY_S)

    assert state(forwarder).held is None


def test_a_delivery_between_failures_shows_that_the_receiver_is_there(forwarder):
    forwarder.arrive(*(f"r{n}" for n in range(9)))
    events = forwarder.take()
    for event in events[:4]:
        forwarder.settle(event, Unreachable("timeout"))
    forwarder.settle(events[4], Delivered())

    assert [forwarder.settle(event, Unreachable("timeout")).forwarder for event in events[5:]] == [""] * 4


def test_a_receiver_that_is_away_for_days_gets_one_probe_at_a_time_and_everything_in_the_end(forwarder):
    names = [f"r{n}" for n in range(8)]
    forwarder.arrive(*names)
    fail_all(forwarder, Unreachable("refused"))
    assert forwarder.take() == []

    probed = set()
    for _ in range(3 * len(names)):
        forwarder.pass_time(PROBE_MS / 1000)
        probe = forwarder.take_one()
        assert forwarder.take() == []
        forwarder.settle(probe, Unreachable("refused"))
        probed.add(probe.event_id)
    forwarder.pass_time(3 * DAY_S)

    assert probed == set(names)
    assert set(waiting(forwarder).values()) == {0}
    assert dead(forwarder) == {}
    assert forwarder.settle(forwarder.take_one(), Delivered()).forwarder == "released"
    assert len(forwarder.take()) == len(names) - 1


def test_a_probe_does_not_wait_for_its_time(forwarder):
    forwarder.arrive(*(f"r{n}" for n in range(5)))
    fail_all(forwarder, Later("500"))  # answers count as attempts, and all wait for 5 s at least
    forwarder.pass_time(PROBE_MS / 1000 + 1)
    forwarder.redis.zadd(forwarder.keys.forward_due(forwarder.name), {f"r{n}": 4e12 for n in range(5)})

    assert len(forwarder.take()) == 1


def test_events_that_only_ever_fail_burn_their_attempts_although_they_hold_the_forwarder(forwarder):
    """A receiver that answers well to others gets rid of them in the end."""
    bad = {f"bad{n}" for n in range(5)}
    forwarder.arrive(*sorted(bad))
    for number in range(100):
        forwarder.arrive(f"good{number}")
        forwarder.pass_time(DAY_S)
        for _ in range(20):
            for event in forwarder.take():
                is_bad = event.event_id in bad
                forwarder.settle(event, Later("500") if is_bad else Delivered())
            forwarder.pass_time(PROBE_MS / 1000)
        if set(dead(forwarder)) == bad:
            break

    assert set(dead(forwarder)) == bad
    assert waiting(forwarder) == {}


def test_a_lease_that_runs_out_during_a_hold_costs_no_attempt(forwarder):
    forwarder.arrive(*(f"r{n}" for n in range(6)))
    events = forwarder.take()
    for event in events[:5]:
        forwarder.settle(event, Unreachable("timeout"))
    forwarder.pass_time(31)
    forwarder.take()

    assert waiting(forwarder)["r5"] == 0


def test_a_halt_for_good_waits_for_a_person(forwarder):
    forwarder.arrive("r1", "r2")
    assert forwarder.settle(forwarder.take(1)[0], Halted("410", lasting=True)).forwarder == "paused"
    forwarder.pass_time(9 * DAY_S)

    assert forwarder.take() == []
    assert state(forwarder).paused == "410"
    assert waiting(forwarder) == {"r1": 0, "r2": 0}


def test_a_halt_for_now_ends_with_the_first_delivery(forwarder):
    forwarder.arrive("r1", "r2")
    first, second = forwarder.take()
    assert forwarder.settle(first, Halted("535", lasting=False)).forwarder == "held"
    assert forwarder.settle(second, Halted("535", lasting=False)).forwarder == ""
    assert forwarder.take() == []
    forwarder.pass_time(PROBE_MS / 1000)

    assert forwarder.settle(forwarder.take_one(), Delivered()).forwarder == "released"
    assert forwarder.take_one().attempts == 1


def test_a_full_store_leaves_the_rest_in_the_stream(redis_client):
    forwarder = HandForwarder(redis_client, room=3)
    for number in range(5):
        forwarder.add(reply(f"r{number}"))

    assert forwarder.take_in() == 3
    assert forwarder.store.take_in({}).run(redis_client).is_full
    for event in forwarder.take():
        forwarder.settle(event, Delivered())
    assert forwarder.take_in() == 2


def test_an_event_that_redis_lost_is_nobodys(forwarder):
    forwarder.arrive("r1", "r2")
    held = forwarder.take(1)[0]
    forwarder.redis.delete(forwarder.keys.event("bookings", "r1"), forwarder.keys.event("bookings", "r2"))
    forwarder.pass_time(31)

    assert forwarder.take() == []
    assert forwarder.settle(held, Delivered()).event == "late"
    assert state(forwarder).waiting == 0


def test_a_clock_that_went_back_makes_nothing_wait_for_long(forwarder):
    forwarder.arrive("r1", "r2")
    forwarder.take(1)
    forwarder.redis.zadd(forwarder.keys.forward_due("bookings"), {"r2": 4e12})
    forwarder.redis.zadd(forwarder.keys.forward("bookings") + ":leases", {"r1": 4e12})
    forwarder.take()
    forwarder.pass_time(31)
    forwarder.take()
    forwarder.pass_time(18 * 3600)

    assert {each.event_id for each in forwarder.take()} == {"r1", "r2"}


def test_a_short_schedule_is_a_schedule(redis_client):
    forwarder = HandForwarder(redis_client, schedule=Schedule((0, 1)))
    forwarder.arrive("r1")
    forwarder.settle(forwarder.take_one(), Later("500"))
    forwarder.pass_time(2)

    assert forwarder.settle(forwarder.take_one(), Later("500")).event == "dead"


@pytest.mark.parametrize("name", ["", "A", "a b", "a:b", "é", "-a", "a" * 41])
def test_a_forwarder_has_a_simple_name(name):
    with pytest.raises(ValueError, match="1 to 40"):
        check_name(name)


def test_a_receiver_that_wants_to_be_asked_less_often_is(forwarder):
    forwarder.arrive("r1", "r2")
    for probe_s in (5, 400, 9_999):
        (event,) = forwarder.take(1)
        forwarder.settle(event, Halted("535", lasting=False, probe_s=probe_s))

        forwarder.pass_time(min(probe_s, PROBE_MAX_MS / 1000) - 2)
        assert forwarder.take() == []
        forwarder.pass_time(3)

    assert state(forwarder).now_ms - state(forwarder).since_ms > 900_000
    assert waiting(forwarder) == {"r1": 0, "r2": 0}
    forwarder.settle(forwarder.take_one(), Delivered())
    assert state(forwarder).held is None


def test_an_event_that_redis_refuses_keeps_those_behind_it_and_loses_none(redis_client):
    forwarder = HandForwarder(redis_client)
    for name in ("r1", "r2", "r3"):
        forwarder.add(reply(name))
    redis_client.set(forwarder.keys.event(forwarder.name, "r2"), "of another type")
    for _ in range(2):
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            forwarder.take_in()

    redis_client.delete(forwarder.keys.event(forwarder.name, "r2"))
    assert forwarder.take_in() == 2
    assert [event.event_id for event in forwarder.take()] == ["r1", "r2", "r3"]


def test_an_entry_that_the_stream_has_dropped_meanwhile_is_passed_over(redis_client):
    forwarder = HandForwarder(redis_client)
    entry = forwarder.add(reply("r1"))
    redis_client.xreadgroup(
        f"forward:{forwarder.name}", "intake", {forwarder.keys.stream("replies"): ">"}, count=1
    )
    redis_client.xdel(forwarder.keys.stream("replies"), entry)
    forwarder.add(reply("r2"))
    while forwarder.take_in():
        pass
    assert [event.event_id for event in forwarder.take()] == ["r2"]


@pytest.mark.parametrize("name", [b"\xff", "é".encode(), b"two words", b"line\nfeed", b"x" * 201, b""])
def test_an_event_whose_name_is_no_plain_word_is_named_by_its_entry(forwarder, name):
    """Whoever tries out a stream must not end the process, which holds the events of all others."""
    fields = {**to_fields(reply("r1")), "event_id": name}
    entry = forwarder.redis.xadd(forwarder.keys.stream("replies"), fields).decode()
    forwarder.take_in()
    forwarder.arrive("r2")

    assert event_id_of(entry.encode(), {b"event_id": name}) == entry
    assert [event.event_id for event in forwarder.take()] == [entry, "r2"]
