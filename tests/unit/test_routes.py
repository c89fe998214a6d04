"""Where the primary is, and when a connection no longer leads there."""

import socket
import threading
import time

import pytest
import redis
import redis.asyncio

from producers.contract import routes
from producers.contract.clients import connect, connect_async
from producers.contract.connections import within
from producers.contract.outages import TimeIsUpError
from producers.contract.redis_url import RedisUrl
from producers.contract.route_of_url import route_of
from producers.contract.routes import Name, Route
from tests.support.waiting import until
from worker.process.connection import connect as connect_worker

PEER = ("192.0.2.1", 6379)


@pytest.fixture
def answers(monkeypatch):
    """Answer look-ups from a dictionary; what is missing there is an unknown name."""
    answers = {"addresses": {PEER}, "looks": 0}

    def look_up(host, port):
        assert (host, port) == ("primary.example", 6379)
        answers["looks"] += 1
        if answers["addresses"] is None:
            raise socket.gaierror
        return frozenset(answers["addresses"])

    monkeypatch.setattr(routes, "addresses", look_up)
    monkeypatch.setattr(routes, "LOOK_S", 0.0)
    return answers


def looked(name, answers):
    """Wait until a look that begins from now on is over."""
    before = answers["looks"]
    until(lambda: name.outdates(None, 0) or answers["looks"] >= before + 2)


@pytest.mark.parametrize(
    ("url", "kind", "address"),
    [
        ("redis://primary.example:7000/0", Name, ("primary.example", 7000)),
        ("rediss://user:pass@primary.example", Name, ("primary.example", 6379)),
        ("redis://", Name, ("localhost", 6379)),
        ("redis://127.0.0.1:7000", Route, None),
        ("redis://[::1]:7000", Route, None),
        ("unix:///run/redis.sock?db=1", Route, None),
    ],
)
def test_a_url_has_a_route(url, kind, address):
    route = route_of(RedisUrl(url))

    assert type(route) is kind
    assert route.address() == address


def test_a_refusal_outdates_all_that_was_connected_before():
    route, before = Route(), time.monotonic()
    assert not route.outdates(PEER, before)

    route.moved()

    assert route.outdates(PEER, before)
    assert not route.outdates(PEER, time.monotonic())


def test_a_connection_is_left_when_its_name_has_other_addresses(answers):
    name, since = Name("primary.example", 6379), time.monotonic()
    looked(name, answers)
    assert not name.outdates(PEER, since)

    answers["addresses"] = {("192.0.2.2", 6379), ("192.0.2.3", 6379)}
    looked(name, answers)

    assert name.outdates(PEER, since)
    assert not name.outdates(("192.0.2.3", 6379), since)
    assert not name.outdates(None, since), "nobody knows where it leads"


def test_a_connection_made_after_the_look_is_kept(answers):
    """A name server with several answers must not have a connection made anew for every command."""
    name = Name("primary.example", 6379)
    answers["addresses"] = {("192.0.2.2", 6379)}
    looked(name, answers)
    routes.LOOK_S = 3600.0

    assert not name.outdates(PEER, time.monotonic())


def test_an_unknown_name_outdates_nothing(answers):
    name, since = Name("primary.example", 6379), time.monotonic()
    answers["addresses"] = None
    looked(name, answers)

    assert not name.outdates(PEER, since)


def test_nobody_waits_for_a_name_server_and_it_is_asked_once_at_a_time(answers, monkeypatch):
    going_on, looks = threading.Event(), []

    def hang(*_):
        looks.append(1)
        going_on.wait(20)
        return frozenset()

    monkeypatch.setattr(routes, "addresses", hang)
    name = Name("primary.example", 6379)

    for _ in range(1000):
        assert not name.outdates(PEER, 0.0)
    assert len(looks) <= 1
    going_on.set()
    until(lambda: name.outdates(PEER, 0.0))


def test_a_name_is_looked_up_about_once_a_second(answers, monkeypatch):
    monkeypatch.setattr(routes, "LOOK_S", 3600.0)
    name = Name("primary.example", 6379)
    for _ in range(1000):
        name.outdates(PEER, time.monotonic())
    until(lambda: answers["looks"])

    assert answers["looks"] == 1


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://localhost/0", redis.Connection),
        ("rediss://localhost/0", redis.SSLConnection),
        ("unix:///run/redis.sock", redis.UnixDomainSocketConnection),
    ],
)
def test_every_blocking_client_follows_over_every_kind_of_connection(url, kind):
    for client in (connect(url), connect_worker(url)):
        connection = client.connection_pool.make_connection()
        assert isinstance(connection, kind)
        assert type(connection).__module__ == "producers.contract.connections"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://localhost/0", redis.asyncio.Connection),
        ("rediss://localhost/0", redis.asyncio.SSLConnection),
        ("unix:///run/redis.sock", redis.asyncio.UnixDomainSocketConnection),
    ],
)
def test_every_asyncio_client_follows_over_every_kind_of_connection(url, kind):
    connection = connect_async(url).connection_pool.make_connection()

    assert isinstance(connection, kind)
    assert type(connection).__module__ == "producers.contract.connections_async"


def test_nothing_is_begun_nor_repeated_when_no_time_is_left(monkeypatch):
    monkeypatch.setattr("redis.retry.sleep", lambda _: pytest.fail("it waits to repeat"))
    client = connect("redis://127.0.0.1:1/0")

    with pytest.raises(TimeIsUpError), within(0):
        client.ping()
