"""What a scrape says of Redis itself: is it a primary, who could replace it, how often was it replaced?"""

import asyncio

import httpx
import pytest
import redis

from producers.contract.heartbeats import Rules
from producers.contract.keys import Keys
from tests.support.scraping import Scraped
from tests.support.waiting import until
from worker.metrics.app import create_app
from worker.metrics.replication import SILENT_S, replicas_in_step
from worker.metrics.settings import MetricsSettings
from worker.process.heartbeat import Heartbeat
from worker.sandbox.redis_server import RedisServer


@pytest.fixture
def servers(tmp_path):
    options = ["--repl-diskless-sync-delay", "0"]
    with (
        RedisServer(tmp_path / "one", options=options) as one,
        RedisServer(tmp_path / "two", options=options) as two,
    ):
        yield one, two


def told(*urls):
    """Scrape metrics processes, each of which has its own server, one after the other."""

    async def pages():
        for url in urls:
            app = create_app(MetricsSettings(redis_url=url))
            transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
            async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as session:
                yield Scraped((await session.get("http://metrics/metrics")).text)

    async def collect():
        return [page async for page in pages()]

    return asyncio.run(collect())


def beat(server):
    with redis.Redis(port=server.port) as client:
        Heartbeat(client, Keys("sms"), Rules("1", "2026a", "abcd")).beat()


def names(page):
    return {name for name, _ in page.samples}


def test_a_replica_tells_that_it_is_one_and_a_promotion_is_counted_once(servers):
    one, two = servers
    beat(one)
    with redis.Redis(port=one.port) as old, redis.Redis(port=two.port) as new:
        new.replicaof("127.0.0.1", one.port)
        until(lambda: new.info("replication")["master_link_status"] == "up")
        until(lambda: replicas_in_step(old.info("replication")) == 1)
        until(lambda: new.exists("{sms}:memory"))
        [primary, replica] = told(one.url, two.url)
        assert [primary(f"redis_{each}") for each in ("up", "primary", "replicas")] == [1, 1, 1]
        assert primary("redis_changes_total") == 0
        assert [replica("redis_up"), replica("redis_primary")] == [1, 0]
        assert not names(replica) & {"octopush_workers", "octopush_enqueued_total", "octopush_redis_replicas"}

        new.replicaof("NO", "ONE")
        for _ in range(3):
            beat(two)
        [promoted] = told(two.url)
        assert [promoted("redis_primary"), promoted("redis_replicas")] == [1, 0]
        assert promoted("redis_changes_total") == 1


def test_the_same_server_counts_no_change_where_its_history_got_another_name(servers):
    """As it does when no replica has been there for an hour."""
    one, _ = servers
    beat(one)
    with redis.Redis(port=one.port) as client:
        mark = client.hget("{sms}:memory", "server")
        client.hset("{sms}:memory", "server", mark[:40] + b"0" * 40)
        beat(one)
    [page] = told(one.url)

    assert page("redis_changes_total") == 0


def test_a_metrics_process_leaves_a_server_that_is_no_primary_any_more(servers):
    """Behind an address that moves, a connection stays with the server to which it was made."""
    one, two = servers

    async def connections():
        app = create_app(MetricsSettings(redis_url=one.url))
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        with redis.Redis(port=one.port) as client:
            async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as session:
                await session.get("http://metrics/metrics")
                assert named(client)
                client.replicaof("127.0.0.1", two.port)
                await session.get("http://metrics/metrics")
                until(lambda: not named(client))

    def named(client):
        return [each for each in client.client_list() if each["name"] == "octopush-producer"]

    asyncio.run(connections())


@pytest.mark.parametrize(
    ("state", "lag", "counted"),
    [("online", 0, 1), ("online", SILENT_S, 1), ("online", SILENT_S + 1, 0), ("wait_bgsave", 0, 0)],
)
def test_a_replica_counts_while_it_is_in_step(state, lag, counted):
    info = {"role": "master", "connected_slaves": 1, "slave0": {"state": state, "lag": lag}, "slave_x": 1}

    assert replicas_in_step(info) == counted
