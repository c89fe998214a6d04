"""The metrics process: what is in Redis, for those who may read it, in few commands however much waits."""

import asyncio

import httpx
import pytest

from producers.contract.metric_table import CALL_MS, METRICS, OTHER
from tests.support.hand_worker import HandWorker
from tests.support.scraping import Scraped, scrape
from tests.support.sends import claim_one, finish_one
from tests.support.template_sends import send_codes
from worker.gateway.call_figures import figures_of
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unexplained, Unknown
from worker.ledger.claims import Claim, Over, Result
from worker.metrics.app import create_app
from worker.metrics.settings import MetricsSettings


@pytest.fixture
def told(redis_client, redis_url):
    return lambda: Scraped(scrape(redis_url))


def ask(settings, client=("127.0.0.1", 1), path="/metrics", **headers):
    async def get():
        app = create_app(settings)
        transport = httpx.ASGITransport(app, client=client)
        session = httpx.AsyncClient(transport=transport, base_url="http://metrics")
        async with app.router.lifespan_context(app), session:
            return await session.get(path, headers=headers)

    return asyncio.run(get())


def test_every_metric_of_the_table_but_those_of_web_is_told(redis_client, redis_url):
    redis_client.hset("{sms}:credit_seen", mapping={"amount": "12.5", "at": 1_790_000_000_000})

    page = scrape(redis_url)

    described = {line.split()[2].removeprefix("octopush_") for line in page.splitlines() if "# TYPE" in line}
    assert described == {name for name, row in METRICS.items() if not row.of_web}
    assert 'octopush_credit{currency="EUR"} 12.5\n' in page


@pytest.mark.parametrize(
    ("addresses", "client", "headers", "status"),
    [
        ("private", "10.1.2.3", {}, 200),
        ("private", "93.184.216.34", {}, 404),
        ("10.1.0.0/16", "127.0.0.1", {}, 404),
        ("private", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
    ],
)
def test_addresses_decide_who_is_answered(redis_client, redis_url, addresses, client, headers, status):
    settings = MetricsSettings(redis_url=redis_url, metrics_addresses=addresses)

    assert ask(settings, (client, 1), **headers).status_code == status


def test_without_redis_only_that_is_told(own_redis_server):
    own_redis_server.kill()

    page = ask(MetricsSettings(redis_url=own_redis_server.url)).text

    assert "octopush_redis_up 0.0\n" in page
    assert "octopush_sends" not in page


def test_metrics_show_a_hold_and_how_sends_ended(told, redis_client):
    assert told()("sending_held") == 0
    redis_client.hset("{sms}:hold", mapping={"code": "104", "since": 1})
    redis_client.hset("{sms}:counts", mapping={"enqueued": 7, "accepted": 5, "unknown": 1, "unexplained": 6})

    found = told()

    assert found("sending_held") == 1
    assert [found("sends", state=state) for state in ("enqueued", "unknown", "failed")] == [7, 1, 0]
    assert found("unexplained_refusals_total") == 6


def test_metrics_show_what_waits_aside_what_is_held_and_by_which_hours_the_workers_go(told, redis_client):
    redis_client.hset("{sms}:gates", mapping=dict.fromkeys(("credit", "777", "777.2"), '{"code":"1"}'))
    for gate, waiting in (("credit", 3), ("777", 4), ("777.2", 5)):
        redis_client.zadd(f"{{sms}}:aside:{gate}", {str(each): 0 for each in range(waiting)})
    redis_client.hset("{sms}:held", mapping={"hours:1790000000000:FR": 3, "hours:1790000000001:RE YT": 4})
    now, _ = redis_client.time()
    redis_client.zadd("{sms}:workers", {f"host:{n}:ab 1 2026a abcd": now * 1000 for n in range(2)})

    found = told()

    assert [found("sends_aside", gate=gate) for gate in ("credit", "breaker")] == [3, 9]
    assert found("breakers") == 2
    assert [found("held", reason=reason) for reason in ("hours", "over_budget")] == [7, 0]
    assert found("hours_rules_info", version="1", tzdata="2026a", fingerprint="abcd") == 2


@pytest.mark.parametrize(
    ("counts", "entries", "paused", "imbalance"),
    [
        ({"enqueued": 5, "accepted": 5}, 0, 0, 0),
        ({"enqueued": 5, "accepted": 4}, 0, 0, 1),
        ({"enqueued": 5, "accepted": 4}, 1, 0, 0),
        ({"enqueued": 5, "accepted": 6}, 1, 0, -1),
        ({"enqueued": 5, "accepted": 3}, 0, 2, 0),
    ],
    ids=["balanced", "lost", "waits", "ended twice", "paused"],
)
def test_the_ledger_balances_or_says_by_how_much_it_does_not(
    told, redis_client, counts, entries, paused, imbalance
):
    redis_client.hset("{sms}:counts", mapping=counts)
    redis_client.hset("{sms}:metrics", "paused", paused)
    if entries:
        redis_client.rpush("{sms}:queue:alert", "a")

    assert told()("ledger_imbalance") == imbalance


def test_a_group_tells_how_far_it_is_behind_and_what_it_gave_up(told, redis_client):
    for number in range(5):
        redis_client.xadd("{sms}:replies", {"n": number})
    redis_client.xgroup_create("{sms}:replies", "shop", 0)
    redis_client.xreadgroup("shop", "one", {"{sms}:replies": ">"}, count=2)
    redis_client.xadd("{sms}:replies:poison:shop", {"n": 1})

    found, of = told(), {"stream": "replies", "group": "shop"}

    assert (found("group_lag", **of), found("group_pending", **of), found("poison_entries", **of)) == (
        3,
        2,
        1,
    )
    assert 0 <= found("group_oldest_pending_seconds", **of) < 60


@pytest.mark.parametrize(
    ("outcome", "word", "code"),
    [
        (Accepted("sms_1"), "accepted", ""),
        (Duplicate("120"), "duplicate", "120"),
        (Refused("181"), "refused", "181"),
        (Unexplained("31337"), "refused", OTHER),
        (Deferred("104", account=True, may_use_up_id=True), "refused", "104"),
        (Deferred("http_429"), "throttled", "http_429"),
        (Unknown("153"), "throttled", "153"),
        (Unknown("socket_timeout_error"), "lost", "socket_timeout_error"),
        (Deferred("http_404", proven=False), "lost", "http_404"),
        (Deferred("client_connector_error"), "unreachable", "client_connector_error"),
        (Unknown("some_text_of_a_stranger"), "lost", OTHER),
    ],
)
def test_a_post_is_counted_by_few_words(outcome, word, code):
    found = figures_of(outcome, 0.2)

    assert (found.outcome, found.code, found.within, found.ms) == (word, code, "250", 200)
    assert figures_of(outcome, 99).within == "more"
    assert figures_of(outcome, 0.05).within == str(CALL_MS[0])


#: Commands that take the same time however much waits, or one by which few things are counted.
BOUNDED = {
    *("llen", "zcard", "xlen", "lindex", "hget", "hmget", "hgetall", "hkeys", "exists", "time"),
    *("zrange", "zrevrange", "zcount", "xinfo|groups", "xpending", "multi", "exec"),
}


def test_a_scrape_asks_nothing_that_grows_with_what_waits(redis_client, redis_url):
    with redis_client.pipeline() as pipeline:
        for number in range(20_000):
            pipeline.rpush("{sms}:queue:marketing", f"m{number}")
            pipeline.zadd("{sms}:queue:marketing:delayed", {f"d{number}": number})
        pipeline.execute()
    redis_client.config_resetstat()

    scrape(redis_url)

    stats = redis_client.info("commandstats")
    asked = {name.removeprefix("cmdstat_") for name in stats} - CONNECTING
    assert asked <= BOUNDED
    assert sum(stats[f"cmdstat_{name}"]["calls"] for name in asked) < 150


#: What a client says when it connects, and this test.
CONNECTING = {"client|setinfo", "config|resetstat", "hello", "select", "info", "client|maint_notifications"}


def test_a_slice_that_waited_for_its_campaign_is_no_delay_and_leaves_no_imbalance(redis_client, sms, ledger):
    sms.send_campaign("Hello", ["+33612345678"], campaign_id="c", sender="Bistro", purpose="alert")
    [slice_id] = [key.decode().partition(":record:")[2] for key in redis_client.keys("*:record:*")]
    sms.pause_campaign("c")
    assert claim_one(ledger, slice_id) == Over("paused")
    assert redis_client.hget("{sms}:metrics", "paused") == b"1"
    redis_client.hset("{sms}:metrics", "paused", 0)  # as a worker of an older release leaves it
    redis_client.hincrby(f"{{sms}}:record:{slice_id}", "queued", -3_600_000)

    sms.resume_campaign("c")

    assert redis_client.hget("{sms}:metrics", "paused") == b"0"
    assert isinstance(claim_one(ledger, slice_id), Claim)
    assert int(redis_client.hget("{sms}:metrics", "delay:alert:sum_ms")) < 600_000


def test_each_post_of_an_attempt_and_each_segment_that_was_bought_is_counted_once(redis_client, sms, ledger):
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")
    claim = claim_one(ledger, "a")
    lost, taken = Unknown("timeout_error"), Accepted("t", cost="0.08", segments=1)
    calls = [figures_of(lost, 0.2), figures_of(taken, 0.1)]
    countries = {"FR": 1, "RE": 1}
    result = Result(claim, taken, 2, True, False, 0, calls=calls, countries=countries)
    assert [ledger.finish([result]) for _ in range(2)] == [["accepted"]] * 2

    counted = {name.decode(): int(count) for name, count in redis_client.hgetall("{sms}:metrics").items()}
    figures = {
        name: count for name, count in counted.items() if name.startswith(("calls:", "errors:", "cost"))
    }
    bought = {name: count for name, count in counted.items() if name.startswith("segments:")}
    assert figures == {
        f"calls:lost:{calls[0].within}": 1,
        "calls:lost:sum_ms": 200,
        f"calls:accepted:{calls[1].within}": 1,
        "calls:accepted:sum_ms": 100,
        "errors:timeout_error": 1,
        "cost": 80_000,
    }
    # One segment is shared out to two recipients, and not counted for each.
    assert sum(bought.values()) == 1


def test_a_shared_call_ends_as_many_messages_as_it_had(redis_client, sms):
    hand = HandWorker(redis_client)
    send_codes(sms, range(3))
    [claim] = hand.take()
    assert hand.finish(claim, Accepted("t")) == "accepted"

    assert redis_client.hget("{sms}:metrics", "ended:alert:accepted") == b"3"


def test_a_group_that_cannot_be_named_is_told_beside_the_others(told, redis_client):
    redis_client.xgroup_create("{sms}:replies", b"\xff\xfe", mkstream=True)
    redis_client.xgroup_create("{sms}:replies", "bookings")

    assert told()("group_pending", stream="replies", group="bookings") == 0


def test_a_record_without_its_queue_ends_and_is_counted_in_no_queue(redis_client, sms, ledger):
    """An old release, or somebody by hand, has written it."""
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")
    claim = claim_one(ledger, "a")
    redis_client.hdel("{sms}:record:a", "queue")

    assert finish_one(ledger, claim, Accepted("t")) == "accepted"
    assert redis_client.hget("{sms}:counts", "accepted") == b"1"
    assert not [name for name in redis_client.hkeys("{sms}:metrics") if name.startswith(b"ended:")]


def test_a_shared_call_without_its_queue_ends_with_its_members(redis_client, sms):
    hand = HandWorker(redis_client)
    send_codes(sms, range(2))
    [claim] = hand.take()
    redis_client.hdel(f"{{sms}}:record:{claim.entry.id}", "queue")

    assert hand.finish(claim, Accepted("t")) == "accepted"
    assert redis_client.hget("{sms}:counts", "accepted") == b"2"
    assert not [name for name in redis_client.hkeys("{sms}:metrics") if name.startswith(b"ended:")]
