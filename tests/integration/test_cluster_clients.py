"""Applications with a Cluster client of their own: what works, and what they are told when it is away."""

import asyncio
import threading

import pytest
import redis
import redis.asyncio

from producers import AsyncProducer, Producer, QueueUnavailable
from producers.callbacks import AsyncCallbackIntake, CallbackIntake
from producers.contract.secret import Secret
from producers.contract.settings import RedisSettings, WebSettings
from producers.feeds import Feed
from tests.support.waiting import until
from worker.sandbox.free_port import free_port
from worker.sandbox.redis_server import RedisServer

TOKEN = "a-token-of-0123456789"
CALLBACK = b'{"number": "+33600000000", "text": "Oui", "reception_date": "2024-01-31 14:05:09"}'
SMS = {"sender": "Bistro", "purpose": "alert"}
NUMBERS = [f"+336{number:08d}" for number in range(12_000_000, 12_001_001)]


@pytest.fixture
def server(tmp_path):
    """Give a cluster of one node that owns all slots."""
    options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    with RedisServer(tmp_path / "redis", options=options) as server:
        with redis.Redis(port=server.port) as node:
            node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            until(lambda: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        yield server


@pytest.fixture
def cluster(server):
    client = redis.RedisCluster("127.0.0.1", server.port, socket_timeout=1)
    yield client
    client.close()


@pytest.fixture
def settings(server):
    return WebSettings(redis_url=server.url, callback_tokens=(Secret(TOKEN),))


def on_a_loop(server, work):
    """Run work with an asyncio client of the cluster; the client connects before it."""

    async def run():
        client = redis.asyncio.RedisCluster("127.0.0.1", server.port, socket_timeout=1)
        try:
            await client.initialize()
            return await work(client)
        finally:
            await client.aclose()

    return asyncio.run(run())


def test_a_campaign_of_several_slices_is_cancelled(cluster):
    producer = Producer(client=cluster)
    producer.send_campaign("Hi", NUMBERS, campaign_id="spring", **SMS)

    cancellation = producer.cancel_campaign("spring")

    assert (cancellation.cancelled, cancellation.too_late) == (3, 0)


def test_a_campaign_of_several_slices_is_cancelled_on_a_loop(server):
    async def work(client):
        producer = AsyncProducer(client=client)
        await producer.send_campaign("Hi", NUMBERS, campaign_id="spring", **SMS)
        return await producer.cancel_campaign("spring")

    assert on_a_loop(server, work).cancelled == 3


def test_a_producer_is_told_that_the_cluster_is_away(cluster, server):
    producer = Producer(client=cluster)
    producer.send("+33612345678", "Hi", **SMS)
    server.kill()

    with pytest.raises(QueueUnavailable) as told:
        producer.send("+33612345678", "Hi", request_id="mine", **SMS)
    assert told.value.request_id == "mine"
    with pytest.raises(QueueUnavailable):
        producer.cancel_campaign("spring")


def test_an_asyncio_producer_is_told_that_the_cluster_is_away(server):
    async def work(client):
        producer = AsyncProducer(client=client)
        server.kill()
        await producer.send("+33612345678", "Hi", request_id="mine", **SMS)

    with pytest.raises(QueueUnavailable):
        on_a_loop(server, work)


def test_an_intake_answers_503_while_the_cluster_is_away(cluster, server, settings):
    intake = CallbackIntake(settings, cluster)
    assert intake.accept_callback(TOKEN, CALLBACK) == 200
    server.kill()

    assert intake.accept_callback(TOKEN, CALLBACK) == 503


def test_an_asyncio_intake_answers_503_while_the_cluster_is_away(server, settings):
    async def work(client):
        intake = AsyncCallbackIntake(settings, client)
        server.kill()
        return await intake.accept_callback(TOKEN, CALLBACK)

    assert on_a_loop(server, work) == 503


def test_a_feed_waits_for_the_cluster(cluster, server, caplog):
    feed = Feed("replies", "bookings", settings=RedisSettings(), client=cluster, block_s=0.05)
    server.kill()
    threading.Thread(target=lambda: until(lambda: "redis unavailable" in caplog.text) and feed.stop()).start()

    assert list(feed) == []
