"""Pages and a stage with simulated handsets, for the tests of the phone page."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.phone_pictures import WIDE, Stage, stage


@pytest.fixture
def scene() -> Iterator[Stage]:
    """Give a simulator of one's own, and what receives its callbacks."""
    with stage() as running:
        yield running


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages; a test fails in the end if one of them logged an error or broke its policy."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def noted(said: ConsoleMessage) -> None:
        # A browser asks for this by itself where a page names no icon, such as a refusal in plain text.
        if said.type == "error" and not said.location["url"].endswith("/favicon.ico"):
            problems.append(said.text)

    def open_at(
        url: str, *, width: int = WIDE, height: int = 800, idle_script: bool = False, **options: object
    ) -> Page:
        """Open a page; with an idle script it stays as the server wrote it, and axe can still look at it."""
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("console", noted)
        if idle_script:
            page.route("**/phone.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
        page.goto(url)
        return page

    yield open_at
    for context in contexts:
        context.close()
    expected = ("ERR_INTERNET_DISCONNECTED", "status of 403")
    assert [problem for problem in problems if not any(part in problem for part in expected)] == []
