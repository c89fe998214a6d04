"""What cannot be read in Redis costs a scrape no other figure, whoever wrote it."""

import time
from collections.abc import Callable

import pytest
import redis

from producers.contract.keys import Keys
from producers.contract.steps import drive
from tests.support.scraping import Scraped, scrape
from worker.inquiry import forwarders

KEYS = Keys()
#: Neither text nor number, no number of ours, and numbers that no counter can have.
DAMAGED = (b"\xff\xfe", b"x", b"1.5e", b"inf", b"nan", b"9" * 400, b"1e400")
#: Hashes that a scrape reads, each with a field of it that stands for a number.
NUMBERS = (
    (KEYS.metrics, "enqueued:alert"),
    (KEYS.metrics, "cost"),
    (KEYS.counts, "accepted"),
    (KEYS.counts, "unexplained"),
    (KEYS.counts, "optout_race"),
    (KEYS.counts, "duplicates"),
    (KEYS.receipts_awaited, "1"),
    (KEYS.held, "hours:FR"),
    (KEYS.strain, "limit"),
    (KEYS.unread_trimmed, "replies"),
    (KEYS.budgets, "account"),
    (KEYS.drift, "percent"),
    (KEYS.optout_effects, "5"),
    (KEYS.forward("shop"), "tried:delivered"),
)


@pytest.fixture
def page(redis_url, redis_client) -> Callable[[], Scraped]:
    redis_client.hset(KEYS.metrics, "quarantined", 7)
    redis_client.zadd(KEYS.forwarders, {"shop": time.time() * 1000})
    return lambda: Scraped(scrape(redis_url))


def told(page: Scraped) -> tuple[float, float]:
    """Say what is well in each case here, and how much is damaged."""
    assert ("octopush_forward_waiting", frozenset({("forwarder", "shop")})) in page.samples
    return page("quarantined_total"), page("unreadable_values")


def test_nothing_is_damaged_where_all_is_well(page):
    assert told(page()) == (7, 0)


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_number_that_is_none_costs_no_other_figure_and_is_told(page, redis_client, damaged):
    for key, field in NUMBERS:
        redis_client.hset(key, field, damaged)

    assert told(page()) == (7, len(NUMBERS))


@pytest.mark.parametrize("key", [KEYS.metrics, KEYS.receipts_awaited, KEYS.held, KEYS.optout_effects])
def test_a_name_that_is_no_text_costs_no_other_figure(page, redis_client, key):
    redis_client.hset(key, b"\xff\xfe", 1)

    assert told(page()) == (7, 1)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("errors:120", "gateway_errors_total"),
        ("segments:FR:alert", "segments_total"),
        ("replies:FR:ticket", "replies_total"),
        ("receipts:DELIVERED", "receipts_total"),
        ("optouts:operator", "optouts_total"),
        ("actions:replay", "operator_actions_total"),
    ],
)
def test_a_count_of_the_shape_of_its_metric_is_told(page, redis_client, field, name):
    redis_client.hset(KEYS.metrics, field, 3)

    assert page()(name) == 3


@pytest.mark.parametrize("field", ["enqueued", "ended:alert", "delay", "segments:FR:letters", "errors:1:2"])
def test_a_count_of_another_shape_is_left_out(page, redis_client, field):
    redis_client.hset(KEYS.metrics, field, 1)

    assert told(page()) == (7, 0)


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a b", b"two\nlines", b"", b"x" * 41])
def test_what_no_forwarder_can_be_called_hides_none_that_is_one(page, redis_client, name):
    redis_client.zadd(KEYS.forwarders, {name: time.time() * 1000})

    assert told(page()) == (7, 1)
    assert drive(forwarders.names(KEYS), redis_client) == ["shop"]


@pytest.mark.parametrize("heard", ["inf", "-inf"])
def test_a_time_without_end_costs_no_other_figure(page, redis_client, heard):
    redis_client.zadd(KEYS.forwarders, {"shop": heard})
    redis_client.zadd(KEYS.forward_waiting("shop"), {b"\xff": heard})

    assert told(page()) == (7, 2)


def test_a_worker_whose_name_is_no_text_is_counted_all_the_same(page, redis_client: redis.Redis):
    redis_client.zadd(KEYS.workers, {b"\xff p": time.time() * 1000})

    shown = page()

    assert (told(shown), shown("workers")) == ((7, 1), 1)
