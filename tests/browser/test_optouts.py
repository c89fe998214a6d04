"""A number is looked up, blocked, and let go again: by keyboard, on a phone, with a reason."""

import pytest

from tests.browser.example import OTHERS
from tests.browser.test_answering import press_until
from tests.support.console_client import OPERATOR, VIEWER

#: The first test of a run waits for the example day to pass.
pytestmark = pytest.mark.timeout(300)
#: Any two of width, colours and role meet in each of their ways.
LOOKS = {
    "320-light-operator": (320, "light", OPERATOR),
    "320-dark-viewer": (320, "dark", VIEWER),
    "1280-light-viewer": (1280, "light", VIEWER),
    "1280-dark-operator": (1280, "dark", OPERATOR),
}


def look_up(tab, number: str) -> None:
    tab.go("/optouts")
    tab.page.get_by_label("Number", exact=True).fill(number)
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("heading", name="One number").wait_for()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_number_is_blocked_and_let_go_again_by_keyboard_alone(open_tab, day, scripts):
    tab = open_tab(scripts=scripts)
    number = OTHERS[29] if scripts else OTHERS[28]
    place = day.installation
    look_up(tab, number)
    press_until(tab, "Block it")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.type("asked at the door")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_text("is suppressed; 0 messages were cancelled").wait_for()
    assert place.send(to=number, text="Hi STOP au 30101", purpose="wholesale").state == "cancelled"

    look_up(tab, number)
    press_until(tab, "Lift it")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.type("came back")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_text("is not suppressed any more").wait_for()


@pytest.mark.parametrize(("width", "scheme", "token"), LOOKS.values(), ids=LOOKS.keys())
def test_what_holds_for_a_number_can_be_read_by_everybody(open_tab, day, width, scheme, token):
    tab = open_tab(width=width, scheme=scheme, token=token)
    look_up(tab, OTHERS[20])
    for each in tab.page.locator("details.ask > summary").all():
        each.click()

    assert tab.page.get_by_text("blocked", exact=True).count() == 1
    assert tab.overflow() == 0
    assert tab.spilled() == []
    assert tab.violations() == []
    assert OTHERS[20] not in tab.page.url


def test_a_decision_without_a_reason_is_asked_for_it(tab, day):
    look_up(tab, OTHERS[20])
    tab.page.get_by_text("Lift it", exact=True).click()
    tab.forgives_status = True
    tab.page.get_by_role("button", name="Yes, lift it").click()
    tab.page.get_by_role("alert").wait_for()

    assert tab.page.get_by_role("button", name="Yes, lift it").is_visible()
    assert tab.violations() == []


@pytest.mark.parametrize("page", ["/", "/money"])
def test_every_page_that_shows_a_block_lets_it_be_lifted_on_a_phone(open_tab, day, page):
    tab = open_tab(width=320)
    tab.go(page)
    tab.page.get_by_text("Lift", exact=True).click()

    assert tab.overflow() == 0
    assert tab.spilled() == []
    assert tab.page.get_by_role("button", name="Yes, lift").is_visible()
