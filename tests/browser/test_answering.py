"""A reply is answered by keyboard alone; what somebody wrote stays a text; pages keep themselves fresh."""

import pytest

from tests.browser.example import GUEST
from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.presentation.visible import visible

#: The first test of a run waits for the example day to pass.
pytestmark = pytest.mark.timeout(300)


def press_until(tab, words: str, most: int = 200) -> None:
    """Press Tab until a link or button with these words has the focus."""
    for _ in range(most):
        tab.page.keyboard.press("Tab")
        if words in " ".join(tab.page.locator(":focus").all_inner_texts()):
            return
    raise AssertionError(f"the focus never came to {words}")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_reply_is_answered_by_keyboard_alone(open_tab, day, scripts):
    tab = open_tab(scripts=scripts)
    text = f"Table 9, {'with' if scripts else 'without'} candles"
    tab.go("/replies?q=Merci+beaucoup")
    press_until(tab, "Conversation")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/conversations/*")
    tab.page.get_by_label("Your answer").focus()
    tab.page.keyboard.type(text)
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_text("The answer is queued: 1 segment.").wait_for()

    place = day.installation
    place.wait_for(lambda: any(m.text == text for m in place.gateway.messages(number=GUEST)))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_after_the_box_was_used_the_keyboard_goes_on_at_the_box(open_tab, day, scripts):
    tab = open_tab(scripts=scripts)
    tab.go(day.conversation)
    tab.page.get_by_label("Your answer").fill(f"Dessert {'with' if scripts else 'without'} cream")
    tab.page.get_by_role("button", name="Count segments").click()
    tab.page.get_by_text("Nothing was sent yet.").wait_for()
    assert tab.page.locator(":focus").inner_text().startswith("1 segment, ")
    tab.page.keyboard.press("Tab")
    assert tab.page.locator(":focus").inner_text() == "Send"
    tab.page.keyboard.press("Enter")
    tab.page.get_by_text("The answer is queued: 1 segment.").wait_for()
    assert tab.page.locator(":focus").inner_text() == "The answer is queued: 1 segment."
    tab.page.keyboard.press("Tab")

    assert tab.page.evaluate("document.activeElement.id") == "f-text"


def test_the_first_key_skips_the_navigation(tab, day):
    tab.go("/replies")
    tab.page.keyboard.press("Tab")
    assert tab.page.locator(":focus").inner_text() == "Skip to the content"
    tab.page.keyboard.press("Enter")

    assert tab.page.evaluate("document.activeElement.id") == "main"


def test_the_focus_is_seen(tab, day):
    tab.go("/replies")
    for _ in range(12):
        tab.page.keyboard.press("Tab")
        outline = tab.page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px"


def test_targets_are_large_enough(tab, day):
    tab.go("/replies")
    heights = (
        "all => all.filter(e => e.offsetParent).map(e => [e.outerHTML, e.getBoundingClientRect().height])"
    )
    targets = tab.page.locator("button, input, select, nav a").evaluate_all(heights)

    assert [target for target, height in targets if height < 24] == []


def test_hostile_texts_are_shown_and_do_nothing(tab, day):
    tab.page.add_init_script("window.alert = () => { window.harmed = true; }")
    requests = []
    tab.page.on("request", lambda request: requests.append(request.url))
    tab.go(day.attack)
    shown = tab.page.locator("bdi.foreign").all_text_contents()

    # The web process has put a replacement character in place of half a surrogate pair.
    whole = [
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in HOSTILE_TEXTS.values()
    ]
    assert len(shown) > 40
    assert set(shown) <= {visible(text, lines=True) for text in whole}
    assert tab.page.evaluate("window.harmed") is None
    assert all(request.startswith(tab.url) for request in requests)
    assert not any("/audit" in request for request in requests)
    assert tab.page.locator(".turn a[href^='http']").count() == 0


def test_a_page_keeps_itself_fresh_and_leaves_what_is_in_use_alone(tab, day):
    tab.page.clock.install()
    tab.go("/replies")
    before = tab.page.locator("tbody tr").first.inner_text()
    tab.page.get_by_label("Text").fill("half a word")
    day.installation.gateway.reply(GUEST, "One more thing")
    day.wait_for_reply("One more thing")
    tab.page.clock.run_for(6000)
    tab.page.get_by_text("One more thing").wait_for()

    assert tab.page.locator("tbody tr").first.inner_text() != before
    assert tab.page.get_by_label("Text").input_value() == "half a word"
    assert tab.page.evaluate("document.activeElement.name") == "q"


def test_what_has_the_focus_is_not_swapped_under_it(tab, day):
    tab.page.clock.install()
    tab.go("/replies")
    tab.page.locator("tbody a").first.focus()
    held = tab.page.locator(":focus").get_attribute("href")
    day.installation.gateway.reply(GUEST, "And another")
    day.wait_for_reply("And another")
    with tab.page.expect_response("**/replies"):
        tab.page.clock.run_for(6000)

    assert tab.page.locator(":focus").get_attribute("href") == held
    assert tab.page.get_by_text("And another").count() == 0


def test_a_paused_page_asks_for_nothing(tab, day):
    tab.page.clock.install(time="2026-07-01T10:00:30Z")
    tab.go("/replies")
    requests = []
    tab.page.on("request", lambda request: requests.append(request.url))
    tab.page.get_by_role("button", name="Stop refreshing").click()
    tab.page.clock.run_for(60_000)
    # The browser may still fetch the icon of the page.
    assert [each for each in requests if "/static/" not in each] == []
    assert "Not refreshed since 12:00:3" in tab.page.locator("[data-live-state]").inner_text()
    tab.page.get_by_role("button", name="Refresh again").click()
    with tab.page.expect_response("**/replies"):
        tab.page.clock.run_for(31_000)


def test_a_number_is_revealed_without_scripts(open_tab, day):
    tab = open_tab(scripts=False)
    tab.go(day.conversation)
    tab.page.get_by_role("button", name="Reveal").first.click()
    tab.page.get_by_text(GUEST).wait_for()

    assert GUEST not in tab.page.url


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_what_nobody_can_take_back_is_asked_once_more(open_tab, day, scripts):
    tab = open_tab(scripts=scripts)
    tab.go("/campaigns/terrace")
    yes = tab.page.get_by_role("button", name="Yes, cancel for good")
    assert not yes.is_visible()
    tab.page.get_by_text("Cancel for good").first.click()

    assert yes.is_visible()
    assert tab.violations() == []
    assert tab.overflow() == 0


def test_a_question_that_is_open_is_not_shut_by_a_refresh(open_tab, day):
    tab = open_tab(fresh=True)
    tab.page.clock.install()
    tab.go("/campaigns/terrace")
    tab.page.get_by_text("Cancel for good").first.click()
    tab.page.evaluate("document.activeElement.blur()")
    with tab.page.expect_response("**/campaigns/terrace"):
        tab.page.clock.run_for(6000)

    assert tab.page.get_by_role("button", name="Yes, cancel for good").is_visible()
