"""Each page, narrow and wide, light and dark, with and without JavaScript; any two of these together."""

import pytest

from tests.browser.pages import PAGES
from tests.support.console_client import VIEWER

#: The first test of a run waits for the example day to pass.
pytestmark = pytest.mark.timeout(300)

#: Any two of width, colours and JavaScript meet in each of their ways, on each page. All eight take twice
#: as long, and find no more than a fault that needs a certain value of all three.
LOOKS = {
    "360-light-scripts": (360, "light", True),
    "360-dark-no-scripts": (360, "dark", False),
    "1280-light-no-scripts": (1280, "light", False),
    "1280-dark-scripts": (1280, "dark", True),
}


@pytest.mark.parametrize(("width", "scheme", "scripts"), LOOKS.values(), ids=LOOKS.keys())
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_can_be_used_by_everybody(open_tab, day, page, width, scheme, scripts):
    tab = open_tab(width=width, scheme=scheme, scripts=scripts)
    tab.go(page.path(day), page.status)

    assert tab.page.locator("h1").count() == 1
    assert tab.overflow() == 0
    assert tab.spilled() == []
    assert tab.violations() == []


@pytest.mark.parametrize("width", [320, 640])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_scrolls_sideways_on_the_narrowest_screen_or_enlarged(open_tab, day, page, width):
    """1280 px at 200 % are 640 px wide, and at 400 % 320 px."""
    tab = open_tab(width=width)
    tab.go(page.path(day), page.status)

    assert tab.overflow() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_login_can_be_used_by_everybody(open_tab, width, scheme):
    tab = open_tab(width=width, scheme=scheme, token="")
    tab.go("/login")
    assert tab.violations() == []
    tab.forgives_status = True
    tab.page.get_by_label("Your token").fill("wrong")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_text("Nobody has this token.").wait_for()

    assert tab.violations() == []
    assert tab.overflow() == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_viewer_is_offered_nothing_that_is_refused(open_tab, day, page):
    tab = open_tab(token=VIEWER)
    tab.go(page.path(day), page.status)
    offered = tab.page.locator("main form[method=post]").evaluate_all("all => all.map(form => form.action)")

    assert {path.removeprefix(tab.url).partition("?")[0] for path in offered} <= {
        "/conversations",
        "/optouts/people",
    }
