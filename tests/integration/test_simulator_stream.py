"""The phone page's server-sent events: complete, in order, and no burden for the gateway."""

import time

import pytest

from tests.support.event_stream import EventStream
from worker.sandbox.simulator.threads import NEWEST

NUMBER = "+33612345678"


@pytest.fixture
def url(simulator):
    return str(simulator.admin.http.base_url.join("/events"))


def collected(events, enough):
    """Apply events as the page does, until enough is there; return the entries in order, and the last id."""
    kept = {}
    for event in events:
        if event.name == "snapshot":
            kept.clear()
        for entry in event.data["entries"]:
            kept.pop(entry["id"], None)
            kept[entry["id"]] = entry
        kept = {key: each for key, each in kept.items() if each["order"] >= oldest(event, each)}
        entries = sorted(kept.values(), key=lambda entry: entry["order"])
        if enough(entries):
            return entries, event.id
    raise AssertionError("the stream ended")


def oldest(event, entry):
    return event.data["oldest"]["talking" if entry["talks"] else "silent"]


def texts(entries):
    return [entry["text"] for entry in entries]


def test_everything_comes_at_first_and_then_what_changes_in_order(simulator, url):
    simulator.admin.reply(NUMBER, "before")
    with EventStream(url) as stream:
        events = stream.events()
        first = next(events)
        assert (first.name, texts(first.data["entries"])) == ("snapshot", ["before"])
        assert first.data["situation"]["weather"] == "normal"

        for place in range(20):
            simulator.admin.reply(NUMBER, str(place))

        entries, _ = collected(events, lambda found: len(found) == 20)
        assert texts(entries) == [str(place) for place in range(20)]


def test_who_begins_to_write_is_kept_apart_from_then_on(simulator, send_sms, url):
    send_sms()
    with EventStream(url) as stream:
        events = stream.events()
        assert [entry["talks"] for entry in next(events).data["entries"]] == [False]

        simulator.admin.reply(NUMBER, "Oui")

        entries, _ = collected(events, lambda found: len(found) == 2)
        assert [entry["talks"] for entry in entries] == [True, True]


def test_a_change_of_a_message_replaces_it(simulator, send_sms, callback_receiver, url):
    with EventStream(url) as stream:
        send_sms(request_id="a")
        entries, _ = collected(
            stream.events(), lambda found: found and found[0]["line"] == "Shown 1 of 1 · 1 POST · DELIVERED"
        )

    assert len(entries) == 1


def test_a_reader_that_comes_back_gets_only_what_it_missed(simulator, url):
    simulator.admin.reply(NUMBER, "seen")
    with EventStream(url) as stream:
        seen = next(stream.events()).id
    simulator.admin.reply(NUMBER, "missed")

    with EventStream(url, last_id=seen) as stream:
        event = next(stream.events())

    assert (event.name, texts(event.data["entries"])) == ("change", ["missed"])


@pytest.mark.parametrize(
    "last_id",
    ["nonsense", "-", "other-1", "{epoch}-999999", "{epoch}-", "{epoch}-x", "{epoch}-" + "9" * 5000],
)
def test_a_reader_with_an_id_that_means_nothing_gets_everything(simulator, url, last_id):
    simulator.admin.reply(NUMBER, "kept")
    with EventStream(url) as stream:
        epoch = next(stream.events()).id.partition("-")[0]

    with EventStream(url, last_id=last_id.replace("{epoch}", epoch)) as stream:
        event = next(stream.events())

    assert (event.name, texts(event.data["entries"])) == ("snapshot", ["kept"])


@pytest.mark.parametrize("path", ["/reset", "/messages"])
def test_whoever_looks_forgets_what_is_forgotten(simulator, url, path):
    simulator.admin.reply(NUMBER, "gone")
    with EventStream(url) as stream:
        events = stream.events()
        assert next(events).data["entries"]

        simulator.admin.call("POST" if path == "/reset" else "DELETE", path)

        event = next(events)
        assert (event.name, event.data["entries"]) == ("snapshot", [])


def test_the_weather_is_told_and_so_is_its_end(simulator, url):
    with EventStream(url) as stream:
        events = stream.events()
        next(events)
        simulator.admin.stop_listening(0.1)

        told = [next(events).data["situation"]["weather"] for _ in range(2)]

    assert told == ["away", "normal"]


def test_a_handset_that_types_is_told(simulator, url):
    with EventStream(url) as stream:
        events = stream.events()
        next(events)
        simulator.admin.call("POST", "/replies", {"number": NUMBER, "text": "Oui", "after_ms": 200})

        assert next(events).data["situation"]["typing"] == [NUMBER]
        entries, _ = collected(events, bool)
        assert texts(entries) == ["Oui"]


def test_a_reader_that_does_not_read_holds_up_nobody_and_misses_nothing(simulator, send_sms, url):
    text, calls = "x" * 1000, NEWEST // 10 + 10
    with EventStream(url, receive_bytes=2048) as stream:
        slowest = 0.0
        for place in range(calls):
            started = time.monotonic()
            numbers = [f"+3360000{number:04}" for number in range(10)]
            assert send_sms(*numbers, request_id=str(place), text=f"{place} {text}").status_code == 201
            slowest = max(slowest, time.monotonic() - started)

        last = f"{calls - 1} "
        entries, _ = collected(
            stream.events(), lambda found: len(found) == NEWEST and found[-1]["text"].startswith(last)
        )

    assert slowest < 2
    told = [int(entry["text"].split()[0]) for entry in entries]
    assert told == [call for call in range(10, calls) for _ in range(10)]
