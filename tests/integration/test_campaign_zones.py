"""A slice of a campaign is one message for each zone of its recipients, and nobody gets two."""

from collections.abc import Iterator

import pytest
import redis

from producers import CampaignCancellation, Producer, Recipient, RequestIdConflict
from producers.contract.steps import drive
from producers.queueing import chunks
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from tests.support.hand_worker import HandWorker, numbers_of
from tests.support.keys import AllKeys
from tests.support.redis_history import retention_passes
from worker.gateway.outcomes import Accepted
from worker.inquiry.campaigns import find, slices

KEYS = AllKeys()
TEXT, NAME = "Sale STOP au 30101", "spring"
FRENCH = [f"+3361200000{n}" for n in range(9)]
ISLANDS = [f"+26269212345{n}" for n in range(9)]
#: Three slices: the first has two zones, the second the mainland alone, the third has none of it.
PEOPLE = [*FRENCH[:2], *ISLANDS[:2], *FRENCH[2:6], *ISLANDS[2:4]]
NAMES = ["spring.0", "spring.0.RE", "spring.1", "spring.2.RE"]
NO_HOURS = ProducerSettings(marketing_hours_fr="off", marketing_hours_other="off")


@pytest.fixture(autouse=True)
def _short_slices(monkeypatch):
    monkeypatch.setattr(chunks, "SLICE", 4)


@pytest.fixture
def sms(redis_client) -> Iterator[Producer]:
    return Producer(client=redis_client, settings=NO_HOURS)


@pytest.fixture
def hand(redis_client) -> HandWorker:
    return HandWorker(redis_client, queue="marketing")


def send(sms: Producer, people=PEOPLE, **options):
    return sms.send_campaign(TEXT, people, campaign_id=NAME, sender="Bistro", **options)


def work(hand: HandWorker) -> list[str]:
    """Let all that is queued be accepted; return the numbers."""
    claims = hand.take()
    for claim in claims:
        assert hand.finish(claim, Accepted(None)) == "accepted"
    return sorted(number for claim in claims for number in numbers_of(claim))


def queued(client: redis.Redis) -> list[str]:
    return sorted(each.decode() for each in client.lrange(KEYS.queue("marketing").ready, 0, -1))


def test_the_messages_of_a_slice_are_queued_with_its_zones(sms, redis_client):
    campaign = send(sms)

    assert queued(redis_client) == NAMES
    assert (campaign.slices, campaign.created, campaign.recipients) == (4, 4, 10)
    status = sms.campaign_status(NAME)
    assert (status.recipients, status.slices, status.complete) == (10, 3, True)
    assert redis_client.hget(KEYS.record("spring.0.RE"), "zones") == b"RE"


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_second_run_queues_nothing_whether_records_are_there_or_gone(sms, hand, redis_client, forgotten):
    send(sms)
    assert work(hand) == sorted(PEOPLE)
    if forgotten:
        for name in NAMES:
            redis_client.delete(KEYS.record(name))
    again = send(sms)

    assert (again.created, again.existing) == (0, 4)
    assert queued(redis_client) == []


@pytest.mark.parametrize("ended", ["not", "ended", "forgotten"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Somebody moves to a zone that the slice has, or to one that is new in it; all of them move.
        ([*FRENCH[:2], *ISLANDS[:2]], [FRENCH[0], Recipient(FRENCH[1], zone="RE"), *ISLANDS[:2]]),
        ([*FRENCH[:2], *ISLANDS[:2]], [*FRENCH[:2], ISLANDS[0], Recipient(ISLANDS[1], zone="YT")]),
        (FRENCH[:4], [*FRENCH[:3], Recipient(FRENCH[3], zone="FR-AM")]),
        (FRENCH[:4], [Recipient(each, zone="FR-AM") for each in FRENCH[:4]]),
        (ISLANDS[:4], [Recipient(each, zone="FR") for each in ISLANDS[:4]]),
    ],
)
def test_nobody_is_texted_twice_who_is_in_another_zone_in_the_second_run(
    sms, hand, redis_client, before, after, ended
):
    send(sms, before)
    if ended != "not":
        work(hand)
    if ended == "forgotten":
        for name in ("spring.0", "spring.0.RE"):
            redis_client.delete(KEYS.record(name))
    there = queued(redis_client)

    try:
        again = send(sms, after)
    except RequestIdConflict:
        pass
    else:
        # A record that is gone can no longer be compared; what has ended is not queued again.
        assert (ended, again.created) == ("forgotten", 0)
    assert queued(redis_client) == there


def test_what_redis_has_lost_is_queued_again_with_all_of_its_zones(sms, redis_client):
    send(sms)
    redis_client.flushall()

    assert send(sms).created == 4
    assert queued(redis_client) == NAMES


def test_a_part_of_a_slice_that_redis_has_lost_reserves_for_itself_alone(sms, redis_client):
    """Four texts at 0.25, of which two are lost: with them the campaign costs 1 euro, as before."""
    send(sms, PEOPLE[:4], budget="1")
    redis_client.delete(KEYS.record("spring.0.RE"), KEYS.body("spring.0.RE"))
    redis_client.hset(KEYS.campaign(NAME), "reserved", 500_000)

    assert send(sms, PEOPLE[:4], budget="1").created == 1
    assert redis_client.hget(KEYS.campaign(NAME), "reserved") == b"1000000"


def test_a_cancel_reaches_every_message_of_every_slice(sms, hand, redis_client):
    send(sms)

    assert sms.cancel_campaign(NAME) == CampaignCancellation(cancelled=4, too_late=0)
    assert sms.campaign_status(NAME).cancelled == 10
    assert work(hand) == []


def test_what_is_known_of_the_zones_is_kept_and_forgotten_with_the_campaign(sms, hand, redis_client):
    send(sms)
    assert redis_client.ttl(KEYS.campaign_zones(NAME)) == -1
    work(hand)
    keys = KEYS.campaign(NAME), KEYS.campaign_ended(NAME), KEYS.campaign_zones(NAME)

    assert len({redis_client.pexpiretime(key) for key in keys}) == 1
    retention_passes(redis_client)
    assert not any(redis_client.exists(key) for key in keys)


def test_people_see_every_message_of_a_slice(sms, redis_client):
    send(sms)
    status = drive(find(KEYS, Hours(RulesSettings()), NAME), redis_client)

    rows = drive(slices(KEYS, status), redis_client).rows
    assert [row.request_id for row in rows] == ["spring.2.RE", "spring.1", "spring.0", "spring.0.RE"]
