"""Forwarders in the console: how they are, and what an operator does about them."""

import re

import pytest

from producers.contract.steps import drive
from tests.support.forwarding import HandForwarder
from tests.support.harmless import faults_of
from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.forwarding.outcomes import Delivered, Refused, Unreachable
from worker.inquiry import audit, forwarders

HERE = "/forward/bookings"


@pytest.fixture
def forwarder(redis_client) -> HandForwarder:
    return HandForwarder(redis_client)


def actions(forwarder) -> list[tuple[str, str]]:
    rows = drive(audit.newest(forwarder.keys), forwarder.redis).rows
    return [(row.action, row.by) for row in rows if row.action not in {"login", "logout"}]


def state(forwarder) -> forwarders.ForwarderState:
    (found,) = drive(forwarders.states(forwarder.keys, [forwarder.name]), forwarder.redis)
    return found


def let_die(forwarder, *ids: str) -> None:
    forwarder.arrive(*ids)
    for event in forwarder.take(len(ids)):
        forwarder.settle(event, Refused("404"))


def test_without_forwarders_the_page_says_how_to_run_one(viewer):
    assert "octopush-worker forward-http" in viewer.get("/forward").text


def test_a_forwarder_is_listed_with_what_waits_and_what_is_dead(viewer, forwarder):
    let_die(forwarder, "r1")
    forwarder.arrive("r2")

    page = viewer.get("/forward").text

    assert f'href="{HERE}"' in page
    assert "delivering" in page
    assert faults_of(page) == []


def test_a_forwarder_shows_attempts_what_is_due_and_dead_letters(operator, forwarder):
    let_die(forwarder, "r1")
    forwarder.arrive("r2")

    page = operator.get(HERE).text

    for shown in (
        "<h1>Forwarder bookings</h1>",
        ">Refused</th>",
        'data-label="Refused"><div>1</div>',
        "r1",
        "r2",
        "404",
        "replies",
    ):
        assert shown in page
    assert faults_of(page) == []


@pytest.mark.parametrize("name", ["nobody", "A B", "a" * 60])
def test_a_forwarder_that_nobody_knows_is_not_found(operator, name):
    assert operator.get(f"/forward/{name}").status_code == 404
    assert operator.post(f"/forward/{name}/pause").status_code == 404


def test_a_forwarder_is_paused_and_resumed_once(operator, forwarder):
    forwarder.arrive("r1")
    answer = operator.post(f"{HERE}/pause")
    assert (answer.status_code, answer.headers["location"]) == (303, HERE)
    assert state(forwarder).paused is not None
    assert operator.post(f"{HERE}/pause").status_code == 409
    assert "Resume" in operator.get(HERE).text

    assert operator.post(f"{HERE}/resume").status_code == 303
    assert state(forwarder).paused is None
    again = operator.post(f"{HERE}/resume")
    assert again.status_code == 409
    assert "delivering" in again.text
    assert actions(forwarder) == [("forward_resume", "ben@console"), ("forward_pause", "ben@console")]


def test_a_hold_is_told_and_ended(operator, forwarder):
    forwarder.arrive(*(f"r{n}" for n in range(6)))
    for event in forwarder.take(6):
        forwarder.settle(event, Unreachable("connect_error"))
    assert "Only probes are delivered" in operator.get(HERE).text

    assert operator.post(f"{HERE}/resume").status_code == 303

    assert state(forwarder).held is None


def test_a_test_event_is_delivered_next(operator, forwarder):
    forwarder.arrive("r1")

    assert operator.post(f"{HERE}/test").status_code == 303

    page = operator.get(HERE).text
    assert "A test event is on its way; once it is delivered, “Last delivered” shows it." in page
    [event] = forwarder.take(1)
    assert event.event_id.startswith("test-")
    assert state(forwarder).delivered_ms is None
    forwarder.settle(event, Delivered())
    assert state(forwarder).delivered_ms is not None
    assert actions(forwarder) == [("forward_test", "ben@console")]


def test_a_test_event_waits_while_the_forwarder_is_paused(operator, forwarder):
    forwarder.arrive("r1")
    operator.post(f"{HERE}/pause")
    operator.post(f"{HERE}/test")

    assert "A test event waits: nothing is delivered until somebody resumes." in operator.get(HERE).text
    assert forwarder.take(1) == []


def test_one_dead_letter_is_told_as_one(operator, forwarder):
    let_die(forwarder, "r1")
    operator.post(f"{HERE}/replay")

    assert "1 dead letter is tried again." in operator.get(HERE).text


def test_all_dead_letters_are_replayed(operator, forwarder):
    let_die(forwarder, "r1", "r2")
    assert "Replay all dead letters (2)" in operator.get(HERE).text

    assert operator.post(f"{HERE}/replay").status_code == 303

    assert (state(forwarder).dead, state(forwarder).waiting) == (0, 2)
    assert {action for action, _ in actions(forwarder)} == {"forward_replay"}
    again = operator.post(f"{HERE}/replay")
    assert again.status_code == 409
    assert "without dead letters" in again.text


def test_a_viewer_sees_no_digest_by_which_a_number_can_be_tried(operator, viewer, forwarder):
    let_die(forwarder, "secret-1")

    assert "secret-1" in operator.get(HERE).text
    assert "What could not be delivered" in viewer.get(HERE).text
    assert "secret-1" not in viewer.get(HERE).text


def test_one_dead_letter_is_replayed(operator, forwarder):
    let_die(forwarder, "r1", "r2")

    assert operator.post(f"{HERE}/replay", {"event": "r1"}).status_code == 303

    assert (state(forwarder).dead, state(forwarder).waiting) == (1, 1)
    assert operator.post(f"{HERE}/replay", {"event": "nobody"}).status_code == 409


def test_what_waits_and_what_is_dead_is_read_a_page_at_a_time(operator, forwarder):
    let_die(forwarder, *(f"d{n:02}" for n in range(51)))
    forwarder.arrive(*(f"w{n:02}" for n in range(51)))

    first = operator.get(HERE).text
    assert f"{HERE}?from=50" in first
    assert f"{HERE}?before=" in first
    assert "w50" not in first
    assert "w50" in operator.get(f"{HERE}?from=50").text
    older = re.search(rf'href="({HERE}\?before=[0-9-]+)"', first)
    assert "d00" in operator.get(older[1]).text


@pytest.mark.parametrize("action", ["pause", "resume", "test", "replay"])
def test_neither_a_viewer_nor_another_site_decides(viewer, operator, forwarder, action):
    let_die(forwarder, "r1")

    assert viewer.post(f"{HERE}/{action}").status_code == 403
    assert operator.post(f"{HERE}/{action}", sec_fetch_site="cross-site").status_code == 403

    assert f"{HERE}/{action}" not in viewer.get(HERE).text
    assert actions(forwarder) == []


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_words_of_a_server_stay_text(operator, forwarder, text):
    forwarder.arrive("r1")
    forwarder.settle(forwarder.take_one(), Refused(text.encode("utf-8", "backslashreplace").decode()))

    for path in (HERE, "/forward"):
        page = operator.get(path)
        assert page.status_code == 200
        assert faults_of(page.text) == []


def test_a_forwarder_whose_receiver_is_away_says_so_and_when_it_tries_again(operator, forwarder):
    forwarder.arrive("r1")
    [event] = forwarder.take(1)
    forwarder.settle(event, Unreachable("ConnectError"))

    found, listed, page = state(forwarder), operator.get("/forward").text, operator.get(HERE).text

    assert (found.trouble, found.next_ms > found.now_ms) == ("ConnectError", True)
    for shown in (listed, page):
        assert "tries again</span>" in shown
        assert "delivering" not in shown
    assert "The last attempt for the oldest event failed: " in page
    assert "nobody answers at this address" in page
    assert "ConnectError" not in page
    assert "The next attempt is <time" in page
