"""The console's pages of sends: lists, one send, and what an operator decides about it."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from producers import Producer
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.phone import mask
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from tests.support.harmless import faults_of
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.html import Html
from tests.support.keys import AllKeys
from tests.support.reply_events import publish_replies
from tests.support.sends import claim_one, correlate_one, finish_one
from tests.support.waiting import until
from worker.account.throttle import Throttle
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.gateway.outcomes import Accepted, Duplicate, Refused
from worker.inquiry import audit, explain

KEYS = AllKeys()


def passing(client) -> None:
    """Let the clock of Redis go on by a millisecond, by which an entry is later than another."""
    began = client.time()
    until(lambda: client.time()[0] > began[0] or client.time()[1] > began[1] + 1000)


NUMBER = "+33612345678"


@pytest.fixture
def send(sms, ledger):
    """Send a message and bring it to a state."""

    def go(state: str, **options) -> str:
        options = {"sender": "Bistro", "purpose": "alert", "request_id": state, **options}
        request_id = sms.send(NUMBER, options.pop("text", "Hello"), **options).request_id
        outcomes = {
            "accepted": Accepted("sms_1", cost="0.042", segments=1),
            "rejected": Refused("121"),
            "unknown": Duplicate("120"),
        }
        if state == "sending":
            claim_one(ledger, request_id)
        elif state in outcomes:
            assert finish_one(ledger, claim_one(ledger, request_id), outcomes[state]) == state
        return request_id

    return go


def actions(client) -> list[tuple[str, str]]:
    return [
        (row.action, row.by)
        for row in drive(audit.newest(KEYS), client).rows
        if row.action not in {"login", "logout"}
    ]


@pytest.mark.parametrize(
    ("tab", "state"),
    [("running", "sending"), ("waiting", "queued"), ("ended", "accepted"), ("scheduled", None)],
)
def test_a_tab_lists_its_sends(viewer, send, tab, state):
    if state:
        send(state)

    page = viewer.get(f"/sends?tab={tab}")

    assert page.status_code == 200
    assert (f'href="/sends/{state}"' in page.text) is (state is not None)
    assert NUMBER not in page.text


def ends(page) -> list[str]:
    """What the rows say of the states of ended sends, the newest first."""
    cells = re.findall(r'data-label="State"><div>(.*?)</div>', page.text, re.DOTALL)
    return [" ".join(Html(cell).text.split()) for cell in cells]


def test_an_end_that_stands_there_again_says_why(operator, viewer, send, ledger, redis_client):
    """A number of entries would count such a message twice: the tab shows none."""
    send("accepted")
    send("rejected")
    passing(redis_client)
    operator.post("/sends/rejected/replay")
    assert ends(viewer.get("/sends?tab=ended")) == ["rejected, since then queued", "accepted"]
    finish_one(ledger, claim_one(ledger, "rejected"), Accepted("sms_2", cost="0.042", segments=1))

    page = viewer.get("/sends?tab=ended")

    assert ends(page) == ["accepted, sent again", "rejected, since then accepted", "accepted"]
    assert re.search(r">Ended</a>", page.text)


def test_a_ticket_that_was_learned_later_is_no_second_message(viewer, sms, ledger, redis_client):
    options = {"sender": "Bistro", "purpose": "alert", "request_id": "lost"}
    sms.send(NUMBER, "Hello", **options)
    claim = claim_one(ledger, "lost")
    finish_one(ledger, claim, Duplicate("120"), in_doubt=True)
    passing(redis_client)
    now_ms = (redis_client.time()[0] + 1) * 1000
    correlate_one(ledger, "sms_9", NUMBER, now_ms)

    page = viewer.get("/sends?tab=ended")

    assert ends(page) == ["accepted, ticket learned later", "accepted"]


def test_an_empty_tab_says_so(viewer):
    assert "Nothing waits." in viewer.get("/sends?tab=waiting").text
    assert "No attempt runs." in viewer.get("/sends").text


def test_a_tab_goes_on_behind_its_last_row(viewer, sms):
    for n in range(51):
        sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id=f"a{n:02}")

    first = viewer.get("/sends?tab=waiting&queue=alert")
    second = viewer.get("/sends?tab=waiting&queue=alert&before=50")

    assert "before=50" in first.text
    assert "/sends/a49" in first.text
    assert "/sends/a50" not in first.text
    assert "/sends/a50" in second.text


def test_a_place_that_is_in_no_list_is_refused(viewer):
    assert viewer.get("/sends?tab=waiting&before=x").status_code == 400
    assert viewer.get("/sends?tab=ended&before=0").status_code == 400


@pytest.mark.parametrize("word", ["accepted", "sms_1"])
def test_a_send_is_found_by_id_and_by_ticket(viewer, send, word):
    send("accepted")

    answer = viewer.get(f"/sends?id={word}")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sends/accepted")


def test_a_word_that_nobody_knows_is_told_beside_the_field(viewer):
    page = viewer.get("/sends?id=nobody")

    assert page.status_code == 422
    assert "Nobody knows this id or ticket" in page.text
    assert 'aria-invalid="true"' in page.text


def test_a_send_shows_why_what_it_cost_and_to_whom_masked(viewer, send):
    send("accepted", context={"booking": 42})

    page = viewer.get("/sends/accepted")

    assert page.status_code == 200
    for shown in ("The gateway accepted it", "0.042", "sms_1", "Timeline", "booking"):
        assert shown in page.text
    assert NUMBER not in page.text


def receipt(client, status: str, request_id: str = "accepted") -> None:
    event = {
        "number": NUMBER,
        "status": status,
        "message_id": "sms_1",
        "delivery_date": "2030-01-31 14:05:09",
    }
    found = parse(event, "", datetime.now(UTC), "c")
    Publisher(client, RedisSettings()).publish([msgspec.structs.replace(found, request_id=request_id)])


def life(page) -> list[str]:
    """The sentences of a page's timeline, with their spaces as a browser shows them."""
    listed = re.search(r'<ol class="timeline">(.*?)</ol>', page.text, re.DOTALL)[1]
    moments = re.findall(r"</time></span>(.*?)</li>", listed, re.DOTALL)
    return [" ".join(Html(moment).text.split()) for moment in moments]


def test_the_life_of_a_send_reads_like_sentences(viewer, redis_client, send):
    send("accepted", ttl=timedelta(hours=1))
    publish_replies(redis_client, "Oui", request_id="accepted")
    receipt(redis_client, "DELIVERED")

    page = viewer.get("/sends/accepted")

    assert sorted(life(page)) == sorted(
        [
            "It was queued.",
            "The first attempt began.",
            "The gateway accepted it for 0.042, as sms_1.",
            "+336******78 replied: “Oui”",
            "+336******78 has received it.",
        ]
    )


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("NOT_DELIVERED", "+336******78 has not received it; the network says NOT_DELIVERED."),
        ("ACK", "The network says ACK of +336******78; more is to come."),
    ],
)
def test_a_receipt_says_what_the_network_says_and_whether_it_was_the_last(
    viewer, redis_client, send, status, sentence
):
    send("accepted")
    receipt(redis_client, status)

    assert sentence in life(viewer.get("/sends/accepted"))


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("rejected", "The gateway rejected it, code 121"),
        ("unknown", "It ended, and nobody knows whether the gateway accepted it, code 120"),
    ],
)
def test_an_end_says_what_the_gateway_said(viewer, send, state, sentence):
    send(state)

    assert life(viewer.get(f"/sends/{state}"))[-1].startswith(sentence)


def test_all_times_of_a_page_are_of_one_zone(viewer, redis_client, send):
    send("accepted")
    redis_client.hset(KEYS.record("accepted"), "ended", 1_793_500_000_000)

    page = viewer.get("/sends/accepted").text

    assert "UTC" not in page
    assert re.search(r"The gateway accepted it, <time [^>]*>1 Nov 2026 03:26:40</time>, ticket sms_1\.", page)


@pytest.mark.parametrize(("action", "sentence"), [("replay", "ben@console sent it again; it was rejected.")])
def test_what_people_did_reads_like_sentences(operator, send, action, sentence):
    send("rejected")
    operator.post(f"/sends/rejected/{action}")

    assert sentence in " ".join(Html(operator.get("/sends/rejected").text).text.split())


def test_what_an_application_keeps_beside_a_send_shows_no_number_either(viewer, send):
    send("queued", context={"phone": NUMBER, "digits": int(NUMBER), "booking": 12345678})

    page = viewer.get("/sends/queued").text

    assert "12345678" in page
    assert NUMBER[1:] not in page


def test_no_number_is_shown_in_the_words_of_the_gateway_either(viewer, sms, ledger):
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id="refused")
    finish_one(ledger, claim_one(ledger, "refused"), Refused("117", f"0612345678 or {NUMBER} is wrong"))

    page = viewer.get("/sends/refused").text

    assert page.count("is wrong") >= 2
    assert "612345678" not in page


def test_a_send_that_waits_says_why_and_who_gets_it(viewer, send):
    send("queued")

    page = viewer.get("/sends/queued").text

    assert "+336******78" in page
    assert NUMBER not in page
    assert "Hello" in page


def test_a_send_that_nobody_knows_is_not_found(viewer):
    page = viewer.get("/sends/nobody")

    assert page.status_code == 404
    assert "forgotten after 7 days" in page.text


def test_a_recipient_is_revealed_to_an_operator_and_audited(operator, send, redis_client):
    send("queued")

    answer = operator.post("/reveal", {"of": "send:queued~0", "back": "/sends/queued"})

    assert answer.headers["location"] == "/sends/queued"
    assert NUMBER in operator.get("/sends/queued").text
    assert actions(redis_client) == [("reveal", "ben@console")]
    assert operator.post("/reveal", {"of": "send:queued~7", "back": "/sends"}).status_code == 404


CASES = [
    ("queued", "cancel", {}, "cancelled"),
    ("unknown", "resolve", {"decision": "as-accepted"}, "accepted"),
    ("unknown", "resolve", {"decision": "send-again"}, "queued"),
    ("rejected", "replay", {}, "queued"),
]


@pytest.mark.parametrize(("state", "action", "form", "after"), CASES)
def test_a_decision_is_carried_out_and_audited_once(
    operator, redis_client, redis_url, send, state, action, form, after
):
    send(state)

    answer = operator.post(f"/sends/{state}/{action}", form)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/sends/{state}")
    assert Producer(redis_url).status(state).state == after
    assert actions(redis_client) == [(action, "ben@console")]
    deed = {"cancelled": "cancelled it", "accepted": "closed it as accepted", "queued": "sent it again"}[
        after
    ]
    assert f"ben@console {deed}" in operator.get(f"/sends/{state}").text.partition("What people did")[2]


@pytest.mark.parametrize(("state", "action", "form", "after"), CASES)
def test_a_decision_about_what_has_changed_meanwhile_is_refused_with_the_new_state(
    operator, redis_client, send, state, action, form, after
):
    send(state)
    assert operator.post(f"/sends/{state}/{action}", form).status_code == 303
    before = actions(redis_client)
    if (state, action) == ("queued", "cancel"):
        # To cancel what is cancelled changes nothing, and is no error.
        assert operator.post(f"/sends/{state}/{action}", form).status_code == 303
        return

    answer = operator.post(f"/sends/{state}/{action}", form)

    assert answer.status_code == 409
    assert after in answer.text
    assert actions(redis_client) == before


def test_a_cancel_is_audited_once_also_if_redis_went_away_before_its_entry(operator, redis_client, send):
    send("queued")
    redis_client.rename(KEYS.audit, "kept")
    redis_client.set(KEYS.audit, "takes no entry")
    assert operator.post("/sends/queued/cancel").status_code == 500
    redis_client.delete(KEYS.audit)
    redis_client.rename("kept", KEYS.audit)
    for _ in range(2):
        assert operator.post("/sends/queued/cancel").status_code == 303

    assert actions(redis_client) == [("cancel", "ben@console")]


def test_what_has_begun_is_not_cancelled(operator, redis_client, send):
    send("sending")

    answer = operator.post("/sends/sending/cancel")

    assert answer.status_code == 409
    assert "sending" in answer.text
    assert actions(redis_client) == []


@pytest.mark.parametrize(("state", "action", "form", "_"), CASES)
def test_a_viewer_decides_nothing(viewer, redis_client, redis_url, send, state, action, form, _):
    send(state)

    assert viewer.post(f"/sends/{state}/{action}", form).status_code == 403

    assert Producer(redis_url).status(state).state == state
    assert f"/sends/{state}/{action}" not in viewer.get(f"/sends/{state}").text


@pytest.mark.parametrize(("state", "action", "form", "_"), CASES)
def test_another_site_decides_nothing(operator, redis_url, send, state, action, form, _):
    send(state)

    answer = operator.post(f"/sends/{state}/{action}", form, sec_fetch_site="cross-site")

    assert answer.status_code == 403
    assert Producer(redis_url).status(state).state == state


@pytest.mark.parametrize("action", ["cancel", "replay", "resolve"])
def test_nothing_is_decided_about_a_send_that_nobody_knows(operator, action):
    answer = operator.post(f"/sends/nobody/{action}", {"decision": "as-accepted"})

    assert answer.status_code == 404


def test_a_message_whose_text_is_gone_is_not_sent_again(operator, redis_client, send):
    send("rejected")
    redis_client.delete(KEYS.body("rejected"))

    answer = operator.post("/sends/rejected/replay")

    assert answer.status_code == 409
    assert "text is not kept any more" in answer.text


def test_a_message_whose_text_is_damaged_is_not_sent_again(operator, redis_client, send):
    send("rejected")
    redis_client.set(KEYS.body("rejected"), "{")

    answer = operator.post("/sends/rejected/replay")

    assert answer.status_code == 409
    assert "Its text is damaged, so it cannot be sent again." in answer.text


def test_a_decision_says_what_it_is(operator, send):
    send("unknown")

    assert operator.post("/sends/unknown/resolve", {"decision": "maybe"}).status_code == 400


def test_an_action_leads_back_to_the_list_it_came_from_and_to_no_other_site(operator, send):
    send("rejected")

    answer = operator.post("/sends/rejected/replay", {"back": "https://evil.example/"})

    assert answer.headers["location"] == "/sends/rejected"


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_stays_text(viewer, redis_client, send, text):
    send("rejected")
    written = text.encode("utf-8", "backslashreplace")
    redis_client.hset(KEYS.record("rejected"), mapping={"code": written, "message": written})

    page = viewer.get("/sends/rejected")

    assert page.status_code == 200
    assert faults_of(page.text) == []


def test_a_send_says_when_the_account_is_looked_at_again_and_types_no_command(operator, send, redis_client):
    send("queued")
    Throttle(redis_client, KEYS).hold("104")

    for page in (operator.get("/sends/queued").text, operator.get("/").text):
        assert "the account is looked at again" in page.lower()
        assert "octopush-worker" not in page
    shown = re.search(r'<h2 id="why">.*?</section>', operator.get("/sends/queued").text, re.DOTALL)[0]
    # One clock on the page.
    assert re.findall(r"[+]0[12]:00|UTC", re.sub(r"<time[^>]*>", "", shown)) == []


def test_what_waits_for_credit_says_when_the_account_is_looked_at_again(viewer, redis_client):
    redis_client.hset(KEYS.gates, "credit", '{"code":"104","since":1}')
    redis_client.hset(KEYS.credit, "probe_at", 1_900_000_000_000)

    assert "the account is looked at again <time" in viewer.get("/").text


def test_of_many_receipts_the_timeline_has_the_first_and_says_how_many_more(
    viewer, sms, ledger, redis_client
):
    numbers = [f"+3361234{n:04}" for n in range(120)]
    sms.send(numbers, "Hello", sender="Bistro", purpose="alert", request_id="many")
    told = {number: f"4|2030-01-31T14:05:{n // 2:02}+00:00|DELIVERED" for n, number in enumerate(numbers)}
    redis_client.hset(KEYS.deliveries("many"), mapping=told)

    page = viewer.get("/sends/many").text
    found = drive(
        explain.explain(KEYS, KnownPseudonyms(RedisSettings()), Hours(RulesSettings()), "many"), redis_client
    )

    assert page.count("has received it.") == 50
    assert "And 70 more receipts" in page
    assert sum(moment.what == "receipt" for moment in found.timeline) == 100
    assert found.more_receipts == 20


@pytest.mark.parametrize("written", [NUMBER, NUMBER[1:], "06 12 34 56 78", "0612345678", "0033612345678"])
@pytest.mark.parametrize("state", ["queued", "accepted"])
def test_no_number_is_shown_in_what_an_application_has_noted_however_it_is_written(
    viewer, redis_client, send, state, written
):
    """Once the text is gone, nothing tells the number of a recipient any more."""
    send(state, context={"phone": written, "booking": 42})
    page = viewer.get(f"/sends/{state}").text

    assert written not in page
    assert "&#34;booking&#34;:42" in page
    assert mask(NUMBER) in page or state == "accepted"


@pytest.mark.parametrize("cursor", ["²", "٣", "-1", "x", "9" * 20])
def test_a_cursor_of_recipients_that_is_none_shows_the_first_ones(viewer, send, cursor):
    send("queued")

    assert viewer.get(f"/sends/queued?before={cursor}").status_code == 200
