"""The console says what is held, until when and why, and whether workers agree about the hours."""

from datetime import datetime
from zoneinfo import ZoneInfo

from producers import Producer
from tests.support.keys import AllKeys

KEYS = AllKeys()
#: A Tuesday in a hundred years: whatever day it is, it has not come.
UNTIL = int(datetime(2126, 4, 2, 8, tzinfo=ZoneInfo("Europe/Paris")).timestamp() * 1000)
TOLD = "held until Tue 02 Apr 2126 08:00, the budget is used up"


def hold(client, sms: Producer) -> None:
    sms.send_campaign("Hi STOP au 30101", ["+33612345678"], campaign_id="spring", sender="Bistro")
    client.hset(KEYS.record("spring.0"), mapping={"held": "over_budget", "held_until": UNTIL})
    client.hset(KEYS.held, f"over_budget:{UNTIL}:FR", 1)
    client.hset(KEYS.campaign("spring"), f"held:over_budget:{UNTIL}:FR", 1)


def test_the_first_page_a_campaign_and_a_send_say_what_is_held(viewer, sms, redis_client):
    assert "Held until a time" not in viewer.get("/").text
    redis_client.zadd(KEYS.workers, {"w": redis_client.time()[0] * 1000})
    hold(redis_client, sms)

    first = viewer.get("/").text
    assert TOLD in first
    assert "Some messages are held until a time, see below." in first
    assert "Nothing keeps messages from leaving." not in first
    assert f"1 slice: {TOLD}" in viewer.get("/campaigns/spring").text
    assert TOLD in viewer.get("/sends/spring.0").text


def test_what_is_held_and_cannot_be_read_fails_alone(viewer, redis_client):
    redis_client.hset(KEYS.held, "rubbish", 1)

    page = viewer.get("/")
    assert page.status_code == 200
    assert "Held until a time" in page.text


def test_the_first_page_says_that_workers_go_by_different_hours(viewer, redis_client):
    now, _ = redis_client.time()
    names = {f"host:1:ab 1 {tzdata} abcd": now * 1000 for tzdata in ("2026a", "2026b")}
    redis_client.zadd(KEYS.workers, names)

    assert "give all of them the same version of tzdata" in viewer.get("/").text


def test_a_send_says_until_when_it_is_held_what_it_may_cost_and_whom_it_leaves_out(viewer, sms, redis_client):
    hold(redis_client, sms)
    about = {"held": "hours", "estimate": "43000", "left_out": 2}
    redis_client.hset(KEYS.record("spring.0"), mapping=about)

    page = viewer.get("/sends/spring.0").text

    assert "Held until</dt>" in page
    assert "2 Apr 2126 08:00:00</time>: the hours of marketing" in page
    assert "Estimate</dt><dd>0.043</dd>" in page
    assert "2 recipients more, who want no more SMS" in page


def test_a_send_that_ended_since_it_was_held_says_when_it_could_have_left(viewer, sms, redis_client):
    hold(redis_client, sms)
    redis_client.hdel(KEYS.record("spring.0"), "held")
    redis_client.hset(KEYS.record("spring.0"), mapping={"state": "expired", "code": "quiet_hours"})

    page = viewer.get("/sends/spring.0").text

    assert "Could have left</dt>" in page
    assert "marketing may not leave at that hour" in page


def test_a_list_says_what_is_held(viewer, sms, redis_client):
    hold(redis_client, sms)
    redis_client.lrem(KEYS.queue("marketing").ready, 0, "spring.0")
    redis_client.zadd(KEYS.queue("marketing").delayed, {"spring.0": UNTIL})

    page = viewer.get("/sends?tab=scheduled&queue=marketing").text

    assert 'wait">queued</span><span class="muted">, held</span>' in page
