"""A server whose clock stands where a test sets it, for what depends on the hour or the weekday."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import redis

from tests.support.clock import LeapingServer, NoLeapError

PARIS = ZoneInfo("Europe/Paris")


class SetClock:
    """The clock of a server.

    Args:
        server: whose clock it is.
        client: of that server.
    """

    def __init__(self, server: LeapingServer, client: redis.Redis) -> None:
        self.url = server.url
        self.redis = client
        self._server = server

    def set(self, at: str | datetime) -> datetime:
        """Set the clock to a time, or up to a second later; it goes on from there.

        Args:
            at: read in Europe/Paris without an offset.
        """
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        moment = moment if moment.tzinfo else moment.replace(tzinfo=PARIS)
        self._server.leap(math.ceil(moment.timestamp() - time.time()))
        return moment

    def keep_every_write(self) -> None:
        """Let the server be one on which workers share calls."""
        self.redis.config_set("appendfsync", "always")

    def now(self) -> datetime:
        """Tell the time by the server."""
        seconds, _ = self.redis.time()
        return datetime.fromtimestamp(seconds, UTC)


@pytest.fixture(scope="module")
def leaping_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LeapingServer]:
    """Share one server whose clock can be set between the tests of a file."""
    try:
        server = LeapingServer(tmp_path_factory.mktemp("clock")).start()
    except NoLeapError as reason:
        pytest.skip(str(reason))
    yield server
    server.kill()


@pytest.fixture
def clock(leaping_server: LeapingServer) -> Iterator[SetClock]:
    """Give a clock to set, of a server that is empty."""
    with redis.Redis(port=leaping_server.port) as client:
        leaping_server.leap(0)
        client.flushall()
        client.config_set("appendfsync", "everysec")
        yield SetClock(leaping_server, client)
