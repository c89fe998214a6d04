"""Each panel of a page fails alone: what cannot be answered, or be read, costs no other its answer."""

import pytest

from tests.support.forwarding import HandForwarder
from tests.support.keys import AllKeys
from tests.support.reply_events import publish_replies

KEYS = AllKeys()
#: What each part of the overview shows while it can be read.
OVERVIEW = {
    "sending": "Nothing keeps messages from leaving.",
    "workers": "1 alive",
    "credit": "12.50",
    "calls": "1 now, no limit",
    "strain": '<span class="state ok">none</span>',
    "parked": '<a href="/failures">1</a>',
    "quarantine": '<a href="/quarantine">2</a>',
    "alert": '<td role="cell" data-label="Ready"><div>1</div></td>',
    "messages": "<dd>41</dd>",
    "problems": 'href="/sends/asked"',
    "limits": "Now: as the workers are set.",
}


@pytest.fixture
def filled(redis_client) -> None:
    """Give each part of the overview something to show."""
    now_ms = redis_client.time()[0] * 1000
    redis_client.zadd(KEYS.workers, {"w": now_ms})
    redis_client.hset(KEYS.credit_seen, mapping={"amount": "12.5", "at": now_ms})
    redis_client.zadd(KEYS.queue("alert").leases, {"a": now_ms})
    redis_client.zadd(KEYS.parked, {"asked": now_ms})
    redis_client.hset(KEYS.record("asked"), mapping={"state": "rejected", "code": "121"})
    for _ in range(2):
        redis_client.xadd(KEYS.stream("quarantine"), {"raw": "{}"})
    redis_client.rpush(KEYS.queue("alert").ready, "b")
    redis_client.hset(KEYS.record("b"), mapping={"state": "queued", "queued": now_ms})
    redis_client.hset(KEYS.counts, "enqueued", 41)


def spoil(client, key: str, fields: dict[str, str]) -> None:
    """Put what nobody can read where something is looked for: these fields, or another type."""
    if fields:
        client.hset(key, mapping=fields)
        return
    client.set(key, "no string elsewhere")


#: What is spoilt, how, and what the overview loses by it; it says so of each.
SPOILT = [
    (KEYS.hold, {}, {"sending"}),
    (KEYS.hold, {"code": "101", "since": "long ago"}, {"sending"}),
    (KEYS.hold, {"code": "101", "since": "9" * 30}, {"sending"}),
    (KEYS.hold, {"code": "101", "since": "9" * 20}, {"sending"}),
    (KEYS.pause, {}, {"sending"}),
    (KEYS.pause, {"at": "soon"}, {"sending"}),
    (KEYS.gates, {}, {"sending"}),
    (KEYS.gates, {"777": "{"}, {"sending"}),
    (KEYS.workers, {}, {"sending", "workers"}),
    (KEYS.credit_seen, {}, {"credit"}),
    (KEYS.credit_seen, {"amount": "much"}, {"credit"}),
    (KEYS.credit_seen, {"at": "late"}, {"credit"}),
    (KEYS.limits, {}, {"calls", "limits"}),
    (KEYS.limits, {"rate": "fast"}, {"calls", "limits"}),
    (KEYS.strain, {}, {"calls", "strain"}),
    (KEYS.strain, {"limit": "x"}, {"calls", "strain"}),
    (KEYS.queue("alert").ready, {}, {"alert"}),
    (KEYS.record("b"), {}, {"alert"}),
    (KEYS.record("b"), {"queued": "early"}, {"alert"}),
    (KEYS.queue("alert").ending, {}, {"calls"}),
    (KEYS.queue("alert").leases, {}, {"alert", "calls"}),
    (KEYS.queue("callbacks").delayed, {}, set()),
    (KEYS.parked, {}, {"parked", "problems"}),
    (KEYS.record("asked"), {}, {"problems"}),
    (KEYS.stream("quarantine"), {}, {"quarantine"}),
    (KEYS.counts, {}, {"messages"}),
    (KEYS.counts, {"enqueued": "many"}, {"messages"}),
]


@pytest.mark.parametrize(("key", "fields", "lost"), SPOILT)
def test_what_cannot_be_read_leaves_the_rest_of_the_overview_standing(
    operator, redis_client, filled, key, fields, lost
):
    spoil(redis_client, key, fields)

    page = operator.get("/")

    assert page.status_code == 200
    assert {name for name, words in OVERVIEW.items() if words not in page.text} == lost
    assert "cannot be read" in page.text.lower() or "no time" in page.text


def test_an_overview_of_which_nothing_is_spoilt_shows_all(operator, filled):
    page = operator.get("/")

    assert [name for name, words in OVERVIEW.items() if words not in page.text] == []
    assert "cannot be read" not in page.text


@pytest.fixture
def bistro(redis_client, sms) -> None:
    """Give each of the other pages something to show in each of its parts."""
    publish_replies(redis_client, "Oui")
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="queued")
    sms.send_campaign("Hi STOP au 30101", ["+33612345678"], campaign_id="spring", sender="Bistro")
    HandForwarder(redis_client).arrive("waiting-1")
    now_ms = redis_client.time()[0] * 1000
    for key in (KEYS.parked, KEYS.parked_group("rejected", "121")):
        redis_client.zadd(key, {"asked": now_ms})
    redis_client.zadd(KEYS.parked_groups, {"rejected:121": now_ms})
    redis_client.hset(KEYS.record("asked"), mapping={"state": "rejected", "code": "121", "parked": "121"})


#: A page, what is spoilt of it, and what it shows all the same.
OTHERS = [
    ("/replies", KEYS.pseudonyms, {}, ["Oui", "Country"]),
    ("/replies", KEYS.pseudonyms, {"ids": "another"}, ["Oui", "Country"]),
    ("/replies", KEYS.stream("replies"), {}, ["The replies cannot be read now", "Export as CSV"]),
    ("/replies", KEYS.reply_countries, {"FR": "many"}, ["Oui"]),
    ("/sends?tab=waiting", KEYS.attempt_leases, {}, ['href="/sends/queued"']),
    ("/sends?tab=waiting", KEYS.queue("alert").ready, {}, ["This list cannot be read now", "Scheduled"]),
    ("/sends/queued", KEYS.hold, {}, ["Why it is where it is cannot be read now", "It was queued."]),
    ("/sends/queued", KEYS.pseudonyms, {}, ["The timeline cannot be read now", "Hello"]),
    ("/sends/queued", KEYS.pseudonyms, {"ids": "another"}, ["The timeline cannot be read now", "Hello"]),
    ("/sends/queued", KEYS.audit, {}, ["The audit cannot be read now", "It was queued."]),
    ("/failures", KEYS.bulks, {}, ["What was sent again together cannot be read now", 'href="/sends/asked"']),
    ("/failures", KEYS.parked_groups, {}, ["How many wait cannot be read now"]),
    ("/failures", KEYS.parked, {}, ["This list cannot be read now"]),
    ("/campaigns/spring", KEYS.record("spring.0"), {}, ["The slices cannot be read now", "Cancel for good"]),
    ("/feeds", KEYS.stream("replies"), {}, ["This stream cannot be read now", 'id="stream-statuses"']),
    ("/feeds", KEYS.unread_trimmed, {"replies": "x"}, ["This stream cannot be read now", "stream-statuses"]),
    (
        "/forward/bookings",
        KEYS.forward_due("bookings"),
        {},
        ["What waits cannot be read", "Dead letters"],
    ),
]


@pytest.mark.parametrize(("path", "key", "fields", "shown"), OTHERS)
def test_what_cannot_be_read_leaves_the_rest_of_any_page_standing(
    operator, redis_client, bistro, path, key, fields, shown
):
    spoil(redis_client, key, fields)

    page = operator.get(path)

    assert page.status_code == 200
    assert [words for words in shown if words not in page.text] == []


@pytest.mark.parametrize(
    "path", ["/sends?tab=ended&before=x", "/failures?before=x", "/campaigns/spring?before=x"]
)
def test_an_address_that_names_no_place_is_refused_also_beside_other_panels(operator, bistro, path):
    assert operator.get(f"{path}&before=x").status_code == 400
