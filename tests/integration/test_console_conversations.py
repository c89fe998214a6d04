"""Conversations in the console: both directions, and an answer that leaves once, whatever is pressed."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from producers import Producer
from producers.contract.keys import Keys
from producers.contract.phone import mask
from producers.contract.settings import RedisSettings
from tests.support.console_client import OPERATOR, ConsoleClient, console_settings
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.html import Html
from tests.support.reply_events import publish_replies
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.console.sessions import LOOKED_UP_MAX, LOOKED_UP_S

KEYS = Keys("sms")
NUMBER, BELGIAN = "+33612345678", "+32470123456"


@pytest.fixture
def console(console_url):
    with ConsoleClient(console_settings(console_url, sender="Bistro")) as client:
        yield client


@pytest.fixture
def talk(redis_client, sms) -> str:
    """Let a guest write; return the path of the conversation."""
    return written(redis_client, sms, "Yes, a table outside?")


def written(client, sms: Producer, text: str, number: str = NUMBER) -> str:
    publish_replies(client, text, number=number)
    return f"/conversations/{sms.conversation(number).key}"


def seen(page) -> str:
    return re.search(r'name="seen" value="([^"]*)"', page.text)[1]


def answers(sms: Producer, number: str = NUMBER) -> list[str]:
    return [turn.text for turn in sms.conversation(number).turns if turn.direction == "out"]


def press(console: ConsoleClient, path: str, text: str, page=None, do: str = "send"):
    form = {"text": text, "do": do, "seen": seen(page or console.get(path))}
    return console.post(f"{path}/answer", form)


# Reading.


def test_both_directions_are_shown_in_order(viewer, redis_client, sms):
    path = written(redis_client, sms, "Oui")
    sms.send(NUMBER, "Until tonight!", sender="Bistro", purpose="alert", with_replies=True)
    page = viewer.get(path)

    assert re.findall(r'<bdi dir="auto" class="foreign">(.*?)</bdi>', page.text) == ["Oui", "Until tonight!"]
    assert re.findall(r'<li class="turn (\w+)">', page.text) == ["in", "out"]
    assert NUMBER not in page.text
    assert mask(NUMBER) in page.text


def test_the_name_of_an_answer_tells_nobody_to_which_turn(operator, talk, sms):
    """Who could make the name could try out numbers: it is made of the turn, and a turn's id of a number."""
    form = {"text": "Hello", "do": "send", "seen": "in:" + "e" * 32}
    assert operator.post(f"{talk}/answer", form).status_code == 303

    anybody = f"answer {talk.rpartition('/')[2]} {form['seen']}"
    guesses = [hashlib.new(name, anybody.encode()).hexdigest()[:24] for name in ("sha1", "sha256", "blake2b")]
    assert sms.conversation(NUMBER).turns[-1].request_id.removeprefix("answer-") not in guesses


def test_who_asked_for_no_more_messages_is_known_where_people_answer(operator, redis_client, sms, talk):
    assert "no more messages" not in operator.get(talk).text
    stop = {"number": NUMBER, "text": "STOP", "message_id": "", "date": "2030-01-31 14:05:09"}
    opt_out = parse(stop, "optouts", datetime.now(UTC), "c1")
    Publisher(redis_client, RedisSettings()).publish([opt_out])
    page = operator.get(talk)

    assert "asked for no more messages</span> (" in page.text
    assert "This person has asked for no more messages" in page.text
    assert press(operator, talk, "Sorry to hear that", page).status_code == 303
    [answered] = [turn for turn in sms.conversation(NUMBER).turns if turn.direction == "out"]
    assert answered.reply_to == sms.conversation(NUMBER).turns[0].event_id


BLOCKED = "Octopush delivers nothing to this number until the person writes START."


def stop(client, text: str = "STOP", at: str = "14:05:09") -> None:
    told = {"number": NUMBER, "text": text, "message_id": "", "stop_date": f"2026-01-31 {at}"}
    Publisher(client, RedisSettings()).publish([parse(told, "optouts", datetime.now(UTC), "c1")])


@pytest.mark.parametrize("start", ["START", " Start\n"])
def test_a_start_after_an_opt_out_is_named_and_whoever_wrote_it_is_reached(
    operator, redis_client, sms, talk, start
):
    stop(redis_client)
    shut = operator.get(talk).text
    written(redis_client, sms, start)
    opened = operator.get(talk).text

    assert BLOCKED in shut
    assert "Sent from a short number" not in shut
    assert ", and wrote START at <time" not in shut
    assert ", and wrote START at <time" in opened
    assert "Answer only what they have asked since." in opened
    assert "Sent from a short number" in opened
    assert BLOCKED not in opened


def test_what_only_begins_like_start_opens_nothing_and_a_stop_after_it_counts(
    operator, redis_client, sms, talk
):
    stop(redis_client)
    written(redis_client, sms, "Start without me")
    assert BLOCKED in operator.get(talk).text

    written(redis_client, sms, "START")
    # Within ten minutes of the first one it would be the same, told twice.
    stop(redis_client, "STOP again", at="14:35:09")
    page = operator.get(talk).text
    assert BLOCKED in page
    assert "wrote START" not in page


def test_a_receipt_of_a_blocked_number_is_shown_by_its_word_and_told_beside_the_box(
    operator, redis_client, sms, talk
):
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", with_replies=True, request_id="hello")
    redis_client.hset(KEYS.deliveries("hello"), NUMBER, "2|2030-01-31T14:05:09+00:00|BLACKLISTED_NUMBER")
    page = Html(operator.get(talk).text).text

    assert "undelivered (BLACKLISTED_NUMBER)" in page
    assert f"A receipt says that this number is blocked. {BLOCKED}" in " ".join(page.split())


@pytest.mark.parametrize(
    "request_id", ["0ac4a843-6e3c-4f53-9c4c-2f2b1b8e7a01", "answer-0ac4a8436e3c4f539c4c2f2b"]
)
def test_a_long_id_is_short_for_the_eye_and_whole_in_its_link(viewer, redis_client, request_id, sms):
    publish_replies(redis_client, "Oui", request_id=request_id, match="ticket")
    shown = f'href="/sends/{request_id}" title="{request_id}">{request_id.partition("4a843")[0]}4a843…</a>'

    for path in ("/replies", f"/conversations/{sms.conversation(NUMBER).key}"):
        assert shown in viewer.get(path).text


def test_a_conversation_says_what_is_listed_in_it(viewer, talk):
    assert "Messages that can be answered or answer a reply are listed" in viewer.get(talk).text


def test_a_viewer_sees_no_answer_box(viewer, talk):
    assert "Your answer" not in viewer.get(talk).text


@pytest.mark.parametrize("key", ["a" * 22, "é" * 22, "x", "a" * 23, "%2e%2e%2f"])
def test_a_conversation_that_nobody_knows_is_empty_or_none(operator, key):
    answer = operator.get(f"/conversations/{key}")

    assert answer.status_code == (200 if key == "a" * 22 else 404)
    assert answer.status_code == 404 or "Nothing is kept of this conversation." in answer.text


def test_an_operator_reveals_whom_it_is_with(operator, talk):
    operator.post("/reveal", {"of": f"talk:{talk.rpartition('/')[2]}", "back": talk})

    assert NUMBER in operator.get(talk).text


def test_a_conversation_is_found_by_its_number_without_an_address_that_carries_it(viewer, talk):
    answer = viewer.post("/conversations", {"number": "+33 6 12 34 56 78"})

    assert (answer.status_code, answer.headers["location"]) == (303, talk)


def test_a_look_up_is_audited_and_a_viewer_cannot_try_out_numbers(viewer, operator, redis_client, talk):
    for _ in range(LOOKED_UP_MAX):
        assert viewer.post("/conversations", {"number": NUMBER}).status_code == 303
    refused = viewer.post("/conversations", {"number": NUMBER})
    [entry] = [each for _, each in redis_client.xrevrange(KEYS.audit, count=1)]

    assert refused.status_code == 429
    assert (entry[b"action"], entry[b"number"]) == (b"lookup", mask(NUMBER).encode())
    assert operator.post("/conversations", {"number": NUMBER}).headers["location"] == talk
    assert 0 < redis_client.ttl(KEYS.console_looked("anna")) <= LOOKED_UP_S


@pytest.mark.parametrize(("number", "words"), [("06 12", "The number"), (BELGIAN, "Nothing is kept")])
def test_what_is_no_number_or_has_no_conversation_is_said_at_its_field(viewer, talk, number, words):
    answer = viewer.post("/conversations?country=FR&q=table", {"number": number})

    assert answer.status_code == 422
    assert words in answer.text
    assert 'href="#f-number"' in answer.text
    # What was typed stays, and so does the filter; the page does not ask for itself where there is none.
    assert f'value="{number}"' in answer.text
    assert 'name="q" type="text" value="table"' in answer.text
    assert 'action="/conversations?country=FR&amp;q=table"' in answer.text
    assert "data-live-control" not in answer.text


def test_hostile_texts_stay_texts(operator, redis_client, sms):
    path = ""
    for text in list(HOSTILE_TEXTS.values())[:40]:
        path = written(redis_client, sms, text.encode("utf-8", "replace").decode())
    page = Html(operator.get(path).text)

    assert not {"img", "style", "svg"} & page.names()
    assert [a.get("src") for name, a in page.elements if name == "script"] == ["/static/console.js"]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


# Answering.


def test_an_answer_is_queued_for_the_guest_and_answers_the_reply(operator, redis_client, sms, talk):
    answer = press(operator, talk, "Table 7,\r\nunder the lime tree.")
    turn = sms.conversation(NUMBER).turns[-1]
    body = msgspec.json.decode(redis_client.get(KEYS.body(turn.request_id)))

    assert (answer.status_code, answer.headers["location"]) == (303, talk)
    assert turn.text == "Table 7,\nunder the lime tree."
    assert turn.reply_to == sms.conversation(NUMBER).turns[0].event_id
    assert body["with_replies"] is True
    assert body["purpose"] == "alert"
    assert "The answer is queued: 1 segment." in operator.get(talk).text


def test_an_answer_is_audited_without_text_and_number(operator, redis_client, talk):
    press(operator, talk, "Table 7")
    entries = [fields for _, fields in redis_client.xrange(KEYS.audit) if fields[b"action"] == b"answer"]

    assert [entry[b"by"] for entry in entries] == [b"ben@console"]
    assert b"Table" not in b"".join(entries[0].values())
    assert NUMBER[1:].encode() not in b"".join(entries[0].values())


def test_who_is_not_in_mainland_france_gets_a_message_with_the_sender(operator, redis_client, sms):
    path = written(redis_client, sms, "Ja", BELGIAN)
    press(operator, path, "Tot straks")
    body = msgspec.json.decode(redis_client.get(KEYS.body(sms.conversation(BELGIAN).turns[-1].request_id)))

    assert body["sender"] == "Bistro"
    assert not body.get("with_replies")


def test_a_double_click_and_a_reload_send_once(operator, redis_client, sms, talk):
    page = operator.get(talk)
    for _ in range(3):
        assert press(operator, talk, "Table 7", page).status_code == 303

    assert answers(sms) == ["Table 7"]
    assert redis_client.llen(KEYS.queue("alert").ready) == 1


QUEUED_ALREADY = "This answer was queued already; it leaves once."


def test_an_answer_that_is_sent_twice_with_a_reply_in_between_was_queued_already(
    operator, redis_client, sms, talk
):
    page = operator.get(talk)
    press(operator, talk, "Table 7", page)
    written(redis_client, sms, "Are you there?")
    again = press(operator, talk, "Table 7", page)

    assert again.status_code == 303
    assert QUEUED_ALREADY in operator.get(talk).text
    assert answers(sms) == ["Table 7"]


def test_an_answer_is_about_what_its_writer_saw_whatever_came_meanwhile(operator, redis_client, sms, talk):
    first = sms.conversation(NUMBER).turns[0].event_id
    page = operator.get(talk)
    for text in ("Are you there?", "Hello?"):
        written(redis_client, sms, text)
        assert press(operator, talk, "Table 7", page).status_code == 303

    [turn] = [turn for turn in sms.conversation(NUMBER).turns if turn.direction == "out"]
    assert turn.reply_to == first
    assert QUEUED_ALREADY in operator.get(talk).text


def test_a_reply_that_moves_before_an_older_message_makes_no_second_answer(operator, redis_client, sms, talk):
    """A message stands where its attempt began; until then where it was queued."""
    sms.send(NUMBER, "We look", sender="Bistro", purpose="alert", with_replies=True, request_id="look")
    page = operator.get(talk)
    press(operator, talk, "Table 7", page)
    written(redis_client, sms, "Are you there?")
    [milliseconds] = redis_client.zmscore(KEYS.talk(talk.rpartition("/")[2]), ["out:look"])
    redis_client.hset(KEYS.record("look"), "first", int(milliseconds) + 60_000)

    assert press(operator, talk, "Table 7", page).status_code == 303
    assert QUEUED_ALREADY in operator.get(talk).text
    assert sorted(answers(sms)) == ["Table 7", "We look"]


@pytest.mark.parametrize("first", ["older", "newer"])
def test_the_same_answer_from_two_tabs_between_which_a_reply_came_is_one(
    operator, redis_client, sms, talk, first
):
    older = operator.get(talk)
    written(redis_client, sms, "Are you there?")
    tabs = [older, operator.get(talk)]
    for tab in tabs if first == "older" else tabs[::-1]:
        assert press(operator, talk, "Table 7", tab).status_code == 303

    assert QUEUED_ALREADY in operator.get(talk).text
    assert answers(sms) == ["Table 7"]


@pytest.mark.parametrize("first", ["older", "newer"])
def test_another_answer_from_the_other_tab_learns_that_somebody_was_faster(
    operator, redis_client, sms, talk, first
):
    older = operator.get(talk)
    written(redis_client, sms, "Are you there?")
    tabs = [older, operator.get(talk)]
    statuses = [
        press(operator, talk, f"Table {n}", tab).status_code
        for n, tab in enumerate(tabs if first == "older" else tabs[::-1])
    ]

    assert statuses == [303, 409]
    assert answers(sms) == ["Table 0"]


def test_two_answers_one_after_the_other_are_two(operator, sms, talk):
    press(operator, talk, "Table 7")
    press(operator, talk, "Or table 8")

    assert sorted(answers(sms)) == ["Or table 8", "Table 7"]


def test_of_two_people_who_answer_the_same_the_second_learns_that_somebody_was_faster(
    operator, console_url, sms, talk
):
    page = operator.get(talk)
    with ConsoleClient(console_settings(console_url, sender="Bistro")) as other:
        other.log_in(OPERATOR)
        press(other, talk, "Table 7")
    late = press(operator, talk, "Sorry, we are full", page)

    assert late.status_code == 409
    assert "Somebody answered meanwhile. Your text was not sent" in late.text
    assert "Sorry, we are full</textarea>" in late.text
    assert "Table 7" in late.text
    assert answers(sms) == ["Table 7"]
    assert press(operator, talk, "Sorry, we are full", late).status_code == 303
    assert len(answers(sms)) == 2


def test_an_older_form_does_not_speak_over_a_newer_message(operator, sms, talk):
    page = operator.get(talk)
    sms.send(NUMBER, "We call you", sender="Bistro", purpose="alert", with_replies=True)

    assert press(operator, talk, "Table 7", page).status_code == 409
    assert answers(sms) == ["We call you"]


@pytest.mark.parametrize(
    "text", ["soft\u00adhyphen", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\U0001fae9"]
)
def test_the_box_keeps_what_was_typed_also_what_nobody_sees(operator, talk, text):
    """What is named elsewhere must not be named here: it would leave as an SMS."""
    page = press(operator, talk, text, do="count")

    assert f"\n{text}</textarea>" in page.text


def test_segments_are_counted_before_anything_is_sent(operator, sms, talk):
    plain = press(operator, talk, "a" * 161, do="count")
    costly = press(operator, talk, "Ça va 🙂 <b>", do="count")

    assert "2 segments, 161 characters. Nothing was sent yet." in plain.text
    assert "1 segment, 11 characters: “🙂” makes it costly" in costly.text
    assert "Ça va 🙂 &lt;b&gt;</textarea>" in costly.text
    assert answers(sms) == []


def test_segments_are_those_of_the_text_that_octopush_makes_of_the_answer(operator, talk):
    """Octopush rewrites before it sends: what it writes in another way makes nothing costly."""
    rewritten = press(operator, talk, "La fête à l’hôtel", do="count")
    spaced = press(operator, talk, "a" * 100 + " " * 20 + "b" * 50, do="count")

    told = Html(rewritten.text).text
    assert "1 segment, 17 characters. Octopush writes “ê” as “e”, “’” as “'” and “ô” as “o”. Nothing" in told
    assert "costly" not in rewritten.text
    assert "1 segment, 151 characters. Octopush leaves out superfluous spaces." in spaced.text


def test_the_keyboard_goes_on_where_something_was_told(operator, talk):
    """Without a script, too: the attribute moves the focus."""
    counted = press(operator, talk, "Table 7", do="count").text
    refused = press(operator, talk, "", do="send").text
    press(operator, talk, "Table 7")
    sent = operator.get(talk).text

    assert 'role="status" tabindex="-1" autofocus>1 segment, 7 characters.' in counted
    assert 'role="alert" tabindex="-1" autofocus>' in refused
    form = sent.partition('class="panel answer"')[2]
    assert 'role="status" tabindex="-1" autofocus>The answer is queued: 1 segment.</p>' in form
    for page in (counted, refused, sent):
        assert page.count("autofocus") == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 1225])
def test_what_cannot_be_sent_stays_in_the_box_with_the_reason(operator, sms, talk, text):
    answer = press(operator, talk, text)

    assert answer.status_code == 422
    assert 'href="#f-text"' in answer.text
    assert f"{text}</textarea>" in answer.text
    assert answers(sms) == []


def test_without_a_sender_the_console_says_which_setting_is_missing(console_url, redis_client, sms):
    path = written(redis_client, sms, "Ja", BELGIAN)
    with ConsoleClient(console_settings(console_url)) as console:
        console.log_in(OPERATOR)
        answer = press(console, path, "Tot straks")

    assert answer.status_code == 422
    assert "CONSOLE_SENDER" in answer.text


def test_a_conversation_whose_number_is_gone_cannot_be_answered(operator):
    assert operator.post(f"/conversations/{'a' * 22}/answer", {"text": "Hi", "do": "send"}).status_code == 404


def test_a_message_that_is_scheduled_keeps_nobody_from_answering_twice(operator, redis_client, sms, talk):
    """It stands last until it leaves, and is nothing that anybody has seen or answers."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    options = {"sender": "Bistro", "purpose": "alert", "with_replies": True, "send_at": tomorrow}
    sms.send(NUMBER, "See you today!", request_id="reminder", **options)

    assert press(operator, talk, "Table 7").status_code == 303
    written(redis_client, sms, "And parking?")
    assert press(operator, talk, "Behind the house").status_code == 303

    assert answers(sms) == ["Table 7", "Behind the house", "See you today!"]
    replies = [turn.event_id for turn in sms.conversation(NUMBER).turns if turn.direction == "in"]
    answered = [turn.reply_to for turn in sms.conversation(NUMBER).turns if turn.direction == "out"]
    assert answered == [*replies, None]


def test_who_answers_beside_a_scheduled_message_still_learns_that_somebody_was_faster(operator, sms, talk):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    options = {"sender": "Bistro", "purpose": "alert", "with_replies": True, "send_at": tomorrow}
    sms.send(NUMBER, "See you today!", request_id="reminder", **options)
    page = operator.get(talk)
    assert press(operator, talk, "Table 7", page).status_code == 303

    assert press(operator, talk, "Sorry, we are full", page).status_code == 409
    assert press(operator, talk, "Table 7", page).status_code == 303
    assert answers(sms) == ["Table 7", "See you today!"]


@pytest.mark.parametrize("meanwhile", [None, "Are you there?"])
def test_an_answer_that_was_queued_before_redis_went_away_is_audited_with_its_repeat(
    operator, redis_client, sms, talk, meanwhile
):
    page = operator.get(talk)
    redis_client.rename(KEYS.audit, "kept")
    redis_client.set(KEYS.audit, "takes no entry")
    assert press(operator, talk, "Table 7", page).status_code == 500
    redis_client.rename("kept", KEYS.audit)
    if meanwhile:
        written(redis_client, sms, meanwhile)
    for _ in range(2):
        assert press(operator, talk, "Table 7", page).status_code == 303

    [turn] = [turn for turn in sms.conversation(NUMBER).turns if turn.direction == "out"]
    audited = [each for _, each in redis_client.xrange(KEYS.audit) if each[b"action"] == b"answer"]
    assert [each[b"request_id"].decode() for each in audited] == [turn.request_id]


def test_the_words_that_nobody_can_be_answered_lead_back_to_a_page(operator):
    path = f"/conversations/{'a' * 22}"
    refused = operator.post(f"{path}/answer", {"text": "Hi", "do": "send"})

    assert f'href="{path}"' in refused.text
    assert operator.get(path).status_code == 200
