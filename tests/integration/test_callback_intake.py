"""The intake against a real Redis: what it answers, what it stores, how long it takes when Redis does not."""

import asyncio
import dataclasses
import time

import pytest
import redis

from producers import callbacks
from producers.callbacks import BODY_MAX_BYTES, AsyncCallbackIntake, CallbackIntake
from producers.contract.clients import Timeouts
from producers.contract.keys import Keys
from producers.contract.secret import Secret
from producers.contract.settings import WebSettings
from producers.errors import ConfigError
from producers.intake.judge import ALLOWED
from tests.support.tcp_proxy import TcpProxy

OLD, NEW = "an-old-token-0123456789", "a-new-token-0123456789"
REPLY = b'{"number": "+33600000000", "text": "Oui", "reception_date": "2024-01-31 14:05:09"}'


class Awaited:
    """Drives `AsyncCallbackIntake` like the blocking one, so that both pass the same tests."""

    def __init__(self, settings):
        self._runner = asyncio.Runner()
        self._intake = AsyncCallbackIntake(settings)

    def accept_callback(self, *args):
        return self._runner.run(self._intake.accept_callback(*args))

    def check_url(self, *args):
        return self._intake.check_url(*args)

    def close(self):
        self._runner.run(self._intake.close())
        self._runner.close()


@pytest.fixture
def settings(redis_url, namespace):
    return WebSettings(redis_url=redis_url, namespace=namespace, callback_tokens=(Secret(OLD), Secret(NEW)))


@pytest.fixture(params=[CallbackIntake, Awaited], ids=["sync", "async"])
def make(request):
    return request.param


@pytest.fixture
def intake(make, settings):
    intake = make(settings)
    yield intake
    intake.close()


def stored(client, namespace):
    """Return (kind, raw) of the callbacks in queue order, and check that each can be found by its entry."""
    keys = Keys(namespace)
    ids = client.lrange(keys.queue("callbacks").ready, 0, -1)
    hashes = [client.hgetall(keys.callback(callback_id.decode())) for callback_id in ids]
    assert len(client.keys(keys.callback("*"))) == len(ids)
    return [(record[b"kind"].decode(), record[b"raw"]) for record in hashes]


@pytest.mark.parametrize("token", [OLD, NEW])
@pytest.mark.parametrize("kind", [None, "replies", "receipts", "optouts"])
def test_a_callback_is_stored_before_it_is_answered(intake, redis_client, namespace, token, kind):
    assert intake.accept_callback(token, REPLY, kind) == 200

    assert stored(redis_client, namespace) == [(kind or "", REPLY)]
    assert redis_client.llen(Keys(namespace).queue("callbacks").wake) == 1


@pytest.mark.parametrize(
    "token", ["", "wrong", OLD[:-1], OLD + "x", OLD.upper(), "é\ud800\x00", f"{OLD},{NEW}"]
)
@pytest.mark.parametrize("body", [REPLY, b"", b"x" * (BODY_MAX_BYTES + 1)])
def test_a_wrong_token_gets_404_whatever_it_sends(intake, redis_client, token, body):
    assert intake.accept_callback(token, body) == 404
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize("kind", ["", "reply", "unreadable", "REPLIES", "é"])
def test_an_unknown_kind_gets_404(intake, redis_client, kind):
    assert intake.accept_callback(OLD, REPLY, kind) == 404
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize(
    ("token", "kind", "status"),
    [
        (OLD, None, 200),
        (NEW, "replies", 200),
        (OLD, "visits", 404),
        ("wrong", None, 404),
        ("", "replies", 404),
    ],
)
def test_a_url_can_be_checked_without_a_body(intake, redis_client, token, kind, status):
    assert intake.check_url(token, kind) == status
    assert redis_client.dbsize() == 0


class TestBoundTokens:
    @pytest.fixture
    def settings(self, redis_url, namespace):
        environ = {
            "CALLBACK_TOKENS": f"receipts={OLD},{NEW}",
            "REDIS_URL": redis_url,
            "SMS_NAMESPACE": namespace,
        }
        return WebSettings.from_env(environ)

    @pytest.mark.parametrize(
        ("token", "kind", "status"),
        [
            *((OLD, "receipts", 200), (OLD, None, 200), (OLD, "replies", 404), (OLD, "optouts", 404)),
            *((NEW, "receipts", 200), (NEW, "optouts", 200), (f"receipts={OLD}", None, 404)),
        ],
    )
    def test_a_token_is_good_for_its_kind_only(self, intake, redis_client, token, kind, status):
        assert intake.check_url(token, kind) == intake.accept_callback(token, REPLY, kind) == status
        assert bool(redis_client.keys("*callback:*")) is (status == 200)

    def test_what_it_brings_of_another_kind_is_marked(self, intake, redis_client, namespace):
        intake.accept_callback(OLD, REPLY)
        intake.accept_callback(NEW, REPLY)

        assert stored(redis_client, namespace) == [("receipts", REPLY), ("", REPLY)]
        only = [redis_client.hget(key, "only") for key in redis_client.keys(Keys(namespace).callback("*"))]
        assert sorted(only) == [b"", b"receipts"]


RECEIPT = b'{"number": "+33600000000", "status": "DELIVERED", "delivery_date": "2024-01-31 14:05:09"}'
STOP = b'{"number": "+33600000000", "text": "STOP", "stop_date": "2024-01-31 14:05:09"}'
SORTS = {
    "optouts": STOP,
    "receipts": RECEIPT,
    "replies": REPLY,
    "large": REPLY.ljust(9_000),
    "unreadable": b"x",
}


@pytest.mark.parametrize("flooded", SORTS)
def test_a_flood_of_one_sort_keeps_no_other_from_being_taken(
    intake, redis_client, namespace, monkeypatch, flooded
):
    monkeypatch.setattr(callbacks, "ALLOWED", dict.fromkeys(ALLOWED, 30_000))
    answers = [intake.accept_callback(OLD, SORTS[flooded]) for _ in range(120)]

    good = 400 if flooded == "unreadable" else 200
    assert set(answers) == {good, 429}
    assert answers.index(429) == 30_000 // (len(SORTS[flooded]) + 256)
    assert redis_client.llen(Keys(namespace).queue("callbacks").ready) == answers.count(good)
    assert {sort: intake.accept_callback(OLD, body) for sort, body in SORTS.items()} == {
        sort: 429 if sort == flooded else 400 if sort == "unreadable" else 200 for sort in SORTS
    }
    assert intake.accept_callback(NEW, SORTS[flooded]) == good


def test_what_was_taken_is_forgotten_after_a_minute_and_shared_by_all_processes(
    settings, redis_client, namespace
):
    for _ in range(2):
        intake = CallbackIntake(settings)
        assert intake.accept_callback(OLD, REPLY) == 200
        intake.close()
    [key] = redis_client.keys(Keys(namespace).prefix + "taken:*")
    assert int(redis_client.get(key)) == 2 * (len(REPLY) + 256)
    assert 0 < redis_client.pttl(key) <= 60_000
    assert OLD.encode() not in key


def test_a_large_campaign_reports_at_a_thousand_receipts_a_second():
    assert ALLOWED["receipts"] >= 60 * 1_000 * (300 + 256)


def test_an_array_of_too_many_events_is_refused_and_kept(intake, redis_client, namespace):
    events = b"[" + b",".join([RECEIPT] * 101) + b"]"

    assert intake.accept_callback(OLD, events) == 413
    assert intake.accept_callback(OLD, b"[" + b",".join([RECEIPT] * 100) + b"]") == 200
    assert [kind for kind, _ in stored(redis_client, namespace)] == ["unreadable", ""]


def test_the_size_bound_is_exact(intake, redis_client, namespace):
    largest = b'{"text": "' + b"x" * (BODY_MAX_BYTES - 12) + b'"}'

    assert intake.accept_callback(OLD, largest) == 200
    assert intake.accept_callback(OLD, largest + b" ") == 413
    assert stored(redis_client, namespace) == [("", largest)]


def test_an_empty_body_leaves_no_trace(intake, redis_client):
    assert intake.accept_callback(OLD, b"") == 400
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize("body", [b"\x00\xff\x80 nonsense", b"[" * 60_000, b"[]", b"{"])
def test_unreadable_bytes_are_refused_and_kept_exactly(intake, redis_client, namespace, body):
    assert intake.accept_callback(OLD, body, "replies") == 400
    assert stored(redis_client, namespace) == [("unreadable", body)]


def test_a_repeated_callback_is_stored_again(intake, redis_client, namespace):
    assert [intake.accept_callback(OLD, REPLY) for _ in range(2)] == [200, 200]
    assert stored(redis_client, namespace) == [("", REPLY)] * 2


def test_a_burst_larger_than_the_pool_is_stored_whole(settings, redis_client, namespace, monkeypatch):
    """Whoever finds no free connection waits for one. How long that may take is another promise."""
    monkeypatch.setattr(callbacks, "_ANSWER_S", 30.0)
    monkeypatch.setattr(callbacks, "CALLBACKS", Timeouts(connect_s=10.0, answer_s=10.0, retries=0))

    async def burst():
        intake = AsyncCallbackIntake(settings)
        answers = await asyncio.gather(*(intake.accept_callback(OLD, REPLY) for _ in range(150)))
        await intake.close()
        return answers

    assert set(asyncio.run(burst())) == {200}
    assert len(stored(redis_client, namespace)) == 150


def test_settings_come_from_the_environment(redis_url, namespace):
    environ = {"REDIS_URL": redis_url, "SMS_NAMESPACE": namespace, "CALLBACK_TOKENS": f"{OLD}, {NEW}"}
    intake = CallbackIntake.from_env(environ)

    assert intake.accept_callback(NEW, REPLY) == 200
    intake.close()


@pytest.mark.parametrize("cls", [CallbackIntake, AsyncCallbackIntake])
def test_missing_tokens_are_a_config_error(cls):
    with pytest.raises(ConfigError, match="CALLBACK_TOKENS"):
        cls.from_env({})


class TestRedisTrouble:
    """Redis fails in every way it knows; the answer is always 503, and always within the gateway's second."""

    @pytest.fixture
    def settings(self, own_redis_server, namespace):
        return WebSettings(
            redis_url=own_redis_server.url, namespace=namespace, callback_tokens=(Secret(OLD), Secret(NEW))
        )

    @staticmethod
    def timed(intake):
        start = time.monotonic()
        status = intake.accept_callback(OLD, REPLY)
        return status, time.monotonic() - start

    def test_a_dead_redis(self, intake, own_redis_server):
        own_redis_server.kill()

        status, seconds = self.timed(intake)

        assert status == 503
        assert seconds < 1

    @pytest.mark.parametrize("warm", [True, False], ids=["connected before", "not connected"])
    def test_a_frozen_redis(self, intake, own_redis_server, warm):
        if warm:
            assert intake.accept_callback(OLD, REPLY) == 200
        own_redis_server.suspend()

        status, seconds = self.timed(intake)

        assert status == 503
        assert seconds < 1

    def test_a_slow_redis(self, make, settings, own_redis_server):
        """No single wait is too long; all those of a new connection together are."""
        with TcpProxy(own_redis_server.port) as proxy:
            proxy.delay(0.2)
            intake = make(dataclasses.replace(settings, redis_url=f"redis://127.0.0.1:{proxy.port}/0"))

            status, seconds = self.timed(intake)

            assert status == 503
            assert seconds < 1
            intake.close()

    def test_a_redis_that_refuses_to_write(self, intake, own_redis_server):
        with redis.Redis(port=own_redis_server.port) as client:
            client.config_set("min-replicas-to-write", 1)

        assert intake.accept_callback(OLD, REPLY) == 503

    def test_a_full_redis_takes_what_can_be_a_callback_and_no_junk(self, intake, own_redis_server):
        with redis.Redis(port=own_redis_server.port) as client:
            client.config_set("maxmemory", 1)

        assert intake.accept_callback(OLD, REPLY) == 200
        for junk in (b"nonsense", b'{"a": 1}', REPLY.ljust(10_000)):
            assert intake.accept_callback(OLD, junk) == 503

    def test_a_restarted_redis_is_found_again_without_an_error(self, settings, own_redis_server, namespace):
        intake = CallbackIntake(settings)
        assert intake.accept_callback(OLD, REPLY) == 200
        own_redis_server.restart()

        assert intake.accept_callback(OLD, REPLY) == 200
        intake.close()
        with redis.Redis(port=own_redis_server.port) as client:
            assert stored(client, namespace) == [("", REPLY)] * 2

    def test_a_wrong_token_needs_no_redis(self, intake, own_redis_server):
        own_redis_server.kill()

        assert intake.accept_callback("wrong", REPLY) == 404
