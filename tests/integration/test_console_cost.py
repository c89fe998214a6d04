"""What a page of the console costs Redis while tens of thousands of sends are kept: counted, not timed."""

import re
from collections.abc import Iterator

import pytest
import redis

from tests.support.console_client import OPERATOR, ConsoleClient, console_settings
from tests.support.console_paths import paths
from tests.support.counted import counted, option
from tests.support.filled import fill
from tests.support.redis_users import own_user
from worker.console.pages import PAGES
from worker.sandbox.redis_server import RedisServer

#: Round trips of a page at most, those for the session included.
ROUND_TRIPS = 60
#: Replies, and sends, that are kept.
KEPT = 20_000
#: Elements that one command may bring.
AT_ONCE = 1_001
#: Entries that a look-up in a list may pass.
LOOKED_AT = 10_000

#: Hashes that do not grow with what is kept: HGETALL may read them whole.
SMALL_HASHES = (
    *("record:", "campaign:", "gates", "hold", "pause", "limits", "strain", "rate", "credit", "counts"),
    *("replies:countries", "forward:", "memory", "held", "prices"),
)
#: Commands that take as long as what they read is large, whatever their arguments.
NEVER = {"KEYS", "SCAN", "SSCAN", "ZSCAN", "SMEMBERS", "HKEYS", "HVALS", "SORT", "ZRANGEBYLEX"}


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("full-redis")) as running:
        with redis.Redis(port=running.port) as client:
            fill(client, replies=KEPT, sends=KEPT)
        yield running


@pytest.fixture(scope="module")
def client(server) -> Iterator[redis.Redis]:
    with redis.Redis(port=server.port) as connected:
        yield connected


@pytest.fixture(scope="module")
def browser(server, client) -> Iterator[ConsoleClient]:
    """A browser at a console whose retention keeps all of it."""
    with own_user(client, server.port, "console") as url, ConsoleClient(console_settings(url)) as console:
        console.log_in(OPERATOR)
        yield console


def faults_of(command: list[str]) -> Iterator[str]:
    """Say why a command may cost more, the more there is."""
    name, *rest = command
    name = name.upper()
    key = rest[0].partition("}:")[2] if rest else ""
    if name in NEVER:
        yield "looks at everything"
    if name == "HGETALL" and not key.startswith(SMALL_HASHES):
        yield "reads a hash that may grow"
    if name in {"XRANGE", "XREVRANGE"} and rest[1] != rest[2] and (option(command, "COUNT") or 1e9) > AT_ONCE:
        yield "reads a stream without a bound"
    if name == "HSCAN" and (option(command, "COUNT") or 10) > AT_ONCE:
        yield "reads much of a hash at once"
    if name in {"LRANGE", "ZRANGE", "ZREVRANGE"} and "BYSCORE" not in rest:
        first, last = int(rest[1]), int(rest[2])
        if (last < 0 or last - first > AT_ONCE) and "console:revealed" not in key:
            yield "reads a list without a bound"
    if name in {"ZRANGEBYSCORE", "ZREVRANGEBYSCORE"} and "LIMIT" not in [part.upper() for part in rest]:
        yield "reads a sorted set without a bound"
    if name == "LPOS" and (option(command, "MAXLEN") or 1e9) > LOOKED_AT:
        yield "looks through a list without a bound"


def test_every_page_costs_a_bounded_number_of_bounded_commands(browser, client):
    faults = []
    for path in paths(client):
        client.config_resetstat()
        with counted() as sent:
            answer = browser.get(path)
        ran = {name.removeprefix("cmdstat_").upper() for name in client.info("commandstats")}
        faults += [f"{path}: {answer.status_code}"] if answer.status_code not in {200, 303, 422} else []
        faults += [f"{path}: {sent.round_trips} round trips"] if sent.round_trips > ROUND_TRIPS else []
        faults += [
            f"{path}: {command[:3]} {each}" for command in sent.commands for each in faults_of(command)
        ]
        # Also what scripts do.
        faults += [f"{path}: {name}" for name in ran & NEVER]
    assert faults == []


def test_every_page_is_among_them(client):
    """A page that joins the console joins this proof."""
    asked = [path.partition("?")[0] for path in paths(client)]
    unasked = [
        page.path
        for page in PAGES
        if page.method == "GET"
        and not page.path.endswith((".csv", ".jsonl", "/jobs/{job_id}"))
        and not any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", page.path), path) for path in asked)
    ]
    assert unasked == []


def test_a_page_asks_as_much_of_a_small_redis(browser, client, redis_client, console_url):
    fill(redis_client, replies=2_000, sends=2_000)
    with ConsoleClient(console_settings(console_url)) as small:
        small.log_in(OPERATOR)
        for path in (
            "/replies",
            "/replies?country=FR",
            "/sends?tab=ended",
            "/failures",
            "/campaigns",
            "/feeds",
        ):
            for each in (small, browser):  # a Redis that lacks a script takes one trip more, once
                each.get(path)
            with counted() as of_small:
                small.get(path)
            with counted() as of_large:
                browser.get(path)
            assert of_large.round_trips == of_small.round_trips, path
            assert len(of_large.commands) == len(of_small.commands), path


@pytest.mark.parametrize(
    "command",
    [
        ["KEYS", "*"],
        ["HGETALL", "{sms}:deliveries:x"],
        ["XREVRANGE", "{sms}:replies", "+", "-"],
        ["ZRANGE", "{sms}:parked", "0", "-1"],
        ["LRANGE", "{sms}:queue:alert", "0", "100000"],
        ["ZRANGEBYSCORE", "{sms}:parked", "-inf", "+inf"],
        ["LPOS", "{sms}:queue:alert", "x"],
    ],
)
def test_an_unbounded_command_is_found(command):
    assert list(faults_of(command))
