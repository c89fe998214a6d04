"""Producers preview with the prices that workers have learnt; what they queue tells of warnings."""

import asyncio
from decimal import Decimal

import pytest

from producers import AsyncProducer, InvalidMessage, Producer, QueueUnavailable, Recipient
from producers.contract.keys import Keys
from producers.settings import ProducerSettings
from tests.support.observed import observed
from worker.account.gates import Gates
from worker.gateway.outcomes import Accepted

TEXT = "Bonjour {first_name} STOP au 30101"
KEYS = Keys()
PEOPLE = [Recipient("+33612345678", first_name="Léa"), Recipient("+33612345679", first_name="Ana")]


@pytest.fixture
def sms(redis_url):
    with_prices = Producer(redis_url)
    yield with_prices
    with_prices.close()


def test_a_preview_goes_by_the_price_that_a_worker_has_learnt_and_queues_nothing(sms, redis_client):
    assert sms.preview(TEXT, PEOPLE).cost == Decimal("0.50")
    sms.send(PEOPLE[0], TEXT, sender="Bistro", request_id="a")
    facts = {"queue": "marketing", "sender": "Bistro", "type": "sms_premium", "number": "+336"}
    Gates(redis_client, KEYS).observe([observed(Accepted("t", cost="0.041"), request_id="a", **facts)])
    before = redis_client.dbsize()

    seen = sms.preview(TEXT, PEOPLE)

    assert (seen.cost, seen.assumed, seen.recipients) == (Decimal("0.082"), 0, 2)
    assert sms.preview(TEXT).cost == Decimal("0.041")
    assert redis_client.dbsize() == before


def test_one_recipient_is_a_list_of_one(sms):
    assert sms.preview("Hi STOP au 30101", "+33612345678") == sms.preview(
        "Hi STOP au 30101", ["+33612345678"]
    )
    assert sms.preview(TEXT, PEOPLE[0]).recipients == 1
    with pytest.raises(InvalidMessage, match="recipients"):
        sms.preview(TEXT, 7)


def test_both_producers_preview_alike(sms, redis_url):
    async def stream():
        for each in PEOPLE:
            yield each

    async def ask():
        client = AsyncProducer(redis_url)
        try:
            return [await client.preview(TEXT, given) for given in (None, PEOPLE, stream())]
        finally:
            await client.close()

    alone, listed, streamed = asyncio.run(ask())

    assert alone == sms.preview(TEXT)
    assert listed == streamed == sms.preview(TEXT, iter(PEOPLE))


def test_a_preview_needs_redis_for_prices():
    with pytest.raises(QueueUnavailable):
        Producer("redis://127.0.0.1:1/0").preview(TEXT)


@pytest.mark.parametrize("again", [False, True])
def test_the_mention_in_an_alert_is_told_and_the_alert_is_queued(sms, again):
    alert = {"sender": "Bistro", "purpose": "alert", "request_id": "a"}
    for _ in range(1 + again):
        sent = sms.send("+33612345678", "Your table STOP au 30101", **alert)

    assert sent.created is not again
    assert len(sent.warnings) == 1
    campaign = sms.send_campaign(TEXT, PEOPLE, sender="Bistro", purpose="alert", campaign_id="b")
    assert campaign.warnings == sent.warnings
    assert sms.send_campaign(TEXT, PEOPLE, sender="Bistro", campaign_id="c").warnings == ()


def test_what_the_owner_has_chosen_holds_for_whatever_is_sent(redis_url, redis_client):
    chosen = ProducerSettings(stop_mention_add=True, segments_max=1, text_optimize=True)
    sms = Producer(redis_url, settings=chosen)

    sms.send("+33612345678", "Un cœur", sender="Bistro", request_id="one")
    sms.send_campaign("Un cœur", ["+33612345678"], sender="Bistro", campaign_id="many")

    for name in ("one", "many.0"):
        body = redis_client.get(KEYS.body(name))
        assert b'"text":"Un coeur STOP au 30101"' in body
        assert b'"auto_optimize_text":false' in body
    with pytest.raises(InvalidMessage, match="at most 1"):
        sms.send("+33612345678", "x" * 161, sender="Bistro", purpose="alert")
    record = redis_client.hgetall(KEYS.record("one"))
    assert record[b"segments"] == b"1"
