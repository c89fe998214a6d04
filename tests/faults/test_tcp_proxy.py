"""The failing network keeps to its switches: the tests that use it prove nothing otherwise."""

import socket
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
def proxy(redis_server):
    with TcpProxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy, redis_client):
    """A connected client behind the proxy, that repeats nothing."""
    with redis.Redis(port=proxy.port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()
        yield client


def test_a_dropped_reply_leaves_the_command_done_and_the_connection_cut(proxy, client):
    proxy.drop_next_reply()
    with pytest.raises(redis.ConnectionError):
        client.incr("done")
    assert proxy.replies_dropped == 1
    assert client.get("done") == b"1"


def test_a_reply_is_dropped_only_after_the_request_that_was_named(proxy, client):
    proxy.drop_next_reply(after=b"second")
    assert client.incr("first") == 1
    with pytest.raises(redis.ConnectionError):
        client.incr("second")
    assert client.mget("first", "second") == [b"1", b"1"]


def test_a_named_request_is_found_across_pieces(proxy, client):
    proxy.drop_next_reply(after=b"e" * 70_000 + b"end")
    with pytest.raises(redis.ConnectionError):
        client.set("large", b"e" * 70_000 + b"end")
    assert proxy.replies_dropped == 1


def test_a_delay_is_added_in_both_directions(proxy, client):
    proxy.delay(0.1)
    began = time.monotonic()
    client.ping()
    assert time.monotonic() - began >= 0.2


def test_cut_connections_are_replaced_by_new_ones(proxy, client):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100) == b"+PONG\r\n"
        proxy.cut_all()
        assert connection.recv(100) == b""
    assert client.ping()


def test_a_half_open_connection_says_nothing_until_it_is_passed_through(proxy, client):
    proxy.half_open()
    for _ in range(2):  # the open connection, and a new one
        with pytest.raises(redis.TimeoutError):
            client.ping()
    proxy.pass_through()
    assert client.ping()


def test_dripping_hands_on_a_byte_at_a_time(proxy, client):
    client.set("text", b"0123456789")
    proxy.drip(0.01)
    began = time.monotonic()
    assert client.get("text") == b"0123456789"
    assert time.monotonic() - began >= 0.2


def test_closing_ends_stalled_connections(redis_server):
    with TcpProxy(redis_server.port) as proxy:
        client = redis.Redis(port=proxy.port, socket_timeout=0.2, retry=Retry(NoBackoff(), 0))
        client.ping()
        proxy.half_open()
        with pytest.raises(redis.TimeoutError):
            client.ping()
    client.close()
