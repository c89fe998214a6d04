"""What waits for a person: by state and code, in step with the records, a page at a time."""

import asyncio
from collections import Counter

import pytest
import redis
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers import Producer
from producers.contract.jobs import PARKED
from producers.contract.settings import RedisSettings
from producers.contract.steps import adrive, drive
from tests.support.hand_worker import HandWorker
from tests.support.keys import AllKeys
from tests.support.sends import correlate_one
from tests.support.template_sends import number
from worker.gateway.outcomes import Accepted, Duplicate, Refused, Unexplained
from worker.inquiry.parked import Group, Parked, ParkedMessages, ParkedPage
from worker.operator.decisions import Decisions

KEYS = AllKeys()
SETTINGS = RedisSettings()
MESSAGES = ParkedMessages.of(SETTINGS)
DECISIONS = Decisions(SETTINGS, "tester")
RETENTION_MS = SETTINGS.retention_ms


def send(sms: Producer, count: int) -> list[str]:
    return [
        sms.send(number(each), "Hi", sender="Bistro", purpose="alert", request_id=f"a{each}").request_id
        for each in range(count)
    ]


def end_all(hand: HandWorker, *outcomes) -> None:
    for claim, outcome in zip(hand.take(), outcomes, strict=True):
        hand.finish(claim, outcome)


def groups(client) -> list[Group]:
    return drive(MESSAGES.groups(), client)


def walk(client, group: Group | None, limit: int) -> list[ParkedPage]:
    pages, cursor = [], ""
    while True:
        pages.append(drive(MESSAGES.page(group, cursor, limit), client))
        cursor = pages[-1].cursor
        if not cursor:
            return pages


def ids_of(pages: list[ParkedPage]) -> list[str]:
    return [each.request_id for page in pages for each in page.rows]


def by_record(client, count: int) -> Counter[tuple[str, str]]:
    """Count by state and code what the records say."""
    found: Counter[tuple[str, str]] = Counter()
    for each in range(count):
        state, code = client.hmget(KEYS.record(f"a{each}"), "state", "code")
        if state and state.decode() in PARKED:
            found[state.decode(), (code or b"").decode()] += 1
    return found


def test_the_numbers_of_each_state_and_code_are_known(sms, hand, redis_client):
    send(sms, 4)
    end_all(hand, Refused("121"), Refused("106"), Accepted("t"), Refused("121"))

    assert sorted((each.state, each.code, each.count) for each in groups(redis_client)) == [
        ("rejected", "106", 1),
        ("rejected", "121", 2),
    ]


def test_a_page_shows_each_message_with_its_state_and_whether_its_time_is_over(sms, hand, redis_client):
    send(sms, 2)
    end_all(hand, Refused("121"), Duplicate("120"))
    redis_client.hset(KEYS.record("a0"), "expires", 1)
    ended = int(redis_client.hget(KEYS.record("a0"), "ended"))

    page = drive(MESSAGES.page(Group("rejected", "121", 1)), redis_client)

    assert page == ParkedPage((Parked("a0", "rejected", "121", ended, expired=True),), "")
    assert ids_of(walk(redis_client, None, 50)) == ["a0", "a1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 10, 11])
def test_pages_show_each_message_once_although_many_ended_at_once(sms, redis_client, limit):
    """A script ends many messages in one millisecond, and their order is that of their ids."""
    ids = sorted(send(sms, 10))
    redis_client.zadd(KEYS.parked, {each: 1000 + (place >= 7) for place, each in enumerate(ids)})
    for each in ids:
        redis_client.hset(KEYS.record(each), mapping={"state": "failed", "ended": 1000})

    pages = walk(redis_client, None, limit)

    assert ids_of(pages) == ids
    assert all(len(page.rows) <= limit for page in pages)
    assert len(pages) == -(-10 // limit)


def test_whoever_replays_page_by_page_meets_all_and_none_twice(sms, hand, redis_client):
    ids = send(sms, 9)
    end_all(hand, *[Refused("121")] * 9)
    [group] = groups(redis_client)
    met, cursor, first = [], "", True
    while cursor or first:
        page = drive(MESSAGES.page(group, cursor, 2), redis_client)
        met += [each.request_id for each in page.rows]
        for each in page.rows:
            assert drive(DECISIONS.replay(each.request_id), redis_client) is None
        cursor, first = page.cursor, False

    assert sorted(met) == ids
    assert groups(redis_client) == []


def test_an_id_without_a_record_is_not_listed(sms, hand, redis_client):
    send(sms, 2)
    end_all(hand, Refused("121"), Refused("121"))
    redis_client.delete(KEYS.record("a0"))

    assert ids_of(walk(redis_client, None, 1)) == ["a1"]
    assert ids_of(walk(redis_client, Group("rejected", "121", 2), 50)) == ["a1"]


def test_what_is_older_than_its_record_is_not_counted_and_goes_with_the_next(sms, hand, redis_client):
    send(sms, 3)
    end_all(hand, Refused("121"), Refused("121"), Refused("106"))
    names = [KEYS.parked, KEYS.parked_group("rejected", "121"), KEYS.parked_group("rejected", "106")]
    for name in names:
        for member, score in redis_client.zrange(name, 0, -1, withscores=True):
            redis_client.zadd(name, {member: score - RETENTION_MS - 1000})
    redis_client.zadd(KEYS.parked_groups, {"rejected:106": 1})

    assert groups(redis_client) == []

    sms.send(number(5), "Hi", sender="Bistro", purpose="alert", request_id="a5")
    end_all(hand, Refused("121"))

    assert groups(redis_client) == [Group("rejected", "121", 1)]
    assert [redis_client.zrange(name, 0, -1) for name in names[:2]] == [[b"a5"]] * 2
    assert redis_client.zrange(KEYS.parked_groups, 0, -1) == [b"rejected:121"]
    assert all(0 < redis_client.pttl(name) <= RETENTION_MS for name in (*names, KEYS.parked_groups))


OUTCOMES = st.sampled_from(
    [Refused("121"), Refused("106"), Unexplained("777"), Duplicate("120"), Accepted("t")]
)
STEPS = st.one_of(
    st.tuples(st.just("end"), OUTCOMES),
    st.tuples(st.sampled_from(["replay", "as-accepted", "send-again", "callback"]), st.integers(0, 3)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=14))
def test_groups_records_and_counts_agree_whatever_happens(sms, redis_client, steps):
    redis_client.flushall()
    hand = HandWorker(redis_client)
    send(sms, 4)
    running = hand.take()
    for what, which in steps:
        if what == "end":
            running += hand.take()
            if running:
                hand.finish(running.pop(0), which)
        elif what == "replay":
            drive(DECISIONS.replay(f"a{which}"), redis_client)
        elif what == "callback":
            correlate_one(hand.ledger, f"sms_{which}", number(which), 2**42, only_when_idle=False)
        else:
            drive(DECISIONS.resolve(f"a{which}", what), redis_client)

        expected = by_record(redis_client, 4)
        found = groups(redis_client)
        assert {(each.state, each.code): each.count for each in found} == expected
        assert redis_client.zcard(KEYS.parked) == expected.total()
        listed = [each for group in found for each in ids_of(walk(redis_client, group, 2))]
        assert sorted(listed) == sorted(ids_of(walk(redis_client, None, 2)))
        assert len(listed) == expected.total()


def test_decisions_are_carried_out_on_an_asyncio_client_too(sms, hand, redis_url, redis_client):
    send(sms, 2)
    end_all(hand, Refused("121"), Duplicate("120"))
    hand.throttle.hold("104")
    redis_client.hset(KEYS.gates, "777", '{"code":"777","since":1,"shut":{}}')

    async def decide() -> list[object]:
        async with redis.asyncio.from_url(redis_url) as client:
            steps = (
                MESSAGES.groups(),
                DECISIONS.replay("a0"),
                DECISIONS.resolve("a1", "as-accepted"),
                DECISIONS.release(),
                DECISIONS.open_breaker("777"),
            )
            done = [await adrive(each, client) for each in steps]
            return [*done, await DECISIONS.set_limits(rate=2.5).arun(client)]

    found, replayed, resolved, released, opened, changed = asyncio.run(decide())

    assert len(found) == 2
    assert (replayed, resolved, changed) == (None, None, True)
    assert (released.held, released.paused, released.unpaid, released.given_back) == (True, False, False, 0)
    assert opened == (True, 0)
    assert redis_client.hgetall(KEYS.limits) == {b"rate": b"2.5"}
    actions = [fields[b"action"] for _, fields in redis_client.xrange(KEYS.audit)]
    assert actions == [b"replay", b"resolve", b"release", b"release", b"limits"]


def test_no_change_of_limits_has_no_audit_entry(redis_client):
    assert not DECISIONS.set_limits().run(redis_client)
    assert not redis_client.exists(KEYS.audit)


@pytest.mark.parametrize("cursor", ["x", "x:a"])
def test_a_cursor_that_nobody_gave_out_is_refused(redis_client, cursor):
    with pytest.raises(ValueError, match="invalid literal"):
        drive(MESSAGES.page(None, cursor), redis_client)
