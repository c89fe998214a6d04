"""Sending all again that match: planned first, carried out by whoever is there, nothing twice."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from producers import Producer
from producers.contract.scripts import Command
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands, drive
from producers.queueing.rounds import read_rounds
from tests.support.keys import AllKeys
from tests.support.sends import claim_one, finish_one
from worker.gateway.outcomes import Refused
from worker.inquiry import audit
from worker.operator.bulk import AT_ONCE, LEASE_MS, Bulk, Job
from worker.operator.decisions import Decisions

KEYS = AllKeys()
SETTINGS = RedisSettings()
READY = KEYS.queue("alert").ready


@pytest.fixture
def bulk() -> Bulk:
    return Bulk(SETTINGS)


def job_of(client, bulk: Bulk, job_id: str) -> Job:
    job = drive(bulk.find(job_id), client)
    assert job is not None
    return job


def planned(client, bulk: Bulk, state: str | None = "rejected", code: str | None = None) -> str:
    return drive(bulk.plan(state, code, "ben"), client)


def begun(client, bulk: Bulk, **match) -> str:
    job_id = planned(client, bulk, **match)
    assert bulk.begin(job_id, "ben").run(client) is None
    return job_id


def stopped_after_reading(client, bulk: Bulk) -> Callable[[], Any]:
    """Let a console stand still when it has read what it would send again.

    Returns:
        Lets it go on, and gives its next step, which nobody has run.
    """
    steps = bulk.work()
    step = next(steps)
    while not (isinstance(step, Commands) and step.commands[0][0] == "GET"):
        step = steps.send(step.run(client))
    return partial(steps.send, step.run(client))


def work_off(client, bulk: Bulk) -> None:
    while drive(bulk.work(), client):
        pass


def queued(client) -> list[str]:
    return [each.decode() for each in client.lrange(READY, 0, -1)]


def test_a_plan_counts_and_prices_and_sends_nothing(redis_client, parked, bulk):
    parked("a", "b")
    parked("late", ttl=timedelta(hours=1))
    redis_client.hincrby(KEYS.record("late"), "expires", -3_601_000)
    parked("lost", code="122")
    redis_client.delete(KEYS.body("lost"))
    parked("nobody_knows", state="unknown")
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.049")

    job = job_of(redis_client, bulk, planned(redis_client, bulk))

    assert (job.state, job.total, job.examined) == ("planned", 4, 4)
    assert (job.cost, job.unpriced, job.expired, job.lost) == (Decimal("0.098"), 0, 1, 1)
    assert queued(redis_client) == []
    assert drive(bulk.work(), redis_client) is False


def test_a_price_that_nobody_knows_is_said_to_be_unknown(redis_client, parked, bulk):
    parked("a", "b")

    job = job_of(redis_client, bulk, planned(redis_client, bulk))

    assert (job.cost, job.unpriced) == (0, 2)


def test_a_job_sends_again_what_matches_and_nothing_else(redis_client, parked, bulk):
    parked("a", "b")
    parked("other", code="122")
    parked("nobody_knows", state="unknown", code="121")

    job_id = begun(redis_client, bulk, code="121")
    work_off(redis_client, bulk)

    assert queued(redis_client) == ["a", "b"]
    job = job_of(redis_client, bulk, job_id)
    assert (job.state, job.queued, job.left, job.match) == ("done", 2, 0, "rejected 121")


def test_a_job_about_all_codes_takes_them_one_after_the_other(redis_client, parked, bulk):
    parked(*(f"a{n}" for n in range(AT_ONCE + 1)))
    parked("b", code="122")

    job_id = begun(redis_client, bulk, state=None)
    work_off(redis_client, bulk)

    assert sorted(queued(redis_client)) == sorted([*(f"a{n}" for n in range(AT_ONCE + 1)), "b"])
    assert job_of(redis_client, bulk, job_id).queued == AT_ONCE + 2


def test_what_is_left_alone_keeps_nobody_from_the_rest(redis_client, parked, bulk):
    names = [f"a{n:03}" for n in range(2 * AT_ONCE)]
    parked(*names)
    for name in names[: AT_ONCE + 5]:
        redis_client.delete(KEYS.body(name))

    job_id = begun(redis_client, bulk)
    work_off(redis_client, bulk)

    assert queued(redis_client) == names[AT_ONCE + 5 :]
    job = job_of(redis_client, bulk, job_id)
    assert (job.queued, job.left, job.not_replayable) == (AT_ONCE - 5, 0, AT_ONCE + 5)


@pytest.mark.parametrize(
    "damaged", [b"{", b"\xff\xfe", b"[]", b"7", b"{}", b'{"request_id": 7}', b'{"request_id": "\xff"}', b""]
)
def test_a_message_whose_body_nobody_can_read_is_left_out_and_the_job_ends(
    redis_client, parked, bulk, damaged
):
    parked("a", "b", "c")
    redis_client.set(KEYS.body("b"), damaged)

    job_id = begun(redis_client, bulk)
    work_off(redis_client, bulk)

    job = job_of(redis_client, bulk, job_id)
    assert (job.state, job.queued, job.left, job.not_replayable) == ("done", 2, 0, 1)
    assert queued(redis_client) == ["a", "c"]
    assert redis_client.get(KEYS.body("b")) == damaged
    assert drive(Decisions(SETTINGS, "anna").replay("b"), redis_client) == "body_damaged"


def test_a_plan_begins_once(redis_client, parked, bulk):
    parked("a")
    job_id = planned(redis_client, bulk)

    assert [bulk.begin(job_id, "ben").run(redis_client) for _ in range(2)] == [None, "running"]
    work_off(redis_client, bulk)
    assert bulk.begin(job_id, "ben").run(redis_client) == "done"
    assert bulk.begin("nobody", "ben").run(redis_client) == "gone"
    assert queued(redis_client) == ["a"]


def test_a_plan_is_forgotten_and_a_job_is_not(redis_client, parked, bulk):
    parked("a")
    job_id = planned(redis_client, bulk)
    assert 0 < redis_client.pttl(KEYS.bulk(job_id)) <= 900_000

    bulk.begin(job_id, "ben").run(redis_client)
    assert redis_client.pttl(KEYS.bulk(job_id)) == -1

    work_off(redis_client, bulk)
    assert redis_client.pttl(KEYS.bulk(job_id)) > 900_000


def test_a_job_that_is_stopped_sends_no_more(redis_client, parked, bulk):
    parked(*(f"a{n}" for n in range(2 * AT_ONCE)))
    job_id = begun(redis_client, bulk)
    assert drive(bulk.work(), redis_client)

    assert bulk.stop(job_id, "anna").run(redis_client) is None

    assert drive(bulk.work(), redis_client) is False
    assert len(queued(redis_client)) == AT_ONCE
    job = job_of(redis_client, bulk, job_id)
    assert (job.state, job.queued) == ("stopped", AT_ONCE)
    assert bulk.stop(job_id, "anna").run(redis_client) == "stopped"


def test_another_console_goes_on_where_a_dead_one_was(redis_client, parked, bulk):
    parked(*(f"a{n:03}" for n in range(3 * AT_ONCE)))
    job_id = begun(redis_client, bulk)
    drive(bulk.work(), redis_client)
    other = Bulk(SETTINGS)
    assert drive(other.work(), redis_client) is False, "its owner may live"

    redis_client.zincrby(KEYS.bulks_running, -LEASE_MS - 1000, job_id)
    work_off(redis_client, other)

    assert queued(redis_client) == [f"a{n:03}" for n in range(3 * AT_ONCE)]
    assert job_of(redis_client, other, job_id).queued == 3 * AT_ONCE


def test_a_console_that_comes_back_too_late_is_turned_away(redis_client, parked, bulk):
    parked(*(f"a{n:03}" for n in range(AT_ONCE)))
    job_id = begun(redis_client, bulk)
    go_on = stopped_after_reading(redis_client, bulk)
    redis_client.zincrby(KEYS.bulks_running, -LEASE_MS - 1000, job_id)
    work_off(redis_client, Bulk(SETTINGS))

    run = go_on()

    assert run.run(redis_client) == "done"
    assert len(queued(redis_client)) == AT_ONCE
    assert job_of(redis_client, bulk, job_id).queued == AT_ONCE


@pytest.mark.parametrize("steps_made", range(1, 12))
def test_a_job_whose_console_dies_at_any_step_sends_each_message_once(redis_client, parked, steps_made):
    names = [f"a{n:03}" for n in range(AT_ONCE + 7)]
    parked(*names)
    job_id = begun(redis_client, Bulk(SETTINGS))
    for _ in range(3):
        die_after(steps_made, redis_client)
        if redis_client.zscore(KEYS.bulks_running, job_id):
            redis_client.zincrby(KEYS.bulks_running, -LEASE_MS - 1000, job_id)
    work_off(redis_client, Bulk(SETTINGS))

    assert queued(redis_client) == names
    assert job_of(redis_client, Bulk(SETTINGS), job_id).queued == len(names)


def die_after(steps_made: int, client) -> None:
    """Let a console make so many steps and be gone."""
    steps = Bulk(SETTINGS).work()
    try:
        step = next(steps)
        for _ in range(steps_made):
            step = steps.send(step.run(client))
    except StopIteration:
        return


def test_a_message_that_ends_once_more_is_not_sent_again_by_the_same_job(redis_client, parked, bulk, ledger):
    parked("a")
    job_id = begun(redis_client, bulk)
    [first] = [drive(Decisions(SETTINGS, "anna").replay("a"), redis_client)]
    assert first is None
    redis_client.delete(READY)
    assert finish_one(ledger, claim_one(ledger, "a"), Refused("121")) == "rejected"

    work_off(redis_client, bulk)

    assert queued(redis_client) == []
    job = job_of(redis_client, bulk, job_id)
    assert (job.state, job.queued) == ("done", 0)


def test_a_message_that_was_sent_again_keeps_its_new_id_after_the_clock_went_back(
    redis_client, parked, bulk, ledger
):
    parked("a")
    begun(redis_client, bulk)
    go_on = stopped_after_reading(redis_client, bulk)
    drive(Decisions(SETTINGS, "anna").replay("a"), redis_client)
    redis_client.delete(READY)
    finish_one(ledger, claim_one(ledger, "a"), Refused("121"))
    redis_client.hincrby(KEYS.record("a"), "ended", -3_600_000)

    run = go_on()

    assert run.run(redis_client) == "running"
    assert queued(redis_client) == []


def test_a_message_that_others_sent_again_twice_meanwhile_never_gets_an_id_it_had(
    redis_client, parked, bulk, ledger
):
    parked("a")
    begun(redis_client, bulk)
    go_on = stopped_after_reading(redis_client, bulk)
    for _ in range(2):
        drive(Decisions(SETTINGS, "anna").replay("a"), redis_client)
        redis_client.delete(READY)
        finish_one(ledger, claim_one(ledger, "a"), Refused("121"))

    run = go_on()

    assert run.run(redis_client) == "running"
    assert queued(redis_client) == []


def test_a_message_leaves_under_a_new_id_towards_the_gateway(redis_client, parked, bulk):
    parked("a")
    before = json.loads(redis_client.get(KEYS.body("a")))
    begun(redis_client, bulk)
    work_off(redis_client, bulk)

    after = json.loads(redis_client.get(KEYS.body("a")))

    assert after.pop("request_id") != before.pop("request_id")
    assert after == before


def test_the_counts_and_the_groups_balance(redis_client, redis_url, parked, bulk):
    parked("a", "b")
    begun(redis_client, bulk)
    work_off(redis_client, bulk)

    counts = {name.decode(): int(value) for name, value in redis_client.hgetall(KEYS.counts).items()}
    assert (counts["enqueued"], counts["rejected"]) == (2, 0)
    assert redis_client.zcard(KEYS.parked) == 0
    assert redis_client.zcard(KEYS.parked_group("rejected", "121")) == 0
    assert Producer(redis_url).status("a").state == "queued"


def test_texts_of_any_size_go_a_bearable_part_at_a_time(redis_client, sms: Producer, ledger, bulk):
    numbers = [f"+336{n:08}" for n in range(12_000_000, 12_000_000 + 3 * 500)]
    sms.send_campaign("Hello " * 20 + "STOP au 30101", numbers, sender="Bistro", campaign_id="spring")
    for n in range(3):
        finish_one(ledger, claim_one(ledger, f"spring.{n}"), Refused("121"))
    ready = KEYS.queue("marketing").ready
    redis_client.delete(ready)

    begun(redis_client, bulk)
    work_off(redis_client, bulk)

    assert redis_client.lrange(ready, 0, -1) == [b"spring.0", b"spring.1", b"spring.2"]


def test_each_step_of_a_person_is_audited_and_no_text_or_number_is(redis_client, parked, bulk):
    parked("a")
    job_id = begun(redis_client, bulk)
    work_off(redis_client, bulk)
    other = begun(redis_client, bulk)
    bulk.stop(other, "anna").run(redis_client)

    rows = [(row.action, row.by, dict(row.about)) for row in drive(audit.newest(KEYS), redis_client).rows]

    assert rows[::-1] == [
        ("replay_all", "ben", {"job": job_id, "match": "rejected", "messages": "1"}),
        ("replay_all_done", "ben", {"job": job_id, "queued": "1", "left": "0", "not_replayable": "0"}),
        ("replay_all", "ben", {"job": other, "match": "rejected", "messages": "0"}),
        ("replay_all_stopped", "anna", {"job": other, "queued": "0", "left": "0", "not_replayable": "0"}),
    ]


def test_the_newest_jobs_are_listed_first(redis_client, parked, bulk):
    parked("a")
    job_ids = [planned(redis_client, bulk) for _ in range(3)]
    redis_client.delete(KEYS.bulk(job_ids[1]))

    assert [job.job_id for job in drive(bulk.newest(), redis_client)] == [job_ids[2], job_ids[0]]


def test_what_nobody_knows_is_never_sent_again_together(redis_client, bulk):
    with pytest.raises(ValueError, match="state must be one of"):
        planned(redis_client, bulk, state="unknown")


def test_a_code_that_somebody_made_up_matches_nothing(redis_client, parked, bulk):
    parked("a")

    assert job_of(redis_client, bulk, planned(redis_client, bulk, code="121\r\nx")).total == 0


def stepped_to(script: str, client, bulk: Bulk):
    """Let a console work up to a script; return that, not run."""
    while True:
        steps = bulk.work()
        step = next(steps)
        while step is not None:
            if isinstance(step, Command) and step.script.name == script:
                return step
            try:
                step = steps.send(step.run(client))
            except StopIteration:
                step = None


def test_a_job_that_is_stopped_between_two_steps_sends_no_more(redis_client, parked, bulk):
    parked("a")
    job_id = begun(redis_client, bulk)
    run = stepped_to("run_bulk", redis_client, bulk)

    bulk.stop(job_id, "anna").run(redis_client)

    assert run.run(redis_client) == "stopped"
    assert queued(redis_client) == []


def test_a_console_that_was_overtaken_ends_no_job(redis_client, parked, bulk):
    parked("a")
    job_id = begun(redis_client, bulk)
    end = stepped_to("end_bulk", redis_client, bulk)
    redis_client.hset(KEYS.bulk(job_id), "owner", "another")

    assert end.run(redis_client) == "overtaken"
    assert job_of(redis_client, bulk, job_id).state == "running"


def test_a_console_that_was_overtaken_sends_nothing(redis_client, parked, bulk):
    parked("a")
    job_id = begun(redis_client, bulk)
    run = stepped_to("run_bulk", redis_client, bulk)
    redis_client.hset(KEYS.bulk(job_id), "owner", "another")

    assert run.run(redis_client) == "overtaken"
    assert queued(redis_client) == []


def test_a_record_that_is_damaged_keeps_no_job_and_leaves_none_half_done(redis_client, parked, bulk):
    """What a script has done before it fails stays done, and a job that fails would fail for ever."""
    parked("a", "b", "c")
    redis_client.hdel(KEYS.record("b"), "ended")
    redis_client.hset(KEYS.record("c"), "rounds", "{")

    job_id = begun(redis_client, bulk)
    work_off(redis_client, bulk)

    job = job_of(redis_client, bulk, job_id)
    assert (job.state, job.queued, job.left) == ("done", 2, 1)
    assert queued(redis_client) == ["a", "c"]
    [round_before] = read_rounds(redis_client.hget(KEYS.record("c"), "rounds").decode())
    assert round_before.state == "rejected"
