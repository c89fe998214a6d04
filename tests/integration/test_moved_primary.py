"""A Redis that changes under its clients: another primary behind the name, refusals, killed connections."""

import asyncio
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import redis
import uvloop

from producers import AsyncProducer, Producer
from producers.callbacks import AsyncCallbackIntake, CallbackIntake
from producers.contract.clients import connect as connect_sending
from producers.contract.clients import connect_async
from producers.contract.connections import within
from producers.contract.followers import NotPrimaryError
from producers.contract.keys import Keys
from producers.contract.outages import TimeIsUpError
from producers.contract.secret import Secret
from producers.contract.settings import RedisSettings, WebSettings
from producers.events import Reply, to_fields
from producers.feeds import AsyncFeed, Feed
from tests.support.server_pair import ServerPair
from tests.support.waiting import until
from worker.process.connection import connect
from worker.sandbox.redis_server import RedisServer

TOKEN = "a-token-of-0123456789"
CALLBACK = b'{"number": "+33600000000", "text": "Oui", "reception_date": "2024-01-31 14:05:09"}'
SMS = {"sender": "Bistro", "purpose": "alert"}


@pytest.fixture
def pair(tmp_path):
    with ServerPair(tmp_path) as running:
        yield running


@pytest.fixture(params=["fail_over", "crash"])
def change(request, pair):
    """Give the primary's place to the replica, in each way."""
    return getattr(pair, request.param)


@pytest.fixture
def await_():
    """Run coroutines one after the other on one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


def reply(text):
    at = datetime(2024, 1, 31, 13, 5, 10, tzinfo=UTC)
    return Reply(
        event_id=text,
        request_id=None,
        ticket=None,
        number="+33600000000",
        text=text,
        short_number=None,
        received_at=at,
        gateway_date="2024-01-31 14:05:09",
        country="FR",
        context=None,
        raw="{}",
    )


def add(server, text):
    with redis.Redis(port=server.port) as client:
        client.xadd(Keys().stream("replies"), to_fields(reply(text)))


def settings(url):
    return WebSettings(redis_url=url, callback_tokens=(Secret(TOKEN),))


def stored(server):
    with redis.Redis(port=server.port) as client:
        return client.llen(Keys().queue("callbacks").ready)


def blocked(server):
    with redis.Redis(port=server.port) as client:
        return client.info("clients")["blocked_clients"]


def test_a_producer_sends_on(pair, change):
    producer = Producer(pair.url)
    before = producer.send("+33612345678", "One", **SMS)
    change()

    after = producer.send("+33612345678", "Two", **SMS)

    assert [producer.status(sent.request_id).state for sent in (before, after)] == ["queued"] * 2
    producer.close()


def test_an_asyncio_producer_sends_on(pair, change, await_):
    producer = AsyncProducer(pair.url)
    await_(producer.send("+33612345678", "One", **SMS))
    change()

    after = await_(producer.send("+33612345678", "Two", **SMS))

    assert await_(producer.status(after.request_id)).state == "queued"
    await_(producer.close())


def test_callbacks_are_stored_on(pair, change):
    intake = CallbackIntake(settings(pair.url))
    assert intake.accept_callback(TOKEN, CALLBACK) == 200
    change()

    assert intake.accept_callback(TOKEN, CALLBACK) == 200
    assert stored(pair.new) == 2
    intake.close()


def test_callbacks_are_stored_on_by_an_event_loop(pair, change, await_):
    intake = AsyncCallbackIntake(settings(pair.url))
    assert await_(intake.accept_callback(TOKEN, CALLBACK)) == 200
    change()

    assert await_(intake.accept_callback(TOKEN, CALLBACK)) == 200
    assert stored(pair.new) == 2
    await_(intake.close())


def test_a_waiting_feed_reads_on(pair, change):
    feed = Feed("replies", "bookings", redis_url=pair.url, block_s=10)

    def publish():
        until(lambda: blocked(pair.old))
        change()
        add(pair.new, "one")

    threading.Thread(target=publish).start()

    assert next(iter(feed)).text == "one"
    feed.close()


def test_a_waiting_asyncio_feed_reads_on(pair, change):
    async def read():
        feed = AsyncFeed("replies", "bookings", redis_url=pair.url, block_s=10)
        reading = asyncio.create_task(anext(aiter(feed)))
        await asyncio.to_thread(until, lambda: blocked(pair.old))
        await asyncio.to_thread(change)
        await asyncio.to_thread(add, pair.new, "one")
        found = await reading
        await feed.close()
        return found.text

    assert asyncio.run(read()) == "one"


def test_one_refusal_moves_all_connections_of_a_client(pair):
    client = connect(pair.url)
    client.set("name", "1")
    idle = [client.connection_pool.get_connection() for _ in range(3)]
    for connection in idle:
        client.connection_pool.release(connection)
    pair.fail_over()

    with pytest.raises(NotPrimaryError):
        client.set("name", "2")

    for connection in idle:
        connection.send_command("ROLE")
        assert connection.read_response()[0] == b"master"
    client.close()


def test_a_waiting_read_is_ended_and_moves(pair):
    client = connect(pair.url)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(client.blpop, ["list"], 4)
        until(lambda: blocked(pair.old))
        pair.fail_over()

        with pytest.raises(NotPrimaryError):
            waiting.result()
    assert client.role()[0] == b"master"
    client.close()


def test_a_pipeline_moves_as_well(pair):
    client = connect(pair.url)
    client.ping()
    pair.fail_over()

    with pytest.raises(redis.ConnectionError), client.pipeline(transaction=False) as pipeline:
        pipeline.get("name").set("name", "1").execute()
    with client.pipeline(transaction=False) as pipeline:
        assert pipeline.set("name", "1").get("name").execute() == [True, b"1"]
    client.close()


@pytest.mark.parametrize("make", [connect, connect_sending])
def test_a_socket_file_that_refuses_is_connected_anew(tmp_path, make):
    path = tmp_path / "socket"
    with RedisServer(tmp_path / "redis", options=["--unixsocket", str(path)]) as server:
        client = make(f"unix://{path}")
        client.set("name", "1")
        with redis.Redis(port=server.port) as operator:
            operator.replicaof("127.0.0.1", "1")
            with pytest.raises(NotPrimaryError):
                client.set("name", "2")
            operator.replicaof("NO", "ONE")

        assert client.set("name", "3")
        client.close()


def test_connections_follow_a_name_that_has_other_addresses(redis_server, redis_client, monkeypatch):
    """Nobody refuses anything: the old server does not know yet that it is no longer the primary."""
    found = frozenset({("127.0.0.1", redis_server.port)})
    monkeypatch.setattr("producers.contract.routes.addresses", lambda *_: found)
    monkeypatch.setattr("producers.contract.routes.LOOK_S", 0.0)
    client = connect(f"redis://localhost:{redis_server.port}/0")
    first = client.client_id()
    assert {client.client_id() for _ in range(20)} == {first}

    found = frozenset({("192.0.2.1", redis_server.port)})

    until(lambda: client.client_id() != first)
    client.close()


class TestRefusals:
    """The server is there and refuses to write, for a while."""

    @pytest.fixture
    def client(self, own_redis_server):
        with redis.Redis(port=own_redis_server.port) as client:
            yield client

    @pytest.fixture(params=["NOREPLICAS", "MISCONF", "READONLY"])
    def refuse(self, request, client, own_redis_server):
        """Make the server refuse; the result ends that."""

        def no_replicas():
            client.config_set("min-replicas-to-write", 1)
            return lambda: client.config_set("min-replicas-to-write", 0)

        def no_snapshot():
            shutil.rmtree(own_redis_server.data_dir)
            client.config_set("save", "900 1")
            client.bgsave()
            until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
            return lambda: client.config_set("save", "")

        def replica():
            client.replicaof("127.0.0.1", "1")
            return lambda: client.replicaof("NO", "ONE")

        kinds = {"NOREPLICAS": no_replicas, "MISCONF": no_snapshot, "READONLY": replica}
        return kinds[request.param]

    def test_a_feed_waits_and_says_so_once(self, own_redis_server, refuse, caplog):
        feed = Feed("replies", "bookings", redis_url=own_redis_server.url, block_s=0.05)
        add(own_redis_server, "one")
        assert next(iter(feed)).text == "one"
        allow = refuse()

        def end():
            until(lambda: "redis unavailable" in caplog.text)
            allow()
            add(own_redis_server, "two")

        threading.Thread(target=end).start()

        assert next(feed).text == "two"
        assert caplog.text.count("redis unavailable") == 1
        feed.close()

    def test_callbacks_are_refused_and_it_is_said_once(self, own_redis_server, refuse, caplog):
        intake = CallbackIntake(settings(own_redis_server.url))
        allow = refuse()

        assert {intake.accept_callback(TOKEN, CALLBACK) for _ in range(5)} == {503}
        assert caplog.text.count("redis unavailable") == 1

        allow()
        assert intake.accept_callback(TOKEN, CALLBACK) == 200
        intake.close()


class TestKilledConnections:
    """Every connection is killed, and the scripts are forgotten: nobody notices."""

    @pytest.fixture(params=["connections", "scripts"])
    def lose(self, request, redis_client):
        def lose():
            redis_client.client_kill_filter(_type="normal", skipme=True)

        return lose if request.param == "connections" else redis_client.script_flush

    def test_a_producer(self, redis_url, lose):
        producer = Producer(redis_url)
        for _ in range(3):
            assert producer.send("+33612345678", "One", **SMS).created
            lose()
        producer.close()

    def test_an_intake(self, redis_url, lose):
        intake = CallbackIntake(settings(redis_url))
        for _ in range(3):
            assert intake.accept_callback(TOKEN, CALLBACK) == 200
            lose()
        intake.close()

    def test_a_feed(self, redis_url, redis_server, lose):
        with Feed("replies", "bookings", redis_url=redis_url, block_s=0.05) as feed:
            for text in ("one", "two", "three"):
                add(redis_server, text)
                assert next(feed).text == text
                lose()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_connection_closed_right_before_a_command_is_a_lost_connection(redis_url, loop):
    async def send():
        client = connect_async(redis_url)
        connection = await client.connection_pool.get_connection()
        connection._writer.transport.abort()
        await asyncio.sleep(0)
        try:
            await connection.send_command("PING")
        finally:
            await client.aclose()

    with asyncio.Runner(loop_factory=loop) as runner, pytest.raises(redis.ConnectionError):
        runner.run(send())


def test_nobody_waits_for_a_free_connection_longer_than_the_time_that_is_left(redis_url):
    client = connect_sending(redis_url)
    taken = [client.connection_pool.get_connection() for _ in range(64)]
    began_s = time.monotonic()
    with pytest.raises(redis.ConnectionError, match="No connection available"), within(0.1):
        client.ping()
    # Without that it is 5 s.
    assert time.monotonic() - began_s < 4

    client.connection_pool.release(taken.pop())
    with within(30):
        assert client.ping()
    client.close()


def test_an_answer_that_comes_too_late_is_never_taken_for_another(redis_url):
    client = connect(redis_url)
    connection = client.connection_pool.get_connection()
    connection.send_command("ECHO", "late")
    with pytest.raises(TimeIsUpError), within(0):
        connection.read_response()

    connection.send_command("ECHO", "next")
    assert connection.read_response() == b"next"
    client.close()


class TestFullMemory:
    """Redis has reached its limit: nothing new is queued, but what the gateway says is kept and read."""

    @pytest.fixture
    def full(self, own_redis_server):
        with redis.Redis(port=own_redis_server.port) as client:
            add(own_redis_server, "one")
            add(own_redis_server, "two")
            client.config_set("maxmemory", 1)
            yield own_redis_server

    def test_a_feed_joins_and_reads(self, full, caplog):
        options = {"redis_url": full.url, "block_s": 0.02, "idle_s": 0.02, "max_deliveries": 1}
        with Feed("replies", "bookings", **options) as feed:
            assert next(feed).text == "one"
        with Feed("replies", "bookings", start="$", **options) as other:
            assert {next(other).text} == {"two"}
            threading.Thread(target=lambda: until(lambda: other.counts.given_up) and other.stop()).start()
            assert list(other) == []
        assert "redis unavailable" not in caplog.text

    def test_a_feed_acknowledges_and_leaves(self, full):
        with Feed("replies", "billing", redis_url=full.url, block_s=0.02) as feed:
            for event in feed:
                if event.text == "two":
                    feed.stop()

        with redis.Redis(port=full.port) as client:
            assert client.xpending(Keys().stream("replies"), "billing")["pending"] == 0
            assert client.xinfo_consumers(Keys().stream("replies"), "billing") == []

    def test_the_stream_of_a_full_redis_can_be_read_from_its_end(self, full, caplog):
        settings = RedisSettings(redis_url=full.url)
        with Feed("replies", "billing", settings=settings, start="$", block_s=0.02) as feed:
            threading.Thread(target=lambda: until(lambda: blocked(full)) and feed.stop()).start()
            assert list(feed) == []
        assert "redis unavailable" not in caplog.text

    def test_callbacks_are_stored(self, full):
        intake = CallbackIntake(settings(full.url))

        assert intake.accept_callback(TOKEN, CALLBACK) == 200
        assert stored(full) == 1
        intake.close()
