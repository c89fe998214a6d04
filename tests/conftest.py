"""Fixtures for all tests: a real Redis of our own, emptied between tests."""

import faulthandler
import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
import redis

from tests.support.installation import ANY_HOUR
from tests.support.lua_given import watched
from tests.support.redis_users import server_with_users
from tests.support.uncapped import UNCAPPED, uncapped
from worker.sandbox.redis_server import RedisServer, find_binary

#: Variables of ours that a developer's shell may hold; no test may see them.
_OURS = ("REDIS_URL", "OCTOPUSH_", "CALLBACK_", "METRICS_", "SMS_NAMESPACE", "SENDER_", "RECORD_", "STREAM_")
_OURS += ("MAIL_", "CONSOLE_", "OPTOUT_", "OPTIN_", "PSEUDONYM_", "MARKETING_", "EXTRA_HOLIDAYS", "STOP_")
_OURS += ("SENDERS", "SEGMENTS_", "TEXT_", "PRICE_", "ALLOWED_", "SMS_", "BUDGET_", "CREDIT_", "DUPLICATE_")
_OURS += ("OTEL_", "SENTRY_", "NUMBER_", "PREFIX_", "GATEWAY_")

#: Where the process shows why it ends itself: no test catches what is written there.
_STDERR: Final = pytest.StashKey[int]()
#: Seconds in which a test that has timed out must end, and in which all is stopped that it has started.
_ENDS_S, _STOPS_S = 60.0, 180.0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let ``--hypothesis-profile quick`` try few examples; no other run waits for Hypothesis here.

    A run that a shell put into the background ignores Ctrl-C, and one under nohup ignores a hang-up. What
    they start would inherit that. It does not inherit a handler: with one that does nothing the run outlives
    its terminal as before, and what it starts does as the tests expect.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The processes that share a run end with the one that started them, and outlive its terminal if it does.
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN or "PYTEST_XDIST_WORKER" in os.environ:
        signal.signal(signal.SIGHUP, lambda *_: None)
    config.stash[_STDERR] = os.dup(2)
    # No web process of a test leaves files in the working directory, or finds those of another.
    os.environ["CALLBACK_SPOOL_DIR"] = ""
    uncapped(os.environ)
    if config.getoption("--hypothesis-profile") == "quick":
        from hypothesis import settings

        settings.register_profile("quick", max_examples=10)


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, Any, Any]:
    """End the process, with the stacks of all threads, if a test goes on although it has timed out.

    The time-out is an exception in the main thread, and is raised once: a test that is unwound may wait for a
    thread of its own, or try again.
    """
    _end_process_after(settings.timeout + _ENDS_S, item)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """End the process likewise if what a test has started does not stop: a failed test has no timer."""
    _end_process_after(_STOPS_S, item)


def pytest_runtest_logfinish() -> None:
    """Let the process live on: the test is over."""
    faulthandler.cancel_dump_traceback_later()


def _end_process_after(seconds: float, item: pytest.Item) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_STDERR])


def pytest_report_header() -> str:
    """Say on which server the tests run; ``SANDBOX_SERVER`` selects it."""
    binary = find_binary()
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return f"server: {version.strip()} ({binary})"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide our own variables from the tests, and let no test depend on the hour."""
    for name in list(os.environ):
        if name.startswith(_OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CALLBACK_SPOOL_DIR", "")
    for name, value in {**ANY_HOUR, **UNCAPPED}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session", autouse=True)
def scripts_are_given_what_they_list() -> Iterator[None]:
    """Fail a call of a Lua script, and the run, if the script's head lists other names than it is given."""
    with watched() as faults:
        yield
    assert sorted(set(faults)) == []


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Share one server between all tests; a test that breaks its server takes `own_redis_server`."""
    with server_with_users(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own_redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Give one test a server of its own, to be stopped, killed or frozen."""
    with server_with_users(tmp_path_factory.mktemp("own-redis")) as server:
        yield server


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """Connect to the shared server, empty before the test."""
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
        yield client


@pytest.fixture
def redis_url(redis_server: RedisServer, redis_client: redis.Redis) -> str:
    """Name the shared server, empty before the test."""
    return redis_server.url


@pytest.fixture
def namespace() -> str:
    """Name a hash tag that no other test uses."""
    return f"t{uuid4().hex[:12]}"
