"""The phone page in a real browser: a developer's first minute, by mouse, by keyboard, without scripts."""

import itertools
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.phone_fixtures import open_page, scene
from tests.browser.phone_pictures import ANNA, BEN, NARROW, SCENES, WIDE
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.waiting import until
from worker.sandbox.simulator.threads import NEWEST

__all__ = ["open_page", "scene"]

AT_ANNA = f"/?number=%2B{ANNA[1:]}"


def bubbles(page):
    return page.locator("#entries .bubble")


def lines(page):
    return page.locator("#entries .line")


def test_the_first_minute(scene, open_page):
    page = open_page(scene.url)
    expect(page.get_by_role("heading", name="Send the first message")).to_be_visible()
    expect(page.locator("#snippet")).to_contain_text('Producer("unix:///tmp/octopush-sandbox')

    scene.send(ANNA, "Your table is ready. Reply YES.", "booking-42")

    expect(bubbles(page)).to_have_text(["Your table is ready. Reply YES."])
    expect(lines(page)).to_have_text(["Shown 1 of 1 · 1 POST · DELIVERED"])
    expect(page.locator("#hint")).to_contain_text("It arrived")
    expect(page).to_have_url(re.compile(re.escape(AT_ANNA)))

    page.get_by_label("Answer as this person").fill("YES")
    page.keyboard.press("Enter")

    expect(bubbles(page)).to_have_text(["Your table is ready. Reply YES.", "YES"])
    expect(lines(page).last).to_contain_text("Callback answered 200 in")
    expect(page.locator("#hint")).to_contain_text("Lost answer")
    expect(page.get_by_label("Answer as this person")).to_have_value("")

    page.get_by_role("button", name="STOP").click()

    expect(bubbles(page).last).to_have_text("STOP")
    expect(page.locator("#blocked")).to_be_visible()
    assert scene.admin.blacklist() == [ANNA]

    page.get_by_role("button", name="START").click()

    expect(page.locator("#blocked")).to_be_hidden()
    assert scene.admin.blacklist() == []


def test_the_gateway_misbehaves_at_the_press_of_a_button(scene, open_page):
    page = open_page(scene.url)
    for word, name in (("refused", "Refuse 121"), ("slow", "Slow"), ("callbacks_twice", "Callbacks twice")):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        assert scene.admin.call("GET", "/weather")["weather"] == word

    page.get_by_role("button", name="No credit").click()
    expect(page.locator("#credit")).to_have_text("0.00 €")
    page.get_by_role("button", name="Away 5 s").click()
    expect(page.get_by_role("button", name="Away 5 s")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Normal").click()
    expect(page.locator("#credit")).to_have_text("1000.00 €")


def test_the_clock_and_the_reset(scene, open_page):
    scene.send(ANNA, "Hello", "a")
    page = open_page(scene.url)
    expect(bubbles(page)).to_have_count(1)

    page.get_by_role("button", name="Advance the clock by 1 hour").click()
    expect(page.locator("#clock")).to_have_text("+1 h")
    page.get_by_role("button", name="Advance the clock by 25 hours").click()
    expect(page.locator("#clock")).to_have_text("+1 d 2 h")
    scene.send(ANNA, "Hello", "a")
    expect(lines(page)).to_have_text([re.compile("^Shown 2 times"), re.compile("^Shown 2 times")])

    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Reset now").click()
    expect(page.locator("#clock")).to_have_text("real")
    expect(bubbles(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Reset now")).to_be_hidden()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_reset_is_asked_once_more_and_says_what_stays(scene, open_page, scripts):
    scene.send(ANNA, "Hello", "a")
    page = open_page(scene.url, java_script_enabled=scripts)
    expect(bubbles(page)).to_have_count(1)
    question = page.get_by_role("dialog", name="Reset the gateway?")
    expect(question).to_be_hidden()

    page.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Enter")
    expect(question).to_contain_text("Your Redis keeps what it has")
    if scripts:
        assert Axe().run(page).response["violations"] == []
    expect(page.get_by_role("button", name="Keep everything")).to_be_focused()
    page.keyboard.press("Enter")

    expect(question).to_be_hidden()
    assert len(scene.admin.call("GET", "/threads")) == 1
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Reset now").click()

    expect(bubbles(page)).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False])
def test_what_a_real_person_could_not_answer_cannot_be_answered_by_a_tap(scene, open_page, scripts):
    scene.send(ANNA, "Your table is ready", "a", with_replies=False)
    page = open_page(scene.url + AT_ANNA, java_script_enabled=scripts)

    expect(page.locator("#why")).to_have_text(
        "“Bistro” is a name: nobody can answer it. Send with_replies for a two-way SMS."
    )
    expect(page.locator("#text")).to_be_hidden()
    expect(page.get_by_role("button", name="START")).to_be_hidden()
    expect(page.locator("#hint")).to_be_hidden()
    page.get_by_role("button", name="STOP").click()
    expect(bubbles(page)).to_have_text(["Your table is ready", "STOP"])
    page.get_by_role("button", name="Unblock").click()
    expect(page.locator("#blocked")).to_be_hidden()

    scene.send(ANNA, "Reply YES", "b")
    if not scripts:
        page.reload()

    expect(page.locator("#why")).to_be_hidden()
    page.get_by_label("Answer as this person").fill("YES")
    page.get_by_role("button", name="Send").click()
    expect(bubbles(page).last).to_have_text("YES")
    assert scene.admin.callbacks("reply")[-1].events[0]["message_id"] == ticket_of(scene, "b")


def ticket_of(scene, request_id):
    return scene.admin.messages(request_id=request_id)[0].ticket


def test_an_answer_that_no_real_phone_could_give_says_so(scene, open_page):
    scene.send(ANNA, "Your table is ready", "a", with_replies=False)
    page = open_page(scene.url + AT_ANNA)

    scene.admin.reply(ANNA, "YES", ticket=ticket_of(scene, "a"))

    expect(lines(page).last).to_contain_text("No real phone could")
    page.locator("#entries summary").last.click()
    expect(page.locator("#entries dd").filter(has_text="impossible")).to_be_visible()


def campaign(scene, handsets):
    """Reach many handsets, 500 in a call."""
    for start in range(0, handsets, 500):
        numbers = [f"+336{place:08}" for place in range(start, min(start + 500, handsets))]
        recipients = [{"phone_number": number} for number in numbers]
        sent = scene.send(ANNA, "Reminder", f"campaign-{start}", recipients=recipients, with_replies=False)
        assert sent.status_code == 201


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_after_a_campaign_the_page_is_no_taller_than_its_window(scene, open_page, width, scripts):
    campaign(scene, 600)
    page = open_page(scene.url, width=width, idle_script=not scripts)
    expect(page.locator("#handsets a")).to_have_count(100)

    expect(page.locator("#handsets .more")).to_have_text("and 500 more: find them above")
    assert page.evaluate("[document.documentElement.scrollHeight, scrollY]") == [800, 0]
    for visible in ("#credit", "#clock", "button[popovertarget]", "#filter"):
        expect(page.locator(visible).first).to_be_in_viewport(ratio=1)


def test_a_conversation_outlives_a_campaign_and_is_found_by_any_of_its_texts(scene, open_page):
    scene.send(ANNA, "Your table is ready", "a")
    scene.admin.reply(ANNA, "Oui")
    campaign(scene, NEWEST + 100)
    page = open_page(scene.url)
    rows = page.locator("#handsets a")
    expect(rows).to_have_count(100)

    page.get_by_role("searchbox").fill("TABLE")
    expect(rows).to_have_count(1)
    page.keyboard.press("Enter")

    expect(bubbles(page)).to_have_text(["Your table is ready", "Oui"])
    page.get_by_role("searchbox").fill("Nowhere")
    expect(page.locator("#handsets")).to_have_text("No handset has this number or text.")


def test_a_campaign_under_an_open_page_leaves_the_conversation_in_it(scene, open_page):
    scene.send(ANNA, "Your table is ready", "a")
    page = open_page(scene.url + AT_ANNA)
    page.get_by_label("Answer as this person").fill("Oui")
    page.keyboard.press("Enter")
    expect(bubbles(page)).to_have_count(2)

    campaign(scene, NEWEST + 100)

    expect(page.locator("#handsets .more")).to_have_text(f"and {NEWEST + 1 - 100} more: find them above")
    expect(bubbles(page)).to_have_text(["Your table is ready", "Oui"])


def test_only_what_a_handset_shows_is_unread(scene, open_page):
    page = open_page(scene.url + AT_ANNA)
    scene.admin.call("POST", "/weather", {"weather": "refused"})
    scene.send(BEN, "Sale", "a")
    expect(page.locator("#handsets a")).to_have_count(1)
    expect(page.locator(".count")).to_have_count(0)

    scene.admin.call("POST", "/weather", {"weather": "normal"})
    scene.send(BEN, "Hi", "b")

    expect(page.locator(".count")).to_have_text("1 unread")


def test_the_whole_weather_is_in_sight_on_a_narrow_screen(scene, open_page):
    page = open_page(scene.url, width=NARROW)

    for button in page.locator("#weather button").all():
        expect(button).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scripts", [True, False])
def test_what_is_read_on_a_button_is_part_of_its_name(scene, open_page, scripts):
    scene.send(ANNA, "Hello", "a")
    scene.settle()
    page = open_page(scene.url + AT_ANNA, idle_script=not scripts)
    page.locator("#entries summary").click()
    named = page.locator(":is(button, a, summary)[aria-label]").evaluate_all(
        "all => all.map(each => [each.textContent.trim(), each.getAttribute('aria-label')])"
    )

    told = {text: name for text, name in named if re.search(r"\w", text)}
    assert {"+1 h", "+25 h", "Post again"} <= told.keys()
    assert all(name.startswith(text) for text, name in told.items())


def test_an_answer_comes_later_and_twice(scene, open_page):
    page = open_page(scene.url + AT_ANNA)
    page.locator("[name=after_ms]").evaluate("box => box.value = 300")
    page.get_by_label("after 5 s").check()
    page.get_by_label("twice").check()
    page.get_by_label("Write first as this person").fill("Oui")
    page.get_by_role("button", name="Send").click()

    expect(page.locator("#typing")).to_be_visible()
    expect(bubbles(page)).to_have_text(["Oui"])
    expect(page.locator("#typing")).to_be_hidden()
    expect(lines(page).last).to_have_text(re.compile(r"Callbacks answered 200 in \d+ ms, 200 in \d+ ms"))


def test_receipts_and_blocking_are_chosen_per_handset(scene, open_page):
    page = open_page(scene.url + AT_ANNA)
    page.get_by_label("Receipts").select_option("not_delivered")
    chosen = {"number": ANNA, "receipts": "not_delivered", "blocked": False}
    until(lambda: chosen in scene.admin.call("GET", "/handsets"))
    scene.send(ANNA, "Hello", "a")
    expect(lines(page)).to_have_text(["Not shown: NOT_DELIVERED · 1 POST"])

    page.get_by_role("button", name="Block").click()
    expect(page.get_by_role("button", name="Unblock")).to_be_visible()
    assert scene.admin.callbacks("optout") == []


def test_what_is_open_stays_open_and_the_focus_stays_while_things_change(scene, open_page):
    scene.send(ANNA, "Hello", "a")
    scene.send(ANNA, "Later", "b")
    scene.settle()
    page = open_page(scene.url)
    page.locator("#entries summary").first.click()
    again = page.get_by_role("button", name="Post again: Receipt DELIVERED").first
    again.focus()

    scene.send(ANNA, "Hello", "a")

    expect(page.locator("#entries dd").filter(has_text="duplicate 120")).to_be_visible()
    expect(again).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#entries dd").filter(has=again)).to_have_text(re.compile(r"200 in .*200 in "))
    expect(again).to_be_focused()
    expect(bubbles(page)).to_have_text(["Hello", "Later"])


def test_by_keyboard_alone(scene, open_page):
    scene.send(ANNA, "Hello", "a")
    scene.send(BEN, "Hi", "b")
    page = open_page(scene.url + "/?number=%2B33600000000")

    def tab_to(name, limit=40):
        for _ in range(limit):
            page.keyboard.press("Tab")
            if page.evaluate(
                "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent)"
            ).startswith(name):
                return
        raise AssertionError(f"the keyboard does not reach {name}")

    tab_to("78")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="+33 6 12 34 56 78")).to_be_visible()
    tab_to("Answer as")
    page.keyboard.type("Oui")
    page.keyboard.press("Enter")
    expect(bubbles(page)).to_have_text(["Hello", "Oui"])
    tab_to("STOP")
    page.keyboard.press("Space")
    expect(bubbles(page)).to_have_text(["Hello", "Oui", "STOP"])


def test_unread_messages_are_counted_until_their_handset_is_opened(scene, open_page):
    page = open_page(scene.url + AT_ANNA)
    for place in range(2):
        scene.send(BEN, f"Hi {place}", f"b{place}")

    expect(page.locator(".count")).to_have_text("2 unread")
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    page.locator("#handsets a").first.click()

    expect(page.locator(".count")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="+33 6 87 65 43 21")).to_be_visible()
    expect(page.locator("#handsets a")).to_have_count(1)
    expect(page.locator(".count")).to_have_count(0)


def test_handsets_are_filtered_by_number_and_text_and_a_new_one_may_write(scene, open_page):
    scene.send(ANNA, "Your table", "a")
    scene.send(BEN, "Your parcel", "b")
    page = open_page(scene.url + AT_ANNA)
    rows = page.locator("#handsets a")
    expect(rows).to_have_count(2)

    page.get_by_role("searchbox").fill("parc")
    expect(rows).to_have_count(1)
    page.get_by_role("searchbox").fill("+33 6 87")
    expect(rows).to_have_count(1)
    page.get_by_role("searchbox").fill("+49 170 1234567")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="+491701234567")).to_be_visible()
    page.get_by_label("Write first as this person").fill("Hallo?")
    page.keyboard.press("Enter")

    expect(bubbles(page)).to_have_text(["Hallo?"])
    page.go_back()
    expect(bubbles(page)).to_have_text(["Your table"])


def test_a_page_that_was_cut_off_says_so_and_catches_up(scene, open_page):
    page = open_page(scene.url + AT_ANNA)
    scene.send(ANNA, "before", "a")
    expect(bubbles(page)).to_have_text(["before"])

    page.context.set_offline(True)
    page.get_by_role("button", name="STOP").click()
    expect(page.locator("#trouble")).to_be_visible()
    scene.send(ANNA, "meanwhile", "b")
    page.context.set_offline(False)

    expect(bubbles(page)).to_have_text(["before", "meanwhile"])


@pytest.mark.parametrize("scripts", [True, False])
def test_hostile_texts_are_inert(scene, open_page, scripts):
    texts = [text.encode("utf-8", "replace").decode() for text in HOSTILE_TEXTS.values()]
    for place, text in enumerate(texts):
        scene.admin.reply(ANNA, text)
        if text.strip():
            scene.send(ANNA, text[:1200], f"m{place}", auto_optimize_text=False)
    scene.settle()
    page = open_page(scene.url + AT_ANNA, java_script_enabled=scripts)
    expect(page.locator("#entries > .reply")).to_have_count(len(texts))

    inside = page.locator("#entries, #handsets")
    assert inside.locator("script, img, iframe, object, svg, style, h1, a[href^=http]").count() == 0
    shown = "".join(inside.all_text_contents())
    assert not any(character in shown for character in "\u202e\u2066\x1b\x00\x08\x7f")
    assert "⟨U+202E⟩" in shown
    assert no_sideways_scroll(page)


def no_sideways_scroll(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("name", SCENES)
def test_every_scene_is_accessible(scene, open_page, name, scripts):
    page = open_page(SCENES[name](scene), idle_script=not scripts)
    if scripts:
        until(lambda: page.evaluate("now !== null"))
    for summary in page.locator("#entries summary").all():
        summary.click()
    for width, scheme in itertools.product((WIDE, NARROW), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)

        found = Axe().run(page).response["violations"]

        told = [(each["id"], [node["target"] for node in each["nodes"]]) for each in found]
        assert (width, scheme, told) == (width, scheme, [])
        assert no_sideways_scroll(page)


def test_threads_are_shown_and_answered_without_scripts(scene, open_page):
    scene.send(ANNA, "Hello", "a")
    scene.settle()
    page = open_page(scene.url, width=NARROW, java_script_enabled=False)
    page.locator("#handsets a").click()
    expect(bubbles(page)).to_have_text(["Hello"])

    page.get_by_label("Answer as this person").fill("Oui")
    page.get_by_role("button", name="Send").click()

    expect(bubbles(page)).to_have_text(["Hello", "Oui"])
    page.get_by_role("button", name="STOP").click()
    expect(page.locator("#blocked")).to_be_visible()
    page.get_by_role("button", name="Slow").click()
    expect(page.get_by_role("button", name="Slow")).to_have_attribute("aria-pressed", "true")
    expect(bubbles(page)).to_have_text(["Hello", "Oui", "STOP"])


def test_another_page_in_the_browser_can_do_nothing(scene, open_page, tmp_path):
    page = open_page(scene.url)
    foreign = tmp_path / "foreign.html"
    foreign.write_text(
        f"<form method=post action={scene.url}/replies><input name=number value={ANNA}>"
        "<input name=text value=Oui><button>Go</button></form>"
    )
    page.goto(foreign.as_uri())

    with page.expect_response(re.compile("/replies")) as answered:
        page.get_by_role("button").click()

    assert answered.value.status == 403
    assert scene.admin.call("GET", "/threads") == []
