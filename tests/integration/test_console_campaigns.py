"""Campaigns in the console: how far they are, and what an operator does about them."""

import pytest

from producers import Producer
from producers.contract.steps import drive
from tests.support.harmless import faults_of
from tests.support.keys import AllKeys
from tests.support.sends import claim_one, finish_one
from worker.gateway.outcomes import Accepted
from worker.inquiry import audit

KEYS = AllKeys()
NUMBERS = [f"+336{n:08}" for n in range(12_000_000, 12_000_700)]


@pytest.fixture
def spring(sms) -> str:
    """A campaign of two slices, all queued."""
    return sms.send_campaign(
        "Hello STOP au 30101", NUMBERS, sender="Bistro", campaign_id="spring"
    ).campaign_id


def actions(client) -> list[tuple[str, str]]:
    rows = drive(audit.newest(KEYS), client).rows
    return [(row.action, row.about["campaign"]) for row in rows if row.action not in {"login", "logout"}]


def state(url: str) -> tuple[bool, bool]:
    status = Producer(url).campaign_status("spring")
    return status.paused, status.stopped


def test_without_campaigns_the_page_says_so(viewer):
    assert "No campaigns." in viewer.get("/campaigns").text


def test_campaigns_are_listed_with_progress_and_cost(viewer, ledger, spring):
    finish_one(ledger, claim_one(ledger, "spring.0"), Accepted("sms_1", cost="24.50", segments=500))

    page = viewer.get("/campaigns").text

    for shown in ('href="/campaigns/spring"', "sending", "700", "500", "24.50"):
        assert shown in page
    assert faults_of(page) == []


def test_a_campaign_shows_how_far_it_is_and_its_slices(viewer, ledger, spring):
    finish_one(ledger, claim_one(ledger, "spring.0"), Accepted("sms_1", cost="24.50", segments=500))

    page = viewer.get("/campaigns/spring").text

    assert "500 of 700 recipients at an end" in page
    assert 'href="/sends/spring.1"' in page
    assert '<progress max="700" value="500"' in page
    assert faults_of(page) == []


@pytest.mark.parametrize("name", ["nobody", "a" * 60, "<b>"])
def test_a_campaign_that_nobody_knows_is_not_found(viewer, name):
    assert viewer.get(f"/campaigns/{name}").status_code == 404


def test_a_campaign_is_paused_and_goes_on(operator, redis_client, redis_url, spring):
    assert "Pause" in operator.get("/campaigns/spring").text
    answer = operator.post("/campaigns/spring/pause")
    assert (answer.status_code, answer.headers["location"]) == (303, "/campaigns/spring")
    assert state(redis_url) == (True, False)

    assert "Resume" in operator.get("/campaigns/spring").text
    assert operator.post("/campaigns/spring/resume").status_code == 303
    assert state(redis_url) == (False, False)
    assert actions(redis_client) == [("campaign_resume", "spring"), ("campaign_pause", "spring")]


def test_a_campaign_is_cancelled_for_good(operator, redis_client, redis_url, ledger, spring):
    finish_one(ledger, claim_one(ledger, "spring.0"), Accepted("sms_1"))

    assert operator.post("/campaigns/spring/cancel").status_code == 303

    page = operator.get("/campaigns/spring").text
    assert "Cancelled: 1 slice never leaves, 1 had left or ended." in page
    assert state(redis_url) == (True, True)
    assert actions(redis_client) == [("campaign_cancel", "spring")]


@pytest.mark.parametrize(
    ("first", "then", "now"),
    [
        ("pause", "pause", "paused"),
        ("cancel", "cancel", "cancelled"),
        ("cancel", "pause", "cancelled"),
        ("cancel", "resume", "cancelled"),
        (None, "resume", "sending"),
    ],
)
def test_what_has_changed_meanwhile_is_refused_with_the_new_state(
    operator, redis_client, spring, first, then, now
):
    if first:
        operator.post(f"/campaigns/spring/{first}")
    before = actions(redis_client)

    answer = operator.post(f"/campaigns/spring/{then}")

    assert answer.status_code == 409
    assert now in answer.text
    assert actions(redis_client) == before


def test_nothing_is_left_to_decide_about_a_campaign_that_is_done(operator, ledger, spring):
    for n in range(2):
        finish_one(ledger, claim_one(ledger, f"spring.{n}"), Accepted("sms_1"))

    for action in ("pause", "resume", "cancel"):
        assert operator.post(f"/campaigns/spring/{action}").status_code == 409
    assert "/campaigns/spring/" not in operator.get("/campaigns/spring").text


def test_a_campaign_that_ends_while_it_is_paused_is_done(operator, ledger, spring):
    claims = [claim_one(ledger, f"spring.{n}") for n in range(2)]
    operator.post("/campaigns/spring/pause")
    for claim in claims:
        finish_one(ledger, claim, Accepted("sms_1"))

    page = operator.get("/campaigns/spring").text

    assert "done</span>" in page
    assert "/campaigns/spring/cancel" not in page
    answer = operator.post("/campaigns/spring/cancel")
    assert (answer.status_code, "done" in answer.text) == (409, True)


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
def test_neither_a_viewer_nor_another_site_decides(viewer, operator, redis_url, spring, action):
    assert viewer.post(f"/campaigns/spring/{action}").status_code == 403
    assert operator.post(f"/campaigns/spring/{action}", sec_fetch_site="none").status_code == 403
    assert state(redis_url) == (False, False)
    assert f"/campaigns/spring/{action}" not in viewer.get("/campaigns/spring").text


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
def test_nothing_is_decided_about_a_campaign_that_nobody_knows(operator, redis_client, action):
    assert operator.post(f"/campaigns/nobody/{action}").status_code == 404
    assert actions(redis_client) == []


def test_a_campaign_is_called_sending_while_it_is_being_queued(viewer, redis_client, spring):
    redis_client.hdel(KEYS.campaign("spring"), "complete")

    page = viewer.get("/campaigns").text

    assert "sending</span>" in page
    assert "being queued" not in page


def test_a_campaign_is_cancelled_after_a_second_question_only(operator, spring):
    page = operator.get("/campaigns/spring").text

    question = page[page.index('<details class="ask">') : page.index("</details>")]
    assert 'action="/campaigns/spring/cancel"' in question
    assert "nobody can take this back" in question
    assert page.count('action="/campaigns/spring/cancel"') == 1


def test_only_one_button_of_a_campaign_says_pause(operator, spring):
    assert operator.get("/campaigns/spring").text.count(">Pause</button>") == 1
