"""Replies are listed by country and in conversations exactly as long as their stream keeps them."""

import itertools
from collections import defaultdict
from datetime import UTC, datetime

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.contract.settings import RedisSettings
from tests.support.keys import AllKeys
from tests.support.pseudonyms import pseudonyms
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher

KEYS = AllKeys()
AT = datetime(2030, 1, 31, tzinfo=UTC)
#: A number per country; the last two have none.
NUMBERS = {"FR": "+336123456", "DE": "+4917012345", "ZZ": "+88213", "": "unknown"}
NAMES = itertools.count()


def reply(country: str, *, ours: bool, size: int = 0):
    number = f"{NUMBERS[country]}{next(NAMES) % 40:02}"
    event = parse(
        {"number": number, "text": f"{next(NAMES)} " + "x" * size, "reception_date": "x"}, "", AT, "c1"
    )
    return msgspec.structs.replace(event, request_id="a" if ours else None)


def by_country(client: redis.Redis) -> dict[str, list[bytes]]:
    """What the stream holds, by country."""
    found = defaultdict(list)
    for _id, fields in client.xrange(KEYS.stream("replies")):
        found[fields[b"country"].decode() or "ZZ"].append(_id)
    return dict(found)


def listed(client: redis.Redis) -> dict[str, list[bytes]]:
    """What is listed by country."""
    keys = client.keys(KEYS.replies_by("*"))
    return {key.decode().rpartition(":")[2]: sorted_ids(client.zrange(key, 0, -1)) for key in keys}


def sorted_ids(ids: list[bytes]) -> list[bytes]:
    return sorted(ids, key=lambda each: tuple(map(int, each.split(b"-"))))


def counts(client: redis.Redis) -> dict[str, int]:
    return {name.decode(): int(count) for name, count in client.hgetall(KEYS.reply_countries).items()}


def in_talks(client: redis.Redis) -> dict[bytes, list[bytes]]:
    return {key: client.zrange(key, 0, -1) for key in client.keys(KEYS.talk("*"))}


def expected_talks(client: redis.Redis) -> dict[bytes, set[bytes]]:
    known, found = pseudonyms(client), defaultdict(set)
    for _id, fields in client.xrange(KEYS.stream("replies")):
        key = KEYS.talk(known.of(fields[b"number"].decode()))
        found[key.encode()].add(b"in:" + _id)
    return found


BATCH = st.lists(
    st.tuples(st.sampled_from(sorted(NUMBERS)), st.booleans(), st.sampled_from((0, 2_000))),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(BATCH, st.integers(1, 9), st.booleans()), min_size=1, max_size=12))
def test_lists_and_counts_never_drift_from_the_stream(redis_client, monkeypatch, batches):
    """However many replies of whatever country come, once or again, ours or foreign, large or small."""
    monkeypatch.setattr("worker.callbacks.publisher.FOREIGN_BYTES", 40_000)
    redis_client.flushall()
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=20))
    for batch, times, again in batches:
        for _ in range(times):
            events = [reply(country, ours=ours, size=size) for country, ours, size in batch]
            publisher.publish(events)
            if again:
                publisher.publish(events)
        found = by_country(redis_client)
        assert listed(redis_client) == found
        assert counts(redis_client) == {country: len(ids) for country, ids in found.items()}
        assert {key: set(turns) for key, turns in in_talks(redis_client).items()} == expected_talks(
            redis_client
        )


@pytest.mark.parametrize("ours", [True, False])
def test_what_is_dropped_leaves_nothing_behind(redis_client, ours):
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=100))
    publisher.publish([reply("DE", ours=ours) for _ in range(50)])
    for _ in range(8):
        publisher.publish([reply("FR", ours=ours) for _ in range(50)])

    assert counts(redis_client).keys() == {"FR"}
    assert not redis_client.exists(KEYS.replies_by("DE"))
    assert all(set(turns) for turns in in_talks(redis_client).values())


def test_a_reply_is_listed_at_the_time_of_its_id(redis_client):
    Publisher(redis_client, RedisSettings()).publish([reply("FR", ours=True)])
    [(_id, score)] = redis_client.zrange(KEYS.replies_by("FR"), 0, -1, withscores=True)
    assert int(_id.split(b"-")[0]) == score


def test_other_streams_are_not_listed(redis_client):
    receipt = parse({"number": "+33612345678", "status": "ACK", "delivery_date": "x"}, "", AT, "c1")
    stop = parse({"number": "+33612345678", "stop_date": "x"}, "", AT, "c1")
    Publisher(redis_client, RedisSettings()).publish([receipt, stop])
    assert listed(redis_client) == counts(redis_client) == in_talks(redis_client) == {}


def test_an_entry_of_somebody_elses_making_goes_like_any_other(redis_client):
    redis_client.xadd(KEYS.stream("replies"), {"try": "out"})
    publisher = Publisher(redis_client, RedisSettings(stream_maxlen=10))
    for _ in range(3):
        publisher.publish([reply("FR", ours=True) for _ in range(50)])
    assert redis_client.xlen(KEYS.stream("replies")) < 151
    assert b"try" not in redis_client.xrange(KEYS.stream("replies"), count=1)[0][1]
    assert listed(redis_client) == by_country(redis_client)


def test_lists_of_a_stream_that_somebody_deleted_are_cleared_with_the_next_reply(redis_client):
    publisher = Publisher(redis_client, RedisSettings())
    publisher.publish([reply(country, ours=True) for country in ("FR", "FR", "DE", "ZZ")])
    redis_client.delete(KEYS.stream("replies"))

    publisher.publish([reply("FR", ours=True)])

    assert listed(redis_client) == by_country(redis_client)
    assert counts(redis_client) == {"FR": 1}


def test_however_much_such_a_stream_has_left_no_step_clears_more_than_a_thousand(redis_client):
    publisher = Publisher(redis_client, RedisSettings())
    for country, left in (("DE", 1_500), ("FR", 300)):
        redis_client.zadd(KEYS.replies_by(country), {f"{place}-0": place for place in range(1, left + 1)})
        redis_client.hset(KEYS.reply_countries, country, left)

    publisher.publish([reply("ZZ", ours=True)])
    assert sum(counts(redis_client).values()) == 801

    publisher.publish([reply("ZZ", ours=True)])
    assert counts(redis_client) == {"ZZ": 2}
    assert listed(redis_client) == by_country(redis_client)
