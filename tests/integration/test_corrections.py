"""A receipt that names a price corrects what was booked as spent: once for each recipient, in its own day."""

import itertools
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
import redis

from producers import Producer, Recipient
from producers.rules.money import MICRO
from producers.settings import ProducerSettings
from tests.support.callbacks_by_hand import CallbacksByHand
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.pseudonyms import pseudonyms
from tests.support.spending import DAY, budgets, used
from worker.gateway.answers import classify
from worker.gateway.outcomes import Refused, Unknown
from worker.person.erasing import Erasure
from worker.person.named import Person

PEOPLE = [f"+3361234560{each}" for each in range(3)]
TEXT = "Hi STOP au 30101"
COUNTED = ProducerSettings(budget_day="1000", marketing_hours_fr="off")
_seconds = itertools.count()


class House:
    """An application that counts, a worker, and the network."""

    def __init__(self, client: redis.Redis) -> None:
        self.redis = client
        client.hset(KEYS.prices, "sms_premium:33", "0.05")
        self.sms = Producer(client=client, settings=COUNTED)
        self.worker = HandWorker(client, queue="marketing", budgets=budgets(budget_day="10"))
        self.callbacks = CallbacksByHand(client, self.worker.ledger)

    def accept(self, people: int, text: str = TEXT, cost: str | None = None) -> str:
        """Let a message to some people be accepted; return its ticket."""
        to = [Recipient(each, param1=str(n)) for n, each in enumerate(PEOPLE[:people])]
        self.sms.send(to, text, sender="Bistro", request_id="a")
        return self.answer(cost)

    def answer(self, cost: str | None = None, **said: object) -> str:
        [claim] = self.worker.take()
        body = {"sms_ticket": "sms_1", "total_cost": cost, **said}
        self.worker.finish(claim, classify(201, {}, json.dumps(body).encode()))
        return "sms_1"

    def receipt(self, who: int, price: object, status: str = "DELIVERED", ticket: str = "sms_1") -> None:
        dated = f"2026-01-31 14:05:{next(_seconds) % 60:02}"
        event = {"message_id": ticket, "number": PEOPLE[who], "status": status, "delivery_date": dated}
        self.callbacks.bring(event | {"unit_price": price})

    def spent(self) -> int:
        reserved, spent = used(self.redis)
        assert reserved == 0
        return round(spent * MICRO)


@pytest.fixture
def house(redis_client) -> Iterator[House]:
    made = House(redis_client)
    yield made
    made.sms.close()


@pytest.mark.parametrize("cost", [None, "0.06"])
def test_a_price_takes_the_place_of_what_was_booked(house, cost):
    house.accept(1, cost=cost)
    house.receipt(0, 0.041)
    assert house.spent() == 41_000


def test_a_price_counts_once_for_each_recipient(house):
    house.accept(3, cost="0.18")
    for price in (0.041, 0.042, 0.9):
        house.receipt(0, price)
    assert house.spent() == 120_000 + 41_000
    house.receipt(1, 0.04, "NOT_DELIVERED")
    assert house.spent() == 60_000 + 41_000 + 40_000


def test_a_receipt_without_a_price_leaves_the_place_to_one_that_has_one(house):
    house.accept(1)
    house.receipt(0, None, "ACK")
    house.receipt(0, 0.03)
    assert house.spent() == 30_000


def test_a_price_is_that_of_a_segment_and_each_recipient_has_his_own(house):
    to = [Recipient(PEOPLE[0], param1="x" * 40), Recipient(PEOPLE[1], param1="")]
    house.sms.send(to, "y" * 140 + "{param1} STOP au 30101", sender="Bistro", request_id="a")
    house.answer()
    assert house.spent() == 150_000
    house.receipt(0, 0.04)
    assert house.spent() == 50_000 + 80_000
    house.receipt(1, 0.04)
    assert house.spent() == 120_000


def test_of_a_shared_call_each_member_is_corrected(house):
    for each in (0, 1):
        person = Recipient(PEOPLE[each], param1="Zoe")
        house.sms.send(person, "Hi {param1} STOP au 30101", sender="Bistro", request_id=f"m{each}")
    house.answer(cost="0.11")
    house.receipt(1, 0.045)
    assert house.spent() == 55_000 + 45_000


def test_what_was_in_doubt_is_corrected_when_its_receipt_proves_it(house):
    house.sms.send(PEOPLE[0], TEXT, sender="Bistro", request_id="a")
    [claim] = house.worker.take()
    house.worker.finish(claim, Unknown("read_timeout"))
    ticket = "sms_5f3fbce61266e"
    house.receipt(0, 0.03, "ACK", ticket)
    assert used(house.redis) == (0.05, 0), "nothing was booked yet"
    [claim] = house.worker.take()
    house.worker.finish(claim, Refused("110"))
    assert house.spent() == 50_000
    house.receipt(0, 0.03, ticket=ticket)
    assert house.spent() == 30_000


@pytest.mark.parametrize("price", [1, 3.9, "39", "-0.04", "nan", "0,04", "4e-2", "", None, [], {"a": 1}])
def test_what_cannot_be_the_price_of_a_segment_in_euros_changes_nothing(house, price):
    house.accept(1)
    house.receipt(0, price)
    assert house.spent() == 50_000
    house.receipt(0, 0.04)
    assert house.spent() == 40_000


@pytest.mark.parametrize(
    "said", [{"number_of_sms_needed": 0}, {"number_of_sms_needed": 999_999_999}, {"total_cost": 9e14}]
)
def test_an_odd_answer_neither_spoils_what_is_booked_nor_keeps_the_receipt(house, said):
    """Without a segment there was nothing to share out by, and the receipt was published never."""
    house.sms.send(PEOPLE, TEXT, sender="Bistro", request_id="a")
    house.answer(**said)
    assert house.spent() == 150_000
    house.receipt(0, 0.041)
    assert house.spent() == 100_000 + 41_000
    assert len(house.callbacks.entries("receipts")) == 1


def test_a_negative_cost_is_spent_by_its_estimate(house):
    """Budgets would have had room for ever for a gateway that writes what it charges with a minus."""
    house.accept(1, cost="-0.05")
    assert house.spent() == 50_000


def test_who_is_no_recipient_corrects_nothing(house):
    house.accept(2)
    house.receipt(2, 0.01)
    assert house.spent() == 100_000


def test_after_an_erasure_nothing_is_corrected(house, redis_client):
    house.accept(2)
    person = Person(PEOPLE[0], pseudonyms(redis_client).all_of(PEOPLE[0]))
    Erasure(redis_client, ProducerSettings(), person, "ops", None).run()
    house.receipt(1, 0.01)
    assert house.spent() == 100_000


def test_the_day_of_the_claim_is_corrected_and_one_that_is_forgotten_stays_so(house, redis_client):
    house.accept(2)
    assert redis_client.hget(KEYS.record("a"), "booked") == DAY.encode()
    house.receipt(0, 0.04)
    assert used(redis_client, day=DAY) == (0, 0.09)
    redis_client.delete(KEYS.spend("account", DAY))
    house.receipt(1, 0.04)
    assert not redis_client.exists(KEYS.spend("account", DAY))


def test_an_application_and_a_campaign_are_corrected_too(redis_client):
    house = House(redis_client)
    sms = Producer(
        client=redis_client, settings=ProducerSettings(budget_day="9", app="shop", marketing_hours_fr="off")
    )
    sms.send_campaign(TEXT, PEOPLE[:2], campaign_id="spring", sender="Bistro", budget="1")
    house.answer()
    house.receipt(0, 0.04)
    assert used(redis_client, "app:shop") == used(redis_client) == (0, 0.09)
    assert redis_client.hget(KEYS.campaign("spring"), "spent") == b"90000"
    sms.close()


def test_a_campaign_is_corrected_where_no_worker_counts_and_one_that_is_forgotten_stays_so(redis_client):
    house = House(redis_client)
    house.worker = HandWorker(redis_client, queue="marketing")
    house.sms.send_campaign(TEXT, PEOPLE[:2], campaign_id="spring", sender="Bistro")
    house.answer()
    house.receipt(0, 0.04)
    assert redis_client.hget(KEYS.campaign("spring"), "spent") == b"90000"
    assert not list(redis_client.scan_iter("*spend:*"))

    redis_client.delete(KEYS.campaign("spring"))
    house.receipt(1, 0.04)
    assert not redis_client.hexists(KEYS.campaign("spring"), "spent")


def test_where_nobody_counts_nothing_is_corrected(redis_client):
    house = House(redis_client)
    house.worker = HandWorker(redis_client, queue="marketing")
    house.accept(1)
    house.receipt(0, 0.04)
    assert not list(redis_client.scan_iter("*spend:*"))
    assert not list(redis_client.scan_iter("*corrected:*"))


def test_the_entry_says_the_price(house):
    house.accept(1)
    house.receipt(0, 0.041)
    assert Decimal(house.callbacks.entries("receipts")[-1]["unit_price"]) == Decimal("0.041")
