"""Opt-outs, feeds, quarantine and audit in the console."""

import pytest

from producers.contract.keys import QUARANTINE
from producers.contract.steps import drive
from producers.events import OptOut, to_fields
from producers.feeds import Feed
from tests.integration.test_feeds import reply
from tests.support.harmless import faults_of
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.keys import AllKeys
from worker.inquiry import audit

KEYS = AllKeys()
NUMBER = "+33612345678"
MASKED = "+336******78"


def opted_out(client, text="STOP", number=NUMBER) -> str:
    event = OptOut(
        event_id="e1",
        request_id="booking-42",
        ticket="sms_1",
        number=number,
        text=text,
        at=reply("").received_at,
        raw="{}",
    )
    return client.xadd(KEYS.stream("optouts"), written(to_fields(event))).decode()


def quarantined(client, raw: str) -> str:
    fields = {"v": "1", "event_id": "q1", "reason": "no_number", "raw": raw}
    fields["received_at"] = "2026-11-12T14:03:00+00:00"
    return client.xadd(KEYS.stream(QUARANTINE), written(fields)).decode()


def written(fields) -> dict[str, bytes]:
    """What can lie in Redis: half surrogates cannot."""
    return {name: value.encode("utf-8", "backslashreplace") for name, value in fields.items()}


def refuse(_):
    raise LookupError


@pytest.fixture
def poison(redis_client, redis_url):
    """Let the group "bookings" give up replies; returns the ids of its poison entries."""

    def give_up(text="Oui", number=NUMBER) -> str:
        fields = written(to_fields(reply(text, number=number)))
        redis_client.xadd(KEYS.stream("replies"), fields)
        feed = Feed("replies", "bookings", redis_url=redis_url, block_s=0.02, max_deliveries=1)

        def handle(event) -> None:
            feed.stop()
            raise LookupError

        feed.run(handle)
        return redis_client.xrevrange(KEYS.poison("replies", "bookings"), count=1)[0][0].decode()

    return give_up


def actions(client) -> list[tuple[str, str]]:
    rows = drive(audit.newest(KEYS), client).rows
    return [(row.action, row.by) for row in rows if row.action not in {"login", "logout"}]


# Opt-outs.


def test_without_opt_outs_the_page_says_so(viewer):
    assert "None yet." in viewer.get("/optouts").text


def test_opt_outs_are_listed_with_their_source_and_masked(viewer, redis_client):
    opted_out(redis_client)
    opted_out(redis_client, text="")
    redis_client.xadd(KEYS.stream("optouts"), {"v": "9"})

    page = viewer.get("/optouts").text

    for shown in ("a person", "a receipt: blocked", "STOP", MASKED, "/sends/booking-42", "cannot be read"):
        assert shown in page
    assert NUMBER not in page


def test_an_opt_out_is_revealed_to_an_operator(operator, redis_client):
    entry_id = opted_out(redis_client)

    assert operator.post("/reveal", {"of": f"optout:{entry_id}", "back": "/optouts"}).status_code == 303

    assert NUMBER in operator.get("/optouts").text
    assert operator.post("/reveal", {"of": "optout:1-1", "back": "/optouts"}).status_code == 404
    assert operator.post("/reveal", {"of": "optout:x", "back": "/optouts"}).status_code == 404


@pytest.mark.parametrize("page", ["optouts", "quarantine", "audit"])
def test_a_list_goes_on_behind_its_last_row(viewer, redis_client, page):
    for _ in range(51):
        redis_client.xadd(KEYS.stream(page), {"v": "1", "raw": "x", "action": "test"})

    assert f"/{page}?before=" in viewer.get(f"/{page}").text
    [first, *_] = redis_client.xrange(KEYS.stream(page), count=2)[1]
    older = viewer.get(f"/{page}?before={first.decode()}")
    assert older.status_code == 200
    assert f'href="/{page}"' in older.text
    assert viewer.get(f"/{page}?before=x").status_code == 400


# Feeds.


def test_without_groups_a_stream_has_no_reader(viewer):
    assert viewer.get("/feeds").text.count("Nobody reads them here.") == 5


def test_groups_are_listed_with_lag_and_what_they_gave_up(viewer, redis_client, poison):
    poison()
    redis_client.xadd(KEYS.stream("replies"), to_fields(reply("Non")))

    page = viewer.get("/feeds").text

    assert "bookings" in page
    assert 'href="/feeds/replies/poison?group=bookings"' in page
    assert faults_of(page) == []


def test_poison_is_listed_masked_and_revealed_to_an_operator(operator, poison):
    entry_id = poison()
    here = "/feeds/replies/poison?group=bookings"
    page = operator.get(here).text
    assert "Oui" in page
    assert MASKED in page
    assert NUMBER not in page

    operator.post("/reveal", {"of": f"poison:replies~{entry_id}~bookings", "back": here})

    assert NUMBER in operator.get(here).text
    for name in ("poison:audit~1-1~x", "poison:replies~1-1~bookings", "poison:replies~x~bookings"):
        assert operator.post("/reveal", {"of": name, "back": here}).status_code == 404


def test_a_poison_entry_is_replayed_to_its_group(operator, redis_client, redis_url, poison):
    entry_id = poison()

    answer = operator.post("/feeds/replies/poison", {"group": "bookings", "entry": entry_id})

    assert answer.headers["location"] == "/feeds/replies/poison?group=bookings"
    assert actions(redis_client) == [("replay_poison", "ben@console")]
    assert "Nothing given up." in operator.get("/feeds/replies/poison?group=bookings").text
    feed, read = Feed("replies", "bookings", redis_url=redis_url, block_s=0.02), []
    feed.run(lambda event: (read.append(event.text), feed.stop()))
    assert read == ["Oui"]


def test_a_poison_entry_that_is_gone_is_not_replayed(operator, redis_client, poison):
    entry_id = poison()
    form = {"group": "bookings", "entry": entry_id}
    operator.post("/feeds/replies/poison", form)

    again = operator.post("/feeds/replies/poison", form)

    assert again.status_code == 409
    assert "given back already" in again.text
    assert len(actions(redis_client)) == 1
    assert operator.post("/feeds/replies/poison", {"group": "bookings", "entry": "x"}).status_code == 404


def test_a_poison_entry_that_its_stream_has_dropped_stays(operator, redis_client, poison):
    entry_id = poison()
    redis_client.xtrim(KEYS.stream("replies"), maxlen=0, approximate=False)

    answer = operator.post("/feeds/replies/poison", {"group": "bookings", "entry": entry_id})

    assert answer.status_code == 409
    assert "trimmed" in answer.text


@pytest.mark.parametrize("path", ["/feeds/audit/poison?group=x", "/feeds/x/poison"])
def test_only_streams_that_applications_read_have_poison(operator, path):
    assert operator.get(path).status_code == 404
    assert operator.post(path.partition("?")[0], {"group": "x", "entry": "1-1"}).status_code == 404


# Quarantine.


def test_an_empty_quarantine_says_so(viewer):
    assert "Empty." in viewer.get("/quarantine").text


def test_callbacks_in_quarantine_are_shown_as_they_came_but_masked(operator, redis_client):
    entry_id = quarantined(redis_client, '{"from": "+33612345678", "x": 1}')
    page = operator.get("/quarantine").text
    assert "it names no number" in page
    assert MASKED in page
    assert NUMBER not in page

    operator.post("/reveal", {"of": f"quarantine:{entry_id}", "back": "/quarantine"})

    assert NUMBER in operator.get("/quarantine").text


@pytest.mark.parametrize(
    "written",
    [
        *("+33 6 12 34 56 78", "06.12.34.56.78", "+33 (0)6 12 34 56 78", "+33-612-345-678"),
        "".join(chr(0xFF10 + int(digit)) for digit in NUMBER[1:]),
    ],
)
def test_a_number_in_quarantine_is_masked_however_it_is_written(operator, redis_client, written):
    quarantined(redis_client, f"from {written} at 2026-11-26 09:30:00, 26/11/2026 09:30, by 192.168.100.200")
    page = operator.get("/quarantine").text

    assert written not in page
    assert " at 2026-11-26 09:30:00, 26/11/2026 09:30, by 192.168.100.200" in page


def test_a_callback_is_read_again(operator, redis_client):
    entry_id = quarantined(redis_client, '{"x": 1}')

    answer = operator.post(f"/quarantine/{entry_id}/parse", {"kind": "replies"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/quarantine")
    assert "Empty." in operator.get("/quarantine").text
    assert redis_client.llen(KEYS.queue("callbacks").ready) == 1
    assert actions(redis_client) == [("parse_again", "ben@console")]
    assert operator.post(f"/quarantine/{entry_id}/parse", {"kind": ""}).status_code == 404
    assert len(actions(redis_client)) == 1


def test_a_callback_that_was_cut_is_not_read_again(operator, redis_client):
    entry_id = quarantined(redis_client, '{"cut":"xxx"}')

    assert "too long to be kept whole" in operator.get("/quarantine").text
    assert operator.post(f"/quarantine/{entry_id}/parse", {"kind": ""}).status_code == 409


def test_a_callback_is_read_as_a_kind_that_there_is(operator, redis_client):
    entry_id = quarantined(redis_client, '{"x": 1}')

    assert operator.post(f"/quarantine/{entry_id}/parse", {"kind": "faxes"}).status_code == 400
    assert operator.post("/quarantine/x/parse", {"kind": ""}).status_code == 404


# Audit.


def test_an_action_is_listed_with_who_did_it(viewer):
    page = viewer.get("/audit").text

    assert "anna@console" in page
    assert "login" in page


# All of them.


def test_a_viewer_sees_no_button_and_is_refused(viewer, redis_client, poison):
    entry_id, callback_id = poison(), quarantined(redis_client, '{"x": "+33612345678"}')
    opted_out(redis_client)

    assert viewer.post("/feeds/replies/poison", {"group": "bookings", "entry": entry_id}).status_code == 403
    assert viewer.post(f"/quarantine/{callback_id}/parse", {"kind": ""}).status_code == 403
    assert viewer.post("/reveal", {"of": f"quarantine:{callback_id}"}).status_code == 403

    for path in ("/feeds/replies/poison?group=bookings", "/quarantine"):
        assert "<form" not in viewer.get(path).text.partition("<main")[2]
    assert redis_client.xlen(KEYS.stream(QUARANTINE)) == 1


def test_another_site_does_nothing(operator, redis_client, poison):
    entry_id, callback_id = poison(), quarantined(redis_client, '{"x": 1}')
    form = {"group": "bookings", "entry": entry_id}

    assert operator.post("/feeds/replies/poison", form, sec_fetch_site="same-site").status_code == 403
    assert operator.post(f"/quarantine/{callback_id}/parse", sec_fetch_site="cross-site").status_code == 403


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_stays_text(operator, redis_client, poison, text):
    opted_out(redis_client, text)
    opted_out(redis_client, "STOP", number=text)
    quarantined(redis_client, text)
    value = text.encode("utf-8", "backslashreplace")
    redis_client.xadd(KEYS.audit, {"action": value, "by": value, "v": "1", "x": value})
    redis_client.xadd(KEYS.poison("replies", "bookings"), {"text": value, "number": value, "entry_id": value})

    for path in ("/optouts", "/quarantine", "/audit", "/feeds", "/feeds/replies/poison?group=bookings"):
        page = operator.get(path)
        assert page.status_code == 200, path
        assert faults_of(page.text) == [], path


def test_opt_outs_say_that_octopush_has_a_list_of_its_own(viewer):
    assert "Octopush keeps a list of its own" in viewer.get("/optouts").text
