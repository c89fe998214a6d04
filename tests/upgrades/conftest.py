"""Fixtures: other releases, and a street on which processes of several releases run."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.installation import Installation
from tests.upgrades import releases
from tests.upgrades.releases import Release
from tests.upgrades.street import Street
from worker.sandbox.redis_server import RedisServer


@pytest.fixture(scope="session")
def last(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The last release."""
    return releases.last_release(tmp_path_factory.mktemp("last"))


@pytest.fixture(scope="session")
def coming(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release that serves one more layout."""
    return releases.next_release(tmp_path_factory.mktemp("next"))


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release that writes newer records at once."""
    return releases.hasty_release(tmp_path_factory.mktemp("hasty"))


@pytest.fixture
def street(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """An empty street: Redis and a gateway, in a namespace of its own."""
    with ExitStack() as ending:
        place = ending.enter_context(
            Installation(tmp_path_factory.mktemp("place"), redis_server.url, worker=False)
        )
        yield Street(place, tmp_path_factory.mktemp("street"), ending)
