"""Campaigns against a real Redis, with both producers: queued once whatever happens, steered, counted."""

import asyncio
import inspect
import itertools
import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import redis

from producers import (
    AsyncProducer,
    CampaignCancellation,
    CampaignCancelled,
    InvalidMessage,
    Producer,
    QueueUnavailable,
    RequestIdConflict,
)
from producers.contract.keys import Keys
from producers.settings import ProducerSettings
from tests.support.both_producers import Blocking, sms
from tests.support.hand_worker import HandWorker
from worker.gateway.outcomes import Accepted
from worker.inquiry.campaigns import word_of

__all__ = ["sms"]

GOOD = {"sender": "Bistro"}
TEXT = "Hello STOP au 30101"
KEYS = Keys()
PLANNED = datetime(2099, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000


def numbers(count: int, start: int = 0) -> Iterator[str]:
    return (f"+336{i:08d}" for i in range(12_000_000 + start, 12_000_000 + start + count))


def queued(redis_client: redis.Redis, queue: str = "marketing") -> list[str]:
    return [entry.decode() for entry in redis_client.lrange(KEYS.queue(queue).ready, 0, -1)]


def texted(redis_client: redis.Redis) -> Counter[str]:
    """Count how often each number stands in what is queued."""
    bodies = (redis_client.get(KEYS.body(request_id)) for request_id in queued(redis_client))
    return Counter(r["phone_number"] for body in bodies for r in json.loads(body)["recipients"])


def cut_short(source: Iterator[str], after: int) -> Iterator[str]:
    """A source whose reader dies."""
    yield from itertools.islice(source, after)
    raise KeyboardInterrupt


def parked(redis_client: redis.Redis, campaign_id: str) -> list[str]:
    """Put all that is queued aside, as claims of a paused campaign do."""
    entries = queued(redis_client)
    redis_client.rename(KEYS.queue("marketing").ready, KEYS.campaign_waiting(campaign_id))
    return entries


def test_a_campaign_is_queued_in_slices_under_its_id(sms, redis_client):
    result = sms.send_campaign(TEXT, numbers(1203), campaign_id="spring", **GOOD)

    assert (result.campaign_id, result.recipients, result.segments) == ("spring", 1203, 1203)
    assert (result.slices, result.created, result.existing, result.left_out) == (3, 3, 0, 0)
    assert queued(redis_client) == ["spring.0", "spring.1", "spring.2"]
    assert texted(redis_client) == Counter(numbers(1203))
    assert redis_client.hget(KEYS.record("spring.0"), "campaign") == b"spring"
    status = sms.campaign_status("spring")
    assert (status.recipients, status.pending, status.slices, status.complete) == (1203, 1203, 3, True)
    assert (status.cost, status.paused, status.stopped, status.done) == (Decimal(0), False, False, False)
    assert abs(status.started_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert status.started_at <= status.completed_at
    assert redis_client.ttl(KEYS.campaign("spring")) == -1


def test_again_it_queues_nothing(sms, redis_client):
    sms.send_campaign(TEXT, numbers(1203), campaign_id="spring", **GOOD)

    again = sms.send_campaign(TEXT, list(numbers(1203)), campaign_id="spring", **GOOD)

    assert (again.created, again.existing, again.recipients) == (0, 3, 1203)
    assert len(queued(redis_client)) == 3
    assert sms.campaign_status("spring").recipients == 1203


@pytest.mark.parametrize("after", [0, 499, 500, 501, 1000, 1202, 1203])
def test_a_run_cut_short_is_gone_on_with_and_nobody_is_texted_twice(sms, redis_client, after):
    with pytest.raises(KeyboardInterrupt):
        sms.send_campaign(TEXT, cut_short(numbers(1203), after), campaign_id="spring", **GOOD)
    first = len(queued(redis_client))

    result = sms.send_campaign(TEXT, numbers(1203), campaign_id="spring", **GOOD)

    assert first == after // 500
    assert (result.created, result.existing) == (3 - first, first)
    assert texted(redis_client) == Counter(numbers(1203))


def test_two_runs_at_once_queue_everybody_once(sms, redis_client, redis_url):
    other = Producer(redis_url)

    def meanwhile():
        for position, number in enumerate(numbers(2100)):
            if position == 1300:
                other.send_campaign(TEXT, numbers(2100), campaign_id="spring", **GOOD)
            yield number

    result = sms.send_campaign(TEXT, meanwhile(), campaign_id="spring", **GOOD)

    assert (result.created, result.existing) == (2, 3)
    assert texted(redis_client) == Counter(numbers(2100))


def test_a_list_that_was_changed_is_refused_at_the_first_difference(sms, redis_client):
    with pytest.raises(KeyboardInterrupt):
        sms.send_campaign(TEXT, cut_short(numbers(2000), 1100), campaign_id="spring", **GOOD)

    with pytest.raises(RequestIdConflict) as caught:
        sms.send_campaign(TEXT, ["+33699999999", *numbers(2000)], campaign_id="spring", **GOOD)

    assert caught.value.request_ids == ("spring.0",)
    assert texted(redis_client) == Counter(numbers(1000))


def test_another_text_under_the_same_id_is_refused(sms, redis_client):
    sms.send_campaign(TEXT, numbers(10), campaign_id="spring", **GOOD)
    with pytest.raises(RequestIdConflict):
        sms.send_campaign("Other STOP au 30101", numbers(10), campaign_id="spring", **GOOD)
    assert len(queued(redis_client)) == 1


def test_a_number_met_before_is_refused_or_left_out(sms, redis_client):
    twice = [*numbers(600), *numbers(1)]
    with pytest.raises(InvalidMessage) as caught:
        sms.send_campaign(TEXT, twice, campaign_id="a", **GOOD)
    assert list(caught.value.fields) == ["recipients[600].phone_number"]
    assert queued(redis_client) == ["a.0"]
    redis_client.flushall()

    told = []
    result = sms.send_campaign(
        TEXT, twice, campaign_id="b", on_invalid=lambda *args: told.append(args), **GOOD
    )

    assert (result.recipients, result.left_out, told[0][:2]) == (600, 1, (600, next(numbers(1))))
    assert texted(redis_client) == Counter(numbers(600))


def test_after_mending_in_place_a_refused_campaign_goes_on(sms, redis_client):
    given = list(numbers(1200))
    with pytest.raises(InvalidMessage):
        sms.send_campaign(TEXT, [*given[:700], "rubbish", *given[701:]], campaign_id="spring", **GOOD)

    sms.send_campaign(TEXT, given, campaign_id="spring", **GOOD)

    assert texted(redis_client) == Counter(given)


def test_options_reach_every_slice(sms, redis_client):
    options = {"send_at": PLANNED, "ttl": timedelta(hours=1), "context": {"c": 1}, "with_replies": True}
    sms.send_campaign("Hello", numbers(501), campaign_id="spring", purpose="alert", **options, **GOOD)

    assert redis_client.zrange(KEYS.queue("alert").delayed, 0, -1) == [b"spring.0", b"spring.1"]
    status = sms.status("spring.1")
    assert (status.context, status.due_at, status.expires_at) == (
        {"c": 1},
        PLANNED,
        PLANNED + timedelta(hours=1),
    )
    assert json.loads(redis_client.get(KEYS.body("spring.1")))["with_replies"] is True


def test_nobody_is_a_campaign_that_is_soon_forgotten(sms, redis_client):
    result = sms.send_campaign(TEXT, [], campaign_id="spring", **GOOD)

    assert (result.recipients, result.slices) == (0, 0)
    assert sms.campaign_status("spring").done
    assert 0 < redis_client.pttl(KEYS.campaign("spring")) <= 7 * DAY_MS


def test_a_minted_id_is_told(sms):
    result = sms.send_campaign(TEXT, numbers(1), **GOOD)

    assert sms.campaign_status(result.campaign_id).recipients == 1


def test_asynchronous_sources_are_taken(redis_url, redis_client):
    async def source():
        for number in numbers(1203):
            yield number

    async def run():
        sms = AsyncProducer(redis_url)
        try:
            return await sms.send_campaign(TEXT, source(), campaign_id="spring", **GOOD)
        finally:
            await sms.close()

    assert asyncio.run(run()).slices == 3
    assert texted(redis_client) == Counter(numbers(1203))


def test_memory_does_not_grow_with_the_campaign(redis_url, redis_client):
    sms = Producer(redis_url)
    sms.send_campaign(TEXT, numbers(1000), **GOOD)
    tracemalloc.start()
    try:
        sms.send_campaign(TEXT, numbers(20_000), **GOOD)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2_500_000


def test_the_status_reads_what_workers_write(sms, redis_client):
    sms.send_campaign(TEXT, numbers(1500), campaign_id="spring", **GOOD)
    ends = {"accepted": 600, "rejected": 1, "expired": 2, "cancelled": 3, "failed": 4, "unknown": 5}
    redis_client.hset(KEYS.campaign("spring"), mapping={**ends, "cost": "12.340"})
    redis_client.rpush(KEYS.campaign_waiting("spring"), "spring.1")

    status = sms.campaign_status("spring")

    assert {name: getattr(status, name) for name in ends} == ends
    assert (status.pending, status.cost, status.waiting) == (885, Decimal("12.340"), 1)


def test_a_complete_run_over_a_campaign_that_has_ended_lets_it_be_forgotten(sms, redis_client):
    sms.send_campaign(TEXT, numbers(10), campaign_id="spring", **GOOD)
    redis_client.hset(KEYS.campaign("spring"), "accepted", 10)

    sms.send_campaign(TEXT, numbers(10), campaign_id="spring", **GOOD)

    assert sms.campaign_status("spring").done
    assert 0 < redis_client.pttl(KEYS.campaign("spring")) <= 7 * DAY_MS


def test_pause_marks_and_resume_gives_back_what_waits(sms, redis_client):
    sms.send_campaign(TEXT, numbers(1203), campaign_id="spring", **GOOD)
    assert [sms.pause_campaign("spring"), sms.pause_campaign("spring")] == ["paused", "paused"]
    assert sms.campaign_status("spring").paused
    entries = parked(redis_client, "spring")
    redis_client.hset(KEYS.record("spring.1"), "state", "accepted")
    redis_client.rpush(KEYS.campaign_waiting("spring"), "spring.gone")

    assert [sms.resume_campaign("spring"), sms.resume_campaign("spring")] == ["resumed", "resumed"]

    assert queued(redis_client) == [entry for entry in entries if entry != "spring.1"]
    assert redis_client.llen(KEYS.queue("marketing").wake) > 0
    assert not sms.campaign_status("spring").paused
    assert redis_client.exists(KEYS.campaign_waiting("spring")) == 0


def test_resume_gives_back_more_than_one_part_and_to_the_right_queue(sms, redis_client):
    sms.send_campaign(TEXT, numbers(1), campaign_id="spring", purpose="alert", **GOOD)
    redis_client.delete(KEYS.queue("alert").ready)
    sms.pause_campaign("spring")
    redis_client.rpush(KEYS.campaign_waiting("spring"), *["spring.0"] * 2500)

    assert sms.resume_campaign("spring") == "resumed"

    assert (len(queued(redis_client, "alert")), len(queued(redis_client))) == (2500, 0)


def test_resume_finds_what_waits_when_the_campaign_itself_is_forgotten(sms, redis_client):
    sms.send_campaign(TEXT, numbers(10), campaign_id="spring", **GOOD)
    parked(redis_client, "spring")
    redis_client.delete(KEYS.campaign("spring"))

    assert sms.resume_campaign("spring") == "resumed"
    assert queued(redis_client) == ["spring.0"]


def test_cancel_reaches_every_slice_once_and_is_safe_to_repeat(sms, redis_client):
    sms.send_campaign(TEXT, numbers(1203), campaign_id="spring", **GOOD)
    redis_client.hset(KEYS.record("spring.1"), "state", "sending")

    results = [sms.cancel_campaign("spring"), sms.cancel_campaign("spring")]

    assert results == [CampaignCancellation(cancelled=2, too_late=1)] * 2
    assert [sms.status(f"spring.{n}").state for n in range(3)] == ["cancelled", "sending", "cancelled"]
    status = sms.campaign_status("spring")
    assert (status.stopped, status.cancelled, status.pending) == (True, 703, 500)


def test_cancel_takes_many_round_trips_for_many_slices(sms, redis_client):
    names = [f"+336{i:08d}" for i in range(12_000_000, 12_000_250)]
    for n, number in enumerate(names):
        sms.send(number, TEXT, request_id=f"spring.{n}", **GOOD)
    redis_client.hset(KEYS.campaign("spring"), "slices", 251)

    assert sms.cancel_campaign("spring") == CampaignCancellation(250, 0)


def test_cancel_of_a_paused_campaign_forgets_what_waits(sms, redis_client):
    sms.send_campaign(TEXT, numbers(1203), campaign_id="spring", **GOOD)
    sms.pause_campaign("spring")
    parked(redis_client, "spring")

    assert sms.cancel_campaign("spring") == CampaignCancellation(3, 0)

    assert redis_client.exists(KEYS.campaign_waiting("spring")) == 0
    assert queued(redis_client) == []
    assert sms.campaign_status("spring").done
    assert [sms.pause_campaign("spring"), sms.resume_campaign("spring")] == ["stopped", "stopped"]


def test_a_campaign_that_is_done_stays_done(sms, redis_client):
    sms.send_campaign(TEXT, numbers(600), campaign_id="spring", **GOOD)
    hand = HandWorker(redis_client, queue="marketing")
    for claim in hand.take():
        hand.finish(claim, Accepted("t"))

    assert [sms.pause_campaign("spring"), sms.pause_campaign("spring")] == ["done", "done"]
    assert [sms.cancel_campaign("spring")] * 2 == [CampaignCancellation(0, 2, done=True)] * 2

    status = sms.campaign_status("spring")
    assert (status.done, status.paused, status.stopped, status.accepted) == (True, False, False, 600)
    assert sms.send_campaign(TEXT, numbers(600), campaign_id="spring", **GOOD).existing == 2


def test_a_campaign_that_ends_while_it_is_paused_is_done_and_no_cancel_changes_it(sms, redis_client):
    sms.send_campaign(TEXT, numbers(1), campaign_id="spring", **GOOD)
    hand = HandWorker(redis_client, queue="marketing")
    (claim,) = hand.take()
    assert sms.pause_campaign("spring") == "paused"
    hand.finish(claim, Accepted("t"))

    assert word_of(sms.campaign_status("spring")) == "done"
    assert sms.cancel_campaign("spring") == CampaignCancellation(0, 1, done=True)


def test_a_campaign_that_was_cut_short_is_not_done_and_can_be_cancelled(sms, redis_client):
    with pytest.raises(KeyboardInterrupt):
        sms.send_campaign(TEXT, cut_short(numbers(1000), 500), campaign_id="spring", **GOOD)
    hand = HandWorker(redis_client, queue="marketing")
    for claim in hand.take():
        hand.finish(claim, Accepted("t"))

    assert sms.cancel_campaign("spring") == CampaignCancellation(0, 1)
    assert sms.pause_campaign("spring") == "stopped"


@pytest.mark.parametrize("after", [0, 400, 1100])
def test_cancel_reaches_all_of_a_campaign_cut_short(sms, redis_client, after):
    with pytest.raises(KeyboardInterrupt):
        sms.send_campaign(TEXT, cut_short(numbers(2000), after), campaign_id="spring", **GOOD)

    result = sms.cancel_campaign("spring")

    assert result == (CampaignCancellation(after // 500, 0) if after >= 500 else None)


def test_a_cancelled_campaign_queues_nothing_more(sms, redis_client, redis_url):
    other = Producer(redis_url)

    def meanwhile():
        for position, number in enumerate(numbers(2000)):
            if position == 1200:
                other.cancel_campaign("spring")
            yield number

    for source in (meanwhile(), numbers(2000)):
        with pytest.raises(CampaignCancelled) as caught:
            sms.send_campaign(TEXT, source, campaign_id="spring", **GOOD)
        assert caught.value.campaign_id == "spring"
    assert {sms.status(f"spring.{n}").state for n in range(2)} == {"cancelled"}
    assert sms.status("spring.2") is None


def test_unknown_and_impossible_ids(sms):
    assert sms.campaign_status("nobody") is None
    assert sms.cancel_campaign("nobody") is None
    assert (sms.pause_campaign("nobody"), sms.resume_campaign("nobody")) == ("unknown_id", "unknown_id")
    for method in (sms.campaign_status, sms.cancel_campaign, sms.pause_campaign, sms.resume_campaign):
        with pytest.raises(InvalidMessage):
            method("spring:waiting")


def test_an_unreachable_redis_is_a_typed_error_that_carries_the_campaign():
    for producer in (Producer("redis://127.0.0.1:1/0"), Blocking("redis://127.0.0.1:1/0")):
        with pytest.raises(QueueUnavailable) as caught:
            producer.send_campaign(TEXT, numbers(1), **GOOD)
        assert caught.value.campaign_id
        for call in (producer.campaign_status, producer.cancel_campaign, producer.pause_campaign):
            with pytest.raises(QueueUnavailable) as caught:
                call("spring")
            assert caught.value.campaign_id == "spring"
        producer.close() if isinstance(producer, Producer) else producer.shut()


def test_the_namespace_holds_all_keys(redis_url, redis_client):
    sms = Producer(redis_url, settings=ProducerSettings(namespace="other"))
    sms.send_campaign(TEXT, numbers(501), campaign_id="spring", **GOOD)
    sms.pause_campaign("spring")
    sms.resume_campaign("spring")
    sms.cancel_campaign("spring")

    assert all(key.startswith(b"{other}:") for key in redis_client.scan_iter())


def test_both_producers_describe_a_campaign_alike():
    for name in ("send_campaign", "campaign_status", "pause_campaign", "resume_campaign", "cancel_campaign"):
        ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (Producer, AsyncProducer))
        assert list(ours.parameters) == list(theirs.parameters)


def test_campaigns_are_listed_by_the_start_of_their_first_run(sms, redis_client):
    for name in ("spring", "summer", "spring"):
        sms.send_campaign(TEXT, numbers(3), **GOOD, campaign_id=name)
    sms.send_campaign(TEXT, [], **GOOD, campaign_id="nobody")

    listed = redis_client.zrange(KEYS.campaigns, 0, -1, withscores=True)

    starts = {each: float(redis_client.hget(KEYS.campaign(each.decode()), "started")) for each, _ in listed}
    assert dict(listed) == starts
    assert {each.decode() for each in starts} == {"spring", "summer", "nobody"}


def test_the_list_of_campaigns_ends_somewhere_and_drops_old_ones_that_are_forgotten(sms, redis_client):
    sms.send_campaign(TEXT, numbers(3), **GOOD, campaign_id="kept")
    redis_client.zadd(KEYS.campaigns, {"kept": 1, "forgotten": 2})
    redis_client.zadd(KEYS.campaigns, {f"c{each}": 10 + each for each in range(10_001)})

    sms.send_campaign(TEXT, numbers(3), **GOOD, campaign_id="newest")

    assert redis_client.zcard(KEYS.campaigns) <= 10_000
    assert redis_client.zscore(KEYS.campaigns, "forgotten") is None
    assert redis_client.zrange(KEYS.campaigns, -1, -1) == [b"newest"]


def test_a_campaign_at_work_for_long_stays_listed_while_forgotten_ones_go(sms, redis_client):
    sms.send_campaign(TEXT, numbers(3), **GOOD, campaign_id="kept")
    redis_client.zadd(KEYS.campaigns, {"kept": 1, "forgotten": 2})

    sms.send_campaign(TEXT, numbers(3), **GOOD, campaign_id="newest")

    assert redis_client.zrange(KEYS.campaigns, 0, -1) == [b"kept", b"newest"]
