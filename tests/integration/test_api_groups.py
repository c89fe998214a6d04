"""The scripts of the API's groups, in each of their ways."""

import pytest

from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from tests.support.reply_events import publish_replies

KEYS = Keys()
STREAM = KEYS.stream("replies")
GIVE_BACK = Script("worker.api", "give_back", when_full=True)
JOIN = Script("worker.api", "join_group", when_full=True)


def join(client, group, start="0", most=20):
    given = {"stream": "replies", "group": group, "start": start, "ours": "api.shop.", "most": most}
    return Command(JOIN, KEYS.prefix, given, bytes.decode).run(client)


def test_a_group_is_made_once_and_no_more_than_the_application_may_have(redis_client):
    assert [join(redis_client, "api.shop.a", most=1) for _ in range(2)] == ["joined", "joined"]
    assert join(redis_client, "api.shop.b", most=1) == "too_many"
    assert [group["name"] for group in redis_client.xinfo_groups(STREAM)] == [b"api.shop.a"]


@pytest.mark.parametrize("before", [0, 2])
def test_a_group_that_begins_at_the_end_gets_what_comes_later(redis_client, before):
    if before:
        publish_replies(redis_client, *map(str, range(before)))
    assert join(redis_client, "api.shop.a", start="$") == "joined"
    publish_replies(redis_client, "later")

    [[_, entries]] = redis_client.xreadgroup("api.shop.a", "c", {STREAM: ">"})

    assert [fields[b"text"] for _, fields in entries] == [b"later"]


def test_what_was_acknowledged_or_taken_since_is_not_given_back(redis_client):
    publish_replies(redis_client, "one", "two", "three")
    join(redis_client, "api.shop.a")
    [[_, entries]] = redis_client.xreadgroup("api.shop.a", "c", {STREAM: ">"})
    acknowledged, taken, left = (entry_id.decode() for entry_id, _ in entries)
    redis_client.xack(STREAM, "api.shop.a", acknowledged)
    redis_client.xclaim(STREAM, "api.shop.a", "d", 0, [taken])

    given = {"stream": "replies", "group": "api.shop.a", "consumer": "c", "idle_ms": 60_000}
    given["entries"] = [{"id": each, "deliveries": 1} for each in (acknowledged, taken, left)]

    assert Command(GIVE_BACK, KEYS.prefix, given, int).run(redis_client) == 1
    assert redis_client.xpending_range(STREAM, "api.shop.a", left, left, 1)[0]["times_delivered"] == 0
