"""Replies are found by country, date, match and text: all of them, each once, at a bounded cost."""

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio

from producers.contract.settings import RedisSettings
from producers.contract.steps import adrive, drive
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.replies import KEYS, Counting, Put, put_replies, reply
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.inquiry.replies import (
    BLOCK,
    EXAMINED,
    EXAMINED_ONE_BY_ONE,
    ReplyFilter,
    find,
    moment,
    read_countries,
)

BEGIN_MS = 1_793_500_000_000


def at(ms: int) -> datetime:
    return datetime.fromtimestamp((BEGIN_MS + ms) / 1000, UTC)


@pytest.fixture
def some(redis_client) -> list[Put]:
    """Put 200 replies of all kinds on the stream, several of them in each millisecond."""
    chance, made, at_ms, seq = random.Random(7), [], BEGIN_MS, 0
    for number in range(200):
        if chance.random() < 0.6:
            at_ms, seq = at_ms + chance.randrange(1, 40), 0
        else:
            seq += 1
        made.append(
            reply(
                at_ms,
                seq,
                country=chance.choice(["FR", "FR", "BE", "ZZ"]),
                match=chance.choice(["ticket", "number", "none"]),
                text=chance.choice(["Oui", "Annulé", "STOP", f"no {number}"]),
            )
        )
    return put_replies(redis_client, made)


@pytest.fixture
def all_pages(redis_client) -> Callable[..., list[str]]:
    def turn(asked: ReplyFilter, most: int = 50) -> list[str]:
        found, cursor = [], None
        while True:
            page = drive(find(KEYS, asked, cursor, most=most), redis_client)
            assert len(page.replies) <= most
            found += [each.id for each in page.replies]
            cursor = page.cursor
            if cursor is None:
                return found

    return turn


def same_order(ids: list[str]) -> list[str]:
    """Order ids by time only: those of one millisecond stand in an index by their bytes."""
    return sorted(ids, key=lambda each: (moment(each), each), reverse=True)


DATES = [(None, None), (300, 1500), (None, 700), (5000, 1)]


@pytest.mark.parametrize("most_come_from_there", [False, True])
@pytest.mark.parametrize("country", [None, "FR", "ZZ", "DE"])
def test_pages_hold_what_was_asked_for_and_nothing_twice(
    redis_client, some, all_pages, country, most_come_from_there
):
    if country and most_come_from_there:
        redis_client.hset(KEYS.reply_countries, country, len(some))
    for dates, match, text in itertools.product(DATES, [None, "number"], [None, "annule", "NO 1"]):
        since, until = (None if ms is None else at(ms) for ms in dates)
        asked = ReplyFilter(country=country, since=since, until=until, match=match, text=text)
        wanted = [
            each.id
            for each in some
            if country in {None, each.country}
            and (since is None or moment(each.id) >= since)
            and (until is None or moment(each.id) < until)
            and match in {None, each.match}
            and (text is None or text in each.text.lower().replace("é", "e") or text.lower() in each.text)
        ]
        found = all_pages(asked, 20)
        assert same_order(found) == same_order(wanted), asked
        assert [moment(each) for each in found] == sorted(map(moment, found), reverse=True)


def test_a_reply_that_was_published_is_found_by_its_country(redis_client):
    event = {"number": "+32470123456", "text": "Ja", "reception_date": "2030-01-31 14:05:09"}
    Publisher(redis_client, RedisSettings()).publish([parse(event, "", datetime.now(UTC), "c1")])
    [found] = drive(find(KEYS, ReplyFilter(country="BE")), redis_client).replies
    assert (found.reply.text, found.reply.country) == ("Ja", "BE")
    assert drive(find(KEYS, ReplyFilter(country="FR")), redis_client).replies == ()
    assert drive(read_countries(KEYS), redis_client) == {"BE": 1}


def test_more_replies_in_one_millisecond_than_a_page_holds_are_turned_through(redis_client, all_pages):
    put_replies(redis_client, [reply(BEGIN_MS, seq) for seq in range(1, 131)])
    assert len(set(all_pages(ReplyFilter(country="FR")))) == 130
    assert len(set(all_pages(ReplyFilter(country="FR"), 7))) == 130


def test_a_cursor_whose_reply_was_trimmed_leads_on(redis_client, some):
    of_france = [each.id for each in some if each.country == "FR"]
    first = drive(find(KEYS, ReplyFilter(country="FR"), most=20), redis_client)
    redis_client.zrem(KEYS.replies_by("FR"), first.cursor)
    second = drive(find(KEYS, ReplyFilter(country="FR"), first.cursor, most=200), redis_client)
    both = [each.id for each in (*first.replies, *second.replies)]
    assert same_order(both) == same_order(of_france)


def test_what_comes_while_pages_are_turned_is_on_none_of_them(redis_client, some):
    first = drive(find(KEYS, ReplyFilter()), redis_client)
    put_replies(redis_client, [reply(BEGIN_MS + 10_000_000)])
    second = drive(find(KEYS, ReplyFilter(), first.cursor), redis_client)
    assert [each.id for each in (*first.replies, *second.replies)] == [each.id for each in some[:100]]


@pytest.mark.parametrize("country", [None, "FR"])
def test_a_search_ends_after_ten_thousand_says_how_far_it_came_and_goes_on(redis_client, country):
    """The bound holds whether one or none is found."""
    put_replies(
        redis_client, [reply(BEGIN_MS + n, text="the one" if n == 3 else "no") for n in range(EXAMINED + 200)]
    )
    redis_client.hset(KEYS.reply_countries, "FR", EXAMINED + 200)
    counting = Counting(redis_client)
    first = counting.drive(find(KEYS, ReplyFilter(country=country, text="the one")))
    assert (first.replies, first.examined, first.searched_to) == ((), EXAMINED, at(200))
    assert counting.trips <= 60
    second = drive(find(KEYS, ReplyFilter(country=country, text="the one"), first.cursor), redis_client)
    assert [each.reply.text for each in second.replies] == ["the one"]
    assert (second.cursor, second.searched_to) == (None, None)


def test_a_search_in_a_country_with_few_replies_passes_over_the_others(redis_client):
    put_replies(
        redis_client,
        [reply(BEGIN_MS + n, country="FR" if n % 3 else "BE", text=f"no {n}!") for n in range(4_500)],
    )
    redis_client.hset(KEYS.reply_countries, mapping={"FR": 3000, "BE": 1500})
    counting = Counting(redis_client)
    first = counting.drive(find(KEYS, ReplyFilter(country="BE", text="no 2100!")))
    assert first.examined == EXAMINED_ONE_BY_ONE
    assert counting.trips <= 60
    second = counting.drive(find(KEYS, ReplyFilter(country="BE", text="no 2100!"), first.cursor))
    assert [each.reply.text for each in second.replies] == ["no 2100!"]


def test_a_page_costs_one_round_trip_by_date_and_three_by_country(redis_client, some):
    for asked, trips in ((ReplyFilter(), 1), (ReplyFilter(country="FR"), 3)):
        counting = Counting(redis_client)
        counting.drive(find(KEYS, asked))
        assert counting.trips == trips
        assert counting.commands <= 56


def test_an_index_that_knows_more_than_the_stream_keeps_the_bound(redis_client):
    put_replies(redis_client, [reply(BEGIN_MS + n) for n in range(30)])
    redis_client.zadd(
        KEYS.replies_by("FR"), {f"{BEGIN_MS + n}-9": BEGIN_MS + n for n in range(1000, 1000 + 4 * BLOCK)}
    )
    counting, found, cursor, pages = Counting(redis_client), [], None, 0
    while True:
        page = counting.drive(find(KEYS, ReplyFilter(country="FR"), cursor))
        found += page.replies
        cursor, pages = page.cursor, pages + 1
        if cursor is None:
            break
        assert page.searched_to is not None
    assert len(found) == 30
    assert counting.trips <= 60 * pages


def test_an_entry_that_nobody_can_read_is_shown_as_such_and_hides_no_other(redis_client):
    redis_client.xadd(KEYS.stream("replies"), {"v": "9", "text": "?"}, id=f"{BEGIN_MS}-1")
    put_replies(redis_client, [reply(BEGIN_MS + 1)])
    readable, other = drive(find(KEYS, ReplyFilter()), redis_client).replies
    assert (readable.reply.text, other.reply) == ("Oui", None)
    [found] = drive(find(KEYS, ReplyFilter(text="?")), redis_client).replies
    assert found.reply is None


def test_hostile_texts_are_found_whole(redis_client):
    texts = [text for text in HOSTILE_TEXTS.values() if text.isprintable() and text]
    put_replies(redis_client, [reply(BEGIN_MS + n, text=text) for n, text in enumerate(texts)])
    for text in texts:
        found = drive(find(KEYS, ReplyFilter(text=text)), redis_client).replies
        assert text in [each.reply.text for each in found]


def test_the_same_steps_run_on_an_event_loop(redis_url, some):
    async def ask():
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            return await adrive(find(KEYS, ReplyFilter(country="BE", text="oui")), client)

    wanted = [each.id for each in some if (each.country, each.text) == ("BE", "Oui")]
    assert same_order([each.id for each in asyncio.run(ask()).replies]) == same_order(wanted[:50])


@pytest.mark.parametrize("cursor", ["", "5", "5-", "+", "(5-1", "5-1 COUNT 9", "٣-١"])
def test_a_cursor_of_somebody_else_is_refused(redis_client, cursor):
    with pytest.raises(ValueError, match="none of ours"):
        drive(find(KEYS, ReplyFilter(), cursor), redis_client)


@pytest.mark.parametrize("asked", [{"country": "fr"}, {"country": "F*"}, {"country": ""}, {"match": "maybe"}])
def test_a_filter_that_names_nothing_is_refused(asked):
    with pytest.raises(ValueError, match=r"country is|match is"):
        ReplyFilter(**asked)


def test_a_since_within_a_millisecond_leaves_out_what_came_before(redis_client, all_pages):
    put_replies(redis_client, [reply(BEGIN_MS + n) for n in range(3)])
    since = at(1) - timedelta(microseconds=400)
    assert (
        len(all_pages(ReplyFilter(since=since)))
        == len(all_pages(ReplyFilter(since=since, country="FR")))
        == 2
    )


@pytest.mark.parametrize("match", [None, "ticket"])
@pytest.mark.parametrize("country", ["FR", "BE", "DE"])
def test_an_export_finds_what_pages_find(redis_client, some, all_pages, country, match):
    redis_client.hset(KEYS.reply_countries, mapping={"FR": 100, "BE": 49})
    asked = ReplyFilter(country=country, match=match)

    assert same_order(all_pages(asked, most=500)) == same_order(all_pages(asked))
    assert same_order(all_pages(asked, most=51)) == same_order(all_pages(asked))


def test_an_export_of_a_country_with_many_reads_block_by_block(redis_client):
    put_replies(redis_client, [reply(BEGIN_MS + n, country="FR") for n in range(1000)])
    redis_client.hset(KEYS.reply_countries, "FR", 1000)
    counting = Counting(redis_client)

    page = counting.drive(find(KEYS, ReplyFilter(country="FR"), most=500))

    assert len(page.replies) == 500
    assert counting.commands <= 10


def test_a_reply_that_comes_while_a_page_is_read_is_not_on_one_that_ends_before_it(redis_client):
    """Where a page begins in the list of a country is counted first, and read then."""
    until = datetime(2026, 11, 2, tzinfo=UTC)
    until_ms = int(until.timestamp() * 1000)
    put_replies(redis_client, [reply(until_ms - 1, text="before"), reply(until_ms, text="after")])
    steps = find(KEYS, ReplyFilter(country="FR", until=until))
    step = next(steps)
    assert step.commands[0][0] == "ZREVRANK"
    counted = step.run(redis_client)
    put_replies(redis_client, [reply(until_ms + 1, text="meanwhile")])
    step = steps.send(counted)
    assert step.commands[0][0] == "ZRANGE"
    step = steps.send(step.run(redis_client))
    with pytest.raises(StopIteration) as end:
        steps.send(step.run(redis_client))

    assert [each.reply.text for each in end.value.value.replies] == ["before"]
