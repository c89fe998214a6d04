"""Fixtures for tests of running installations."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.installation import Installation
from worker.sandbox.redis_server import RedisServer

Install = Callable[..., Installation]


def _installing(redis_server: RedisServer, factory: pytest.TempPathFactory) -> Iterator[Install]:
    with ExitStack() as stopping:

        def install(redis_url: str = redis_server.url, **options) -> Installation:
            made = Installation(factory.mktemp("installation"), redis_url, **options)
            return stopping.enter_context(made)

        yield install


@pytest.fixture(scope="module")
def install_for_module(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Install]:
    """Start installations that all tests of a module share; see `Installation` for the options."""
    yield from _installing(redis_server, tmp_path_factory)


@pytest.fixture
def install(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """Start an installation that a test may break."""
    yield from _installing(redis_server, tmp_path_factory)


@pytest.fixture(scope="module")
def shared(install_for_module: Install) -> Installation:
    """The installation of this module; a module with other wishes overrides this."""
    return install_for_module()


@pytest.fixture
def installation(shared: Installation) -> Installation:
    """The module's installation, with a gateway that behaves."""
    shared.calm()
    return shared
