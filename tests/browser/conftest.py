"""A real browser, and a day at a bistro for it to look at."""

import shutil
from collections.abc import Iterator

import pytest
import redis

from tests.browser.example import ExampleDay
from tests.browser.tab import ARGUMENTS, Tab, Window
from worker.sandbox.redis_server import RedisServer


@pytest.fixture(scope="package")
def browser() -> Iterator[object]:
    """Start Chromium; where there is none, the tests are left out, in one line."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("browser tests are left out: no chromium on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture(scope="package")
def day(
    browser: object, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExampleDay]:
    """Let the day pass once for all tests; hostile texts are part of it."""
    with redis.Redis(port=redis_server.port) as client:
        # What other tests have left there is of no day.
        client.flushall()
    with ExampleDay(tmp_path_factory.mktemp("day"), redis_server.url, hostile=True) as running:
        yield running


@pytest.fixture(scope="package")
def window(browser: object, day: ExampleDay) -> Iterator[Window]:
    """Keep the profiles of all tests."""
    opened = Window(browser, day)
    yield opened
    opened.close()


@pytest.fixture
def open_tab(window: Window) -> Iterator[Window]:
    """Give what opens a tab with somebody logged in; whatever it complains about fails the test."""
    yield window
    window.check()


@pytest.fixture
def tab(open_tab: Window) -> Tab:
    """Open a tab of its own in which an operator is logged in."""
    return open_tab(fresh=True)
