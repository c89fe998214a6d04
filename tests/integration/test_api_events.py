"""Events through the API: shared work by group, one reader by cursor, and conversations."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from producers.producer import Producer
from tests.support.api_client import ONE, READER, ApiClient, api_settings
from tests.support.reply_events import publish_replies
from tests.support.waiting import until

GROUP = "/v1/events?stream=replies&group=bookings"
LOG = "/v1/events/log?stream=replies"


@pytest.fixture
def api(api_url: str) -> Iterator[ApiClient]:
    """Call the API on an empty Redis, as its own user there."""
    with ApiClient(api_settings(api_url)) as client:
        yield client


def taken(api: ApiClient, query: str = "&consumer=a") -> list[dict[str, Any]]:
    answer = api.get(GROUP + query)
    assert answer.status_code == 200, answer.text
    return answer.json()["entries"]


def texts(entries: list[dict[str, Any]]) -> list[str]:
    return [each["event"]["text"] for each in entries]


def acknowledge(api: ApiClient, *entries: dict[str, Any], group: str = "bookings") -> Any:
    ids = [each["entry_id"] for each in entries]
    return api.post("/v1/events/ack", {"stream": "replies", "group": group, "entry_ids": ids})


def test_consumers_of_a_group_share_the_entries_and_each_group_gets_all(api, redis_client):
    publish_replies(redis_client, "one", "two", "three", request_id="v")

    first, second = taken(api, "&consumer=a&max=2"), taken(api, "&consumer=b")

    assert (texts(first), texts(second), taken(api)) == (["one", "two"], ["three"], [])
    assert (first[0]["type"], first[0]["deliveries"]) == ("sms.reply.received", 1)
    assert first[0]["event"]["request_id"] == "v"
    assert first[0]["event"]["received_at"].endswith("Z")
    other = api.get(GROUP + "&consumer=a", token=READER).json()["entries"]
    assert texts(other) == ["one", "two", "three"]


def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(api, redis_client: redis.Redis):
    publish_replies(redis_client, "one", "two")
    one, two = taken(api)

    for _ in range(2):
        # Whoever asks for what he holds is told how often it was handed out, and that counts no further time.
        held = taken(api, "&consumer=a&held=1")
        assert [(each["event"]["text"], each["deliveries"]) for each in held] == [("one", 1), ("two", 1)]
    assert acknowledge(api, one).json() == {"acknowledged": 1}
    assert acknowledge(api, one).json() == {"acknowledged": 0}
    _let_it_be_idle(redis_client, two)
    [again] = taken(api, "&consumer=b")

    assert (again["event"]["text"], again["deliveries"]) == ("two", 2)
    assert taken(api, "&consumer=c") == []


def _let_it_be_idle(client: redis.Redis, entry: dict[str, Any], deliveries: int = 1) -> None:
    """Make an entry look as if it had been handed out long ago."""
    client.xclaim(
        *("{sms}:replies", "api.shop.bookings", "a", 0, [entry["entry_id"]]),
        idle=61_000,
        retrycount=deliveries,
    )


def test_what_was_trimmed_meanwhile_is_held_no_longer(api, redis_client: redis.Redis):
    publish_replies(redis_client, "one", "two")
    taken(api)
    redis_client.xtrim("{sms}:replies", maxlen=1, approximate=False)

    assert texts(taken(api, "&consumer=a&held=1")) == ["two"]


def test_what_came_too_often_is_set_aside(api, redis_client: redis.Redis):
    publish_replies(redis_client, "one")
    [one] = taken(api)
    _let_it_be_idle(redis_client, one, deliveries=5)

    assert taken(api, "&consumer=b") == []
    assert redis_client.xlen("{sms}:replies:poison:api.shop.bookings") == 1


def test_an_entry_that_nobody_can_read_is_set_aside(api, redis_client: redis.Redis):
    redis_client.xadd("{sms}:replies", {"v": "9"})
    publish_replies(redis_client, "one")

    assert texts(taken(api)) == ["one"]
    assert redis_client.xlen("{sms}:replies:poison:api.shop.bookings") == 1


def test_whoever_waits_gets_what_comes(api, redis_client):
    def publish() -> None:
        until(lambda: api.lookout._waiting == 2)
        publish_replies(redis_client, "one")

    async def wait() -> tuple[Any, Any]:
        group = asyncio.create_task(api.acall("GET", GROUP + "&consumer=a&wait_s=20"))
        log = asyncio.create_task(api.acall("GET", LOG + "&after=$&wait_s=20"))
        await asyncio.to_thread(publish)
        return await group, await log

    group, log = api.run(asyncio.wait_for(wait(), 15))

    assert texts(group.json()["entries"]) == texts(log.json()["entries"]) == ["one"]


@pytest.mark.parametrize("wait_s", [0, 20])
def test_what_was_taken_for_a_client_that_has_gone_goes_to_the_next_at_once(api, redis_client, wait_s):
    publish_replies(redis_client, "one", "two")

    api.leave(f"{GROUP}&consumer=a&wait_s={wait_s}", when=lambda: is_held(redis_client))

    first, second = taken(api, "&consumer=b"), taken(api, "&consumer=b")
    assert texts([*first, *second]) == ["one", "two"]
    assert [each["deliveries"] for each in (*first, *second)] == [1, 1]


def test_what_comes_again_to_a_client_that_has_gone_has_not_come_once_more(api, redis_client):
    publish_replies(redis_client, "one")
    [one] = taken(api)
    _let_it_be_idle(redis_client, one)

    api.leave(f"{GROUP}&consumer=b", when=lambda: is_held(redis_client, "b"))

    [again] = taken(api, "&consumer=c")
    assert again["deliveries"] == 2


def is_held(client: redis.Redis, consumer: str = "a") -> bool:
    try:
        return bool(client.xpending_range("{sms}:replies", "api.shop.bookings", "-", "+", 1, consumer))
    except redis.ResponseError:
        return False


def test_a_client_that_goes_while_it_waits_takes_nothing(api, redis_client):
    def has_waited() -> bool:
        if api.lookout._waiting:
            publish_replies(redis_client, "one")
            return True
        return bool(redis_client.xlen("{sms}:replies"))

    api.leave(f"{GROUP}&consumer=a&wait_s=20", when=has_waited)

    [one] = taken(api, "&consumer=b")
    assert one["deliveries"] == 1
    assert api.lookout._waiting == 0


def test_what_one_of_a_group_has_seen_wakes_none_of_the_others(api, redis_client):
    publish_replies(redis_client, "one")
    [(last, _)] = redis_client.xrange("{sms}:replies")

    def look() -> None:
        seen = looks(redis_client)
        until(lambda: looks(redis_client) > seen + 3)

    async def wait() -> list[bool]:
        known = [last, b"0-1", b""]
        waiting = [api.lookout.until_more("{sms}:replies", "g", each, 60) for each in known]
        tasks = [asyncio.create_task(each) for each in waiting]
        await asyncio.to_thread(look)
        woken = [each.done() for each in tasks]
        await asyncio.to_thread(publish_replies, redis_client, "two")
        await asyncio.gather(*tasks)
        return woken

    assert api.run(asyncio.wait_for(wait(), 40)) == [False] * 3


def test_who_waits_takes_nothing_when_the_process_is_to_stop(api, redis_client):
    async def stop() -> list[Any]:
        paths = [f"{GROUP}&consumer=a&wait_s=20", f"{LOG}&after=0&wait_s=20"]
        polls = [asyncio.create_task(api.acall("GET", path)) for path in paths]
        await asyncio.to_thread(until, lambda: api.lookout._waiting == 2)
        publish_replies(redis_client, "one")
        api.lookout.release()
        return [await each for each in polls]

    group, log = api.run(asyncio.wait_for(stop(), 15))

    assert (group.json()["entries"], log.json()["entries"]) == ([], [])
    assert not is_held(redis_client)
    assert texts(api.get(f"{LOG}&after={log.json()['next_after']}").json()["entries"]) == ["one"]


def looks(client: redis.Redis) -> int:
    return client.info("commandstats").get("cmdstat_xrevrange", {"calls": 0})["calls"]


@pytest.mark.parametrize("path", [f"{LOG}&after=$&wait_s=25", "/v1/messages/v?wait_s=25"])
def test_a_client_that_goes_is_waited_for_no_longer(api, path):
    api.post("/v1/messages", ONE)
    began = time.monotonic()

    api.leave(path, when=lambda: api.lookout._waiting == 1)

    assert time.monotonic() - began < 15
    assert api.lookout._waiting == 0


def test_an_application_has_so_many_groups_and_may_forget_one(api):
    for number in range(20):
        assert api.get(f"/v1/events?stream=replies&consumer=a&group=g{number}").status_code == 200

    assert api.get(GROUP + "&consumer=a").json()["code"] == "too-many-groups"
    assert [api.delete("/v1/events/groups/replies/g0").status_code for _ in range(2)] == [204, 204]
    assert api.get(GROUP + "&consumer=a").status_code == 200
    assert api.delete("/v1/events/groups/statuses/g0").status_code == 204
    assert acknowledge(api, {"entry_id": "1-1"}, group="g0").json()["code"] == "unknown-group"


def test_groups_that_are_made_at_once_are_counted_one_by_one(api):
    async def ask(path: str) -> int:
        # A busy machine may let a call wait for Redis in vain, and says so: it is safe to repeat.
        for _ in range(20):
            answer = await api.acall("GET", path)
            if answer.status_code != 503:
                break
        return answer.status_code

    async def make() -> list[int]:
        paths = [f"/v1/events?stream=replies&consumer=a&group=g{number}" for number in range(40)]
        return await asyncio.gather(*map(ask, paths))

    assert sorted(api.run(make())) == [200] * 20 + [409] * 20


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", LOG + "&after=99999999999999999999-1.1"),
        ("GET", LOG + "&after=18446744073709551615-18446744073709551615.1"),
        ("GET", "/v1/conversations?before=0-0"),
        ("DELETE", "/v1/events/groups/quarantine/g"),
    ],
)
def test_an_id_that_no_stream_has_is_refused(api, redis_client, method, path):
    publish_replies(redis_client, "one")

    assert api.call(method, path).json()["code"] == "invalid"


def test_a_wrong_acknowledgement_names_its_places(api):
    body = {"stream": "quarantine", "group": "a b", "entry_ids": ["1-1", 7, "x"]}

    answer = api.post("/v1/events/ack", body)

    assert {each["pointer"]: each["detail"] for each in answer.json()["errors"]} == {
        "#/stream": "must be optouts or receipts or replies or statuses or alarms",
        "#/group": "must be 1 to 64 letters, digits or -_.",
        "#/entry_ids/1": "must be the entry_id of an entry",
        "#/entry_ids/2": "must be the entry_id of an entry",
    }


def test_a_wrong_parameter_is_told_in_words_what_it_takes(api):
    query = "stream=x&after=2026-11-27T12:00:00Z&request_id=a%20b&campaign_id=a:b"

    answer = api.get(f"/v1/events/log?{query}")

    assert {each["parameter"]: each["detail"] for each in answer.json()["errors"]} == {
        "stream": "must be optouts or receipts or replies or statuses or alarms",
        "after": "must be 0, $ or the next_after of an answer",
        "request_id": "must be 1 to 36 letters, digits or -_.:",
        "campaign_id": "must be 1 to 24 letters, digits or -_.",
    }


@pytest.mark.parametrize("digits", ["9" * 20, "18446744073709551616"])
def test_an_id_that_no_entry_can_have_is_wrong_and_no_failure_of_redis(api, redis_client, digits):
    publish_replies(redis_client, "one")
    taken(api)

    answers = [
        api.get(f"{LOG}&after={digits}-0.1"),
        api.get(f"/v1/conversations?before=1-{digits}"),
        acknowledge(api, {"entry_id": f"{digits}-0"}),
    ]

    assert [each.status_code for each in answers] == [422, 422, 422]


def test_a_cursor_reads_each_entry_once_and_filters(api, redis_client):
    publish_replies(redis_client, "one", "two", request_id="spring.0")
    publish_replies(redis_client, "three", number="+33612345679", request_id="other")

    first = api.get(LOG + "&after=0&max=2").json()
    rest = api.get(f"{LOG}&after={first['next_after']}").json()
    end = api.get(f"{LOG}&after={rest['next_after']}").json()
    mine = api.get(LOG + "&after=0&campaign_id=spring").json()

    assert (texts(first["entries"]), first["more"]) == (["one", "two"], True)
    assert (texts(rest["entries"]), rest["more"]) == (["three"], False)
    assert (end["entries"], end["next_after"], end["more"]) == ([], rest["next_after"], False)
    assert (texts(mine["entries"]), mine["next_after"]) == (["one", "two"], rest["next_after"])
    assert texts(api.get(LOG + "&after=0&request_id=other").json()["entries"]) == ["three"]
    assert api.get(LOG).status_code == 422


def test_a_cursor_whose_entries_were_trimmed_unread_is_told_so(api, redis_client: redis.Redis):
    publish_replies(redis_client, "one", "two", "three")
    first = api.get(LOG + "&after=0&max=1").json()["next_after"]
    second = api.get(LOG + "&after=0&max=2").json()["next_after"]
    redis_client.xtrim("{sms}:replies", maxlen=1, approximate=False)

    lost = api.get(f"{LOG}&after={first}")

    assert (lost.status_code, lost.json()["code"]) == (410, "cursor-trimmed")
    assert texts(api.get(f"{LOG}&after={second}").json()["entries"]) == ["three"]
    [oldest] = api.get(LOG + "&after=0").json()["entries"]
    assert lost.json()["first_entry_id"] == oldest["entry_id"]


def test_who_reads_from_the_beginning_loses_nothing_while_entries_are_trimmed(api, redis_client):
    publish_replies(redis_client, "one")
    [(_, fields)] = redis_client.xrange("{sms}:replies")
    over = threading.Event()

    def trim() -> None:
        while not over.is_set():
            with redis_client.pipeline() as many:
                for _ in range(20):
                    many.xadd("{sms}:replies", fields, maxlen=5, approximate=False)
                many.execute()

    with ThreadPoolExecutor() as others:
        trimming = others.submit(trim)
        statuses = [api.get(LOG + "&after=0").status_code for _ in range(100)]
        over.set()
        trimming.result()

    assert statuses == [200] * 100


def test_a_cursor_that_counts_more_entries_than_there_were_is_told_of_a_loss(api, redis_client: redis.Redis):
    publish_replies(redis_client, "one", "two", "three")
    cursor = api.get(LOG + "&after=0&max=2").json()["next_after"]
    redis_client.delete("{sms}:replies")

    gone = api.get(f"{LOG}&after={cursor}")
    publish_replies(redis_client, "four")
    forgotten = api.get(f"{LOG}&after={cursor}")

    assert (gone.status_code, gone.json()["code"]) == (410, "cursor-trimmed")
    assert "first_entry_id" not in gone.json()
    assert (forgotten.status_code, forgotten.json()["code"]) == (410, "cursor-trimmed")
    [oldest] = api.get(LOG + "&after=0").json()["entries"]
    assert forgotten.json()["first_entry_id"] == oldest["entry_id"]


def test_an_entry_that_was_erased_is_no_loss(api, redis_client: redis.Redis):
    publish_replies(redis_client, "one", "two", "three")
    cursor = api.get(LOG + "&after=0").json()["next_after"]
    redis_client.xdel("{sms}:replies", redis_client.xrange("{sms}:replies")[1][0])
    publish_replies(redis_client, "four")

    assert texts(api.get(f"{LOG}&after={cursor}").json()["entries"]) == ["four"]
    assert texts(api.get(LOG + "&after=0").json()["entries"]) == ["one", "three", "four"]


def test_conversations_are_found_without_a_number_in_an_address(api, sms: Producer, redis_client):
    sms.send("+33612345678", "8 pm?", sender="Bistro", purpose="alert", with_replies=True, request_id="v")
    publish_replies(redis_client, "Yes", request_id="v")
    publish_replies(redis_client, "No", number="+33612345679")

    listed = api.get("/v1/conversations?max=1").json()
    rest = api.get(f"/v1/conversations?before={listed['before']}").json()
    [yes] = rest["conversations"]
    shown = api.get(f"/v1/conversations/{yes['id']}").json()
    found = api.post("/v1/conversation-lookup", {"number": "+33 6 12 34 56 78"}).json()

    assert [each["number"] for each in listed["conversations"]] == ["+33612345679"]
    assert (yes["number"], yes["text"], rest["before"]) == ("+33612345678", "Yes", None)
    assert shown == found
    assert {(turn["direction"], turn["text"]) for turn in shown["turns"]} == {("in", "Yes"), ("out", "8 pm?")}
    assert api.post("/v1/conversation-lookup", {"number": "06"}).json()["errors"][0]["pointer"] == "#/number"
    assert api.post("/v1/conversation-lookup", {"number": "+33612345670"}).status_code == 404
    assert api.get("/v1/conversations/+33612345678").json()["code"] == "unknown-conversation"
