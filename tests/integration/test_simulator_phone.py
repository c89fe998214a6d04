"""What the phone page knows of each message, and the calls behind its buttons."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import httpx
import msgspec
import pytest

from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.waiting import until
from worker.sandbox.simulator.events import Event
from worker.sandbox.simulator.threads import NEWEST

NUMBER = "+33612345678"
OTHER = "+33687654321"


@pytest.fixture
def admin(simulator):
    return simulator.admin


@pytest.fixture
def form(simulator):
    """Post a form as a browser without scripts does."""

    def post(path, fields, **headers):
        accept = {"Accept": "text/html,application/xhtml+xml", **headers}
        return simulator.admin.http.post(path, data=fields, headers=accept)

    return post


def thread(admin, number=NUMBER):
    return admin.call("GET", "/threads", number=number)


def facts(entry):
    return dict(entry["facts"])


def test_a_message_is_told_with_its_posts_and_showings(send_sms, admin, callback_receiver):
    ticket = send_sms(request_id="a", with_replies=True).json()["sms_ticket"]
    send_sms(request_id="a", with_replies=True)
    admin.wait_until_idle()

    (entry,) = thread(admin)

    assert (entry["kind"], entry["mood"], entry["text"]) == ("message", "good", "Your table is ready")
    assert entry["line"] == "Shown 1 of 1 · 2 POSTs · DELIVERED"
    assert facts(entry) == {
        "Sender": "12345 (answers go there)",
        "Segments": "1 in GSM-7: 19 of 160 characters",
        "Ticket": ticket,
        "request_id": "a",
        "POST 1": "accepted",
        "POST 2": "duplicate 120",
        "Left for the handset": "once",
    }
    assert [callback["what"] for callback in entry["callbacks"]] == ["Receipt ACK", "Receipt DELIVERED"]
    assert all(callback["tries"][0].startswith("200 in ") for callback in entry["callbacks"])


def test_the_character_that_forced_ucs_2_is_named(send_sms, admin):
    send_sms(text="Dziś o 20:30", request_id="a")

    assert facts(thread(admin)[0])["Segments"] == "1 in UCS-2 because of “ś” (U+015B): 12 of 70 characters"


def test_a_message_that_is_shown_twice_is_two_bubbles_and_both_say_so(send_sms, admin):
    send_sms(request_id="a")
    admin.advance(25 * 3600)
    send_sms(request_id="a")

    entries = thread(admin)

    assert [entry["line"] for entry in entries] == ["Shown 2 times · 2 POSTs"] * 2
    assert {entry["mood"] for entry in entries} == {"bad"}


def test_a_call_without_an_id_is_a_message_of_its_own_each_time(send_sms, admin):
    for _ in range(2):
        send_sms()

    assert [entry["line"] for entry in thread(admin)] == ["Shown 1 of 1 · 1 POST"] * 2


@pytest.mark.parametrize(
    ("fault", "line", "post"),
    [
        ({"preset": "refuse", "code": 121}, "Not shown: refused with 121 · 1 POST", "refused 121"),
        ({"preset": "503_before"}, "Not shown: the gateway did not take it · 1 POST", "not taken, then html"),
        (
            {"preset": "claim_then_503"},
            "Not shown: the gateway did not take it · 1 POST",
            "not taken, its request_id is used up, then html",
        ),
    ],
)
def test_what_never_left_is_there_and_says_why(send_sms, admin, fault, line, post):
    admin.call("POST", "/faults", {"fault": fault})

    send_sms(request_id="a")

    (entry,) = thread(admin)
    assert (entry["mood"], entry["line"], facts(entry)["POST 1"]) == ("bad", line, post)
    assert facts(entry)["Left for the handset"] == "never"


def test_a_message_that_waits_is_told_as_waiting_and_moves_to_the_end_when_it_leaves(send_sms, admin):
    for _ in range(2):
        send_sms(request_id="later", send_at="2999-01-01T08:00:00+00:00")
    send_sms(request_id="now")
    assert [entry["mood"] for entry in thread(admin)] == ["wait", "good"]
    assert thread(admin)[0]["line"] == "Accepted, has not left · 2 POSTs"

    admin.set_clock("2999-01-01T08:00:01+00:00")

    entries = thread(admin)
    assert [facts(entry)["request_id"] for entry in entries] == ["now", "later"]
    assert {entry["mood"] for entry in entries} == {"good"}


def test_every_number_of_a_shared_call_has_its_thread(send_sms, admin):
    send_sms(NUMBER, OTHER, request_id="a")

    assert [facts(entry)["request_id"] for entry in thread(admin, None)] == ["a", "a"]
    assert len(thread(admin, OTHER)) == 1


def test_a_reply_tells_how_its_callback_was_answered(send_sms, admin, callback_receiver):
    send_sms(with_replies=True)
    callback_receiver.status = 500
    admin.reply(NUMBER, "Oui")
    admin.wait_until_idle()

    entry = thread(admin)[-1]

    assert (entry["kind"], entry["mood"], entry["text"]) == ("reply", "bad", "Oui")
    assert entry["line"].startswith("Callback answered 500 in ")
    assert entry["line"].endswith("(status)")


def test_without_a_callback_url_a_reply_says_that_nobody_hears_it(admin):
    admin.reply(NUMBER, "Oui")

    assert thread(admin)[0]["line"] == "Your app has no callback URL here"


def test_a_reply_may_come_later_and_the_handset_types_until_then(admin, callback_receiver):
    admin.call("POST", "/replies", {"number": NUMBER, "text": "Oui", "after_ms": 50})
    assert not thread(admin)

    (posted,) = callback_receiver.wait(1)

    assert posted.json["text"] == "Oui"
    assert [entry["text"] for entry in thread(admin)] == ["Oui"]


def test_a_reply_may_be_told_twice_and_was_written_once(admin, callback_receiver):
    admin.call("POST", "/replies", {"number": NUMBER, "text": "Oui", "copies": 2})

    first, second = callback_receiver.wait(2)
    admin.wait_until_idle()

    assert first.json == second.json
    (entry,) = thread(admin)
    assert entry["line"].count("200 in ") == 2


def test_a_callback_is_posted_again_as_it_was(admin, callback_receiver):
    event = admin.call("POST", "/replies", {"number": NUMBER, "text": "Oui"})

    admin.call("POST", "/callbacks/repost", {"event": event["serial"]})

    first, second = callback_receiver.wait(2)
    assert first.body == second.body
    assert len(thread(admin)) == 1


def test_an_unknown_callback_cannot_be_posted_again(admin):
    assert admin.http.post("/callbacks/repost", json={"event": 10**9}).status_code == 404


@pytest.mark.parametrize(
    ("two_way", "receipts", "pen"),
    [(True, "usual", "answer"), (False, "usual", "nothing"), (True, "not_delivered", "first")],
)
def test_what_a_handset_shows_decides_whether_it_can_answer(send_sms, admin, two_way, receipts, pen):
    admin.call("POST", "/handsets", {"number": NUMBER, "receipts": receipts})
    send_sms(with_replies=two_way)

    (entry,) = thread(admin)

    assert (entry["pen"], bool(entry["why"])) == (pen, pen == "nothing")


def test_a_two_way_message_can_be_answered_however_many_others_came_after(send_sms, admin):
    ticket = send_sms(with_replies=True).json()["sms_ticket"]
    send_sms()

    assert {entry["pen"] for entry in thread(admin)} == {"answer"}
    told = admin.reply(NUMBER, "Oui")
    assert (told.message_id, told.possible) == (ticket, True)


def test_after_forgetting_a_handset_may_only_write_first(send_sms, admin):
    send_sms(with_replies=True)
    send_sms(OTHER)
    admin.call("DELETE", "/messages", number=NUMBER)

    told = admin.reply(NUMBER, "Oui")

    assert (told.message_id, told.possible) == (None, True)
    assert {entry["pen"] for entry in thread(admin)} == {"first"}
    assert {entry["pen"] for entry in thread(admin, OTHER)} == {"nothing"}


def test_an_answer_to_a_name_is_posted_and_said_to_be_impossible(send_sms, admin, callback_receiver):
    ticket = send_sms().json()["sms_ticket"]
    events = [admin.reply(NUMBER, "Oui", ticket=ticket), admin.reply(NUMBER, "Oui")]
    events.append(msgspec.convert(admin.call("POST", "/starts", {"number": NUMBER}), Event))
    admin.wait_until_idle()

    assert [(event.message_id, event.possible) for event in events] == [
        (ticket, False),
        (None, False),
        (None, False),
    ]
    assert all(entry["line"].startswith("No real phone could · Callback") for entry in thread(admin)[1:])
    posted = [record.events[0].get("message_id") for record in admin.callbacks("reply")]
    assert sorted(posted, key=str) == [None, None, ticket]


def test_start_takes_back_a_stop(send_sms, admin, callback_receiver):
    send_sms()
    admin.stop(NUMBER)
    send_sms(request_id="a")

    admin.call("POST", "/starts", {"number": NUMBER})
    send_sms(request_id="b")

    assert admin.blacklist() == []
    assert [(entry["kind"], entry["mood"]) for entry in thread(admin) if entry["kind"] == "message"] == [
        ("message", "good"),
        ("message", "bad"),
        ("message", "good"),
    ]
    until(lambda: [record for record in admin.callbacks("reply") if record.events[0]["text"] == "START"])


def test_a_handset_is_blocked_and_unblocked_without_a_callback(send_sms, admin):
    admin.call("POST", "/handsets", {"number": NUMBER, "blocked": True})
    send_sms(request_id="a")
    assert thread(admin)[0]["line"] == "Not shown: BLACKLISTED_NUMBER · 1 POST"

    chosen = admin.call("POST", "/handsets", {"number": NUMBER, "blocked": False})

    assert chosen == [{"number": NUMBER, "receipts": "usual", "blocked": False}]
    assert admin.callbacks("optout") == []


def test_receipts_are_chosen_for_one_handset(send_sms, admin, callback_receiver):
    def statuses(number, choice):
        admin.call("POST", "/handsets", {"number": number, "receipts": choice})
        ticket = send_sms(number).json()["sms_ticket"]
        admin.wait_until_idle()
        told = [record.events[0] for record in admin.callbacks("receipt")]
        return [event["status"] for event in told if event["message_id"] == ticket]

    assert statuses(NUMBER, "not_delivered") == ["ACK", "NOT_DELIVERED"]
    assert statuses(NUMBER, "never") == []
    assert statuses(OTHER, "usual") == ["ACK", "DELIVERED"]
    assert statuses(NUMBER, "usual") == ["ACK", "DELIVERED"]


def test_receipts_may_come_before_the_answer(send_sms, admin, callback_receiver):
    admin.call("POST", "/handsets", {"number": NUMBER, "receipts": "before_answer"})

    send_sms()

    assert len(callback_receiver.received) == 2


@pytest.mark.parametrize("weather", ["lost_answer", "refused", "no_credit", "slow", "callbacks_twice"])
def test_each_weather_lasts_until_the_next(admin, weather):
    assert admin.call("POST", "/weather", {"weather": weather})["weather"] == weather
    assert admin.call("GET", "/weather")["weather"] == weather

    assert admin.call("POST", "/weather", {"weather": "normal"})["weather"] == "normal"
    assert (admin.balance(), admin.settings().callback_copies) == (1000, 1)


def test_a_lost_answer_is_lost_once_and_the_repeat_hears_duplicate(send_sms, gateway_http, admin):
    admin.call("POST", "/weather", {"weather": "lost_answer"})

    gateway_http.timeout = 0.3
    with pytest.raises(httpx.TimeoutException):
        send_sms(request_id="a")
    gateway_http.timeout = 15
    again = send_sms(request_id="a")

    assert again.json()["code"] == 120
    assert thread(admin)[0]["line"] == "Shown 1 of 1 · 2 POSTs"


def test_the_gateway_is_away_and_the_weather_before_comes_back(admin):
    admin.call("POST", "/weather", {"weather": "slow"})

    assert admin.call("POST", "/weather", {"weather": "away"})["weather"] == "away"
    assert admin.http.get("/readyz").status_code == 503
    admin.listen()

    assert admin.call("GET", "/weather")["weather"] == "slow"


def test_a_default_fault_of_ones_own_is_other_weather(admin):
    admin.default_fault("503_before")

    assert admin.call("GET", "/weather")["weather"] == "other"


def test_a_message_is_waited_for(send_sms, admin):
    with ThreadPoolExecutor(1) as waiting:
        found = waiting.submit(lambda: httpx_get(admin, "/messages", number=NUMBER, text="ready", wait="15"))
        send_sms(OTHER)
        send_sms(text="Nothing yet")
        send_sms()

        assert [message["text"] for message in found.result(15)] == ["Your table is ready"]


def httpx_get(admin, path, **query):
    """Ask on a connection of its own: the shared client is not for two threads."""
    return httpx.get(admin.http.base_url.join(path), params=query, trust_env=False, timeout=30).json()


def test_waiting_for_a_message_ends_in_time(admin):
    started = time.monotonic()

    assert admin.call("GET", "/messages", number=NUMBER, wait="0.2") == []
    assert 0.2 <= time.monotonic() - started < 10


@pytest.mark.parametrize("path", ["/messages?wait=soon", "/readyz?wait=soon"])
def test_a_wait_that_is_no_number_is_refused(admin, path):
    assert admin.http.get(path).status_code == 400


def test_messages_of_one_handset_are_forgotten(send_sms, admin):
    send_sms()
    send_sms(OTHER)

    assert admin.call("DELETE", "/messages", number=NUMBER) == {"forgotten": 1}
    assert [message.number for message in admin.messages()] == [OTHER]
    assert [entry["number"] for entry in thread(admin, None)] == [OTHER]
    assert admin.call("DELETE", "/messages") == {"forgotten": 1}
    assert admin.messages() == thread(admin, None) == []


def test_ready_means_that_gateway_and_callback_url_take_connections(admin, callback_receiver):
    assert admin.call("GET", "/readyz", wait="15") == {"ready": True, "gateway": True, "callbacks": True}

    admin.settings(callback_url="http://127.0.0.1:9/")

    assert admin.http.get("/readyz").json() == {"ready": False, "gateway": True, "callbacks": False}


def test_ready_waits_for_the_gateway(admin):
    admin.stop_listening(0.2)

    assert admin.http.get("/readyz?wait=15").status_code == 200


def test_the_newest_message_of_a_handset_is_one_click_away(send_sms, admin):
    assert admin.http.get("/view/latest").status_code == 404
    send_sms(request_id="a")
    send_sms(OTHER)
    newest = thread(admin)[-1]["id"]

    answer = admin.http.get("/view/latest", params={"number": NUMBER})

    assert (answer.status_code, answer.headers["location"]) == (303, f"/?number=%2B33612345678#e{newest}")


def test_only_the_newest_are_kept(send_sms, admin):
    for start in range(0, NEWEST + 100, 100):
        numbers = [f"+3360000{place:04}" for place in range(start, start + 100)]
        send_sms(*numbers, request_id=f"call-{start}")

    kept = thread(admin, None)

    assert len(kept) == NEWEST
    assert kept[0]["number"] == "+33600000100"
    assert len(admin.messages()) == NEWEST + 100


def test_a_campaign_displaces_no_thread_of_a_handset_that_has_written(send_sms, admin):
    send_sms(request_id="a", with_replies=True)
    admin.reply(NUMBER, "Oui")
    for start in range(0, NEWEST + 500, 500):
        send_sms(*(f"+3360000{place:04}" for place in range(start, start + 500)), request_id=f"call-{start}")
    send_sms(request_id="b", with_replies=True)

    assert [entry["text"] for entry in thread(admin)] == ["Your table is ready", "Oui", "Your table is ready"]


def test_a_message_that_was_forgotten_by_age_may_be_posted_again(send_sms, admin):
    send_sms(request_id="old")
    for start in range(0, NEWEST, 500):
        send_sms(*(f"+3360000{place:04}" for place in range(start, start + 500)), request_id=f"call-{start}")
    assert thread(admin) == []

    send_sms(request_id="old")

    assert thread(admin)[0]["line"] == "Not shown: refused with 120 · 1 POST"


def test_a_browser_without_scripts_sees_threads_and_answers(send_sms, admin, form, callback_receiver):
    send_sms(with_replies=True)

    answer = form("/replies?number=%2B33612345678", {"number": NUMBER, "text": "Oui & non", "copies": "2"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/?number=%2B33612345678")
    admin.wait_until_idle()
    assert [record.events[0]["text"] for record in admin.callbacks("reply")] == ["Oui & non"] * 2
    page = admin.http.get(answer.headers["location"]).text
    assert '<bdi dir="auto">Your table is ready</bdi>' in page
    assert '<bdi dir="auto">Oui &amp; non</bdi>' in page


def test_the_weather_changes_without_scripts(admin, form):
    assert form("/weather?number=", {"weather": "slow"}).headers["location"] == "/"
    assert admin.call("GET", "/weather")["weather"] == "slow"


def test_a_form_that_does_not_fit_is_refused(form):
    assert form("/replies", {"number": NUMBER}).status_code == 400
    assert form("/weather", {"weather": "snow"}).status_code == 400


def test_curl_may_call_json_a_form(admin):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}

    answer = admin.http.post(
        "/replies", content=b'{"number": "+33612345678", "text": "YES"}', headers=headers
    )

    assert (answer.status_code, answer.json()["text"]) == (201, "YES")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "SELF"}, 403),
        ({"Origin": "SELF"}, 201),
    ],
)
def test_only_the_page_itself_and_programs_may_write(admin, headers, status):
    own = str(admin.http.base_url).rstrip("/")
    sent = {name: value.replace("SELF", own) for name, value in headers.items()}

    answer = admin.http.post("/replies", json={"number": NUMBER, "text": "Oui"}, headers=sent)

    assert answer.status_code == status
    assert len(thread(admin)) == (status == 201)


@pytest.mark.parametrize("path", ["/", "/phone.js", "/messages", "/nowhere"])
def test_every_answer_forbids_what_the_page_does_not_need(admin, path):
    headers = admin.http.get(path).headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_hostile_texts_are_inert_on_the_page(admin, name):
    hostile = HOSTILE_TEXTS[name].encode("utf-8", "replace").decode()
    admin.reply(NUMBER, hostile)

    page = admin.http.get("/").text

    assert "<script>fetch" not in page
    assert "<img src=x" not in page
    assert not any(character in page for character in "\u202e\u2066\x1b\x9b\x00\x08\x7f\u2028")


def test_a_snippet_that_sends_is_shown_with_the_real_redis(simulator):
    simulator.admin.settings(redis_url="unix:///tmp/here/redis.sock")
    assert "Producer(&#34;unix:///tmp/here/redis.sock&#34;)" in simulator.admin.http.get("/").text

    simulator.admin.settings(redis_url="")
    assert f"curl {simulator.url}/v1/public/sms-campaign/send" in simulator.admin.http.get("/").text


def test_the_snippet_sends_as_it_is_with_a_context_to_come_back(simulator, redis_client, redis_url):
    simulator.admin.settings(redis_url=redis_url)
    page = simulator.admin.http.get("/").text
    [pasted] = re.findall(r'<pre id="snippet"[^>]*>(.*?)</pre>', page, re.DOTALL)

    exec(unescape(pasted), shell := {})

    shell["sms"].close()
    [record] = redis_client.scan_iter("{sms}:record:*")
    assert json.loads(redis_client.hget(record, "context")) == {"booking": 42}


def test_the_page_is_small(admin):
    assert len(admin.http.get("/phone.js").content) <= 12_000
    assert len(admin.http.get("/phone.css").content) <= 9_000


def test_a_newcomer_is_led_from_the_first_message_to_a_lost_answer(send_sms, admin, callback_receiver):
    assert "It arrived" not in admin.http.get("/").text
    send_sms(with_replies=True)
    assert "It arrived. Now answer it" in admin.http.get("/").text

    admin.reply(NUMBER, "YES")
    admin.wait_until_idle()

    assert "Your app has the answer. Now choose “Lost answer”" in admin.http.get("/").text
