"""What the phone page keeps and tells, without a server."""

import asyncio

import httpx
import msgspec
import pytest

from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.sandbox.simulator.admin_api import create_admin_app
from worker.sandbox.simulator.events import Event
from worker.sandbox.simulator.handsets import Handsets
from worker.sandbox.simulator.harmless import harmless
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.phone.situation import situation
from worker.sandbox.simulator.phone.stream import events
from worker.sandbox.simulator.phone.wording import in_words, spaced
from worker.sandbox.simulator.segments import count_units, forces_unicode
from worker.sandbox.simulator.simulator import Simulator
from worker.sandbox.simulator.threads import NEWEST, Threads

NUMBER = "+33612345678"


def written(text="Oui", number=NUMBER):
    return Event(kind="reply", number=number, text=text, message_id=None, at=0.0)


def filled(count):
    threads = Threads()
    for place in range(count):
        threads.emitted(written(str(place)), has_url=True)
    return threads


def test_no_more_than_the_newest_are_kept_and_nothing_else_remembers_the_others():
    threads = filled(NEWEST + 10)

    assert [entry.text for entry in threads.entries()] == [str(place) for place in range(10, NEWEST + 10)]
    assert threads.oldest == {"silent": 0, "talking": threads.entries()[0].order}
    assert len(threads._by_event) == NEWEST


def test_entries_are_found_by_what_changed_since():
    threads = filled(3)
    version = threads.version

    threads.touch([threads.entries()[1]])

    assert [entry.text for entry in threads.entries(after=version)] == ["1"]


def test_an_event_that_is_told_again_is_no_new_entry():
    threads, event = Threads(), written()
    for _ in range(2):
        threads.emitted(event, has_url=True)

    assert len(threads.entries()) == 1
    assert threads.event(event.serial) == event


def test_a_receipt_of_an_unknown_message_is_no_entry():
    threads = Threads()
    receipt = Event(kind="receipt", number=NUMBER, message_id="sms_1", at=0.0, status="ACK")
    threads.emitted(receipt, has_url=True)

    assert threads.entries() == []
    assert threads.event(receipt.serial) is None


def test_forgetting_begins_a_new_epoch():
    threads = filled(2)
    epoch = threads.epoch

    threads.forget("+33687654321")
    assert len(threads.entries()) == 2
    threads.forget(NUMBER)

    assert threads.entries() == []
    assert threads.epoch != epoch


def test_whoever_waits_is_woken_by_a_change_and_by_time():
    async def story():
        threads = Threads()
        await threads.change(0.001)
        waiting = [asyncio.create_task(threads.change(60)) for _ in range(2)]
        await asyncio.sleep(0)
        threads.wake()
        await asyncio.gather(*waiting)

    asyncio.run(asyncio.wait_for(story(), 15))


def test_a_reader_that_does_not_read_costs_one_event_in_the_end():
    async def story():
        simulator = Simulator()
        listener = Listener(simulator, host="127.0.0.1", port=0)
        stream = events(simulator, listener, "")
        await anext(stream)
        for place in range(3 * NEWEST):
            simulator.network.reply(NUMBER, str(place))
        told = (await anext(stream)).split(b"data: ")[1]
        await stream.aclose()
        return msgspec.json.decode(told)["entries"]

    told = asyncio.run(story())
    assert [entry["text"] for entry in told] == [str(place) for place in range(2 * NEWEST, 3 * NEWEST)]


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_hostile_texts_are_made_visible(name):
    shown = harmless(HOSTILE_TEXTS[name])

    shown.encode()  # lone surrogates could not be encoded
    assert not any(character in shown for character in "\u202e\u2066\u200f\x1b\x9b\x00\x08\x7f\r\u2028\ufeff")


@pytest.mark.parametrize("text", ["Oui, à 20h !\nMerci", "نعم", "👩\u200d👩\u200d👧", "«Łódź»"])
def test_honest_texts_stay_as_they_are(text):
    assert harmless(text) == text


def test_every_text_of_an_entry_is_harmless():
    threads = Threads()
    threads.emitted(written("a\u202eb", number="+336\u202e12"), has_url=False)

    told = in_words(threads.entries()[0], Handsets())

    assert (told.text, told.name) == ("a⟨U+202E⟩b", "+336⟨U+202E⟩12")


@pytest.mark.parametrize(
    ("number", "shown"),
    [(NUMBER, "+33 6 12 34 56 78"), ("+491701234567", "+491701234567"), ("+3361234567x", "+3361234567x")],
)
def test_french_numbers_are_written_in_pairs(number, shown):
    assert spaced(number) == shown


@pytest.mark.parametrize(
    ("text", "forcing", "units"), [("Oui €", "", 6), ("Łódź", "Ł", 4), ("Oui 👍", "👍", 6), ("", "", 0)]
)
def test_the_character_that_forces_ucs_2_and_the_length_it_makes(text, forcing, units):
    assert (forces_unicode(text), count_units(text)) == (forcing, units)


@pytest.mark.parametrize(
    ("offset_s", "told"),
    [(0, ""), (3600, "+1 h"), (90_000, "+1 d 1 h"), (-90, "-1 min"), (0.2, "")],
)
def test_how_far_the_clock_is_ahead(offset_s, told):
    simulator = Simulator()
    simulator.clock._offset_s = offset_s

    assert situation(simulator, Listener(simulator, host="127.0.0.1", port=0)).clock == told


@pytest.mark.parametrize(
    ("path", "client", "status"),
    [
        ("/", "192.0.2.1", 403),
        ("/events", "192.0.2.1", 403),
        ("/phone.js", "192.0.2.1", 403),
        ("/view/latest", "192.0.2.1", 403),
        ("/", "::ffff:192.0.2.1", 403),
        ("/", "somewhere", 403),
        ("/", "127.0.0.1", 200),
        ("/", "::1", 200),
        ("/health", "192.0.2.1", 200),
    ],
)
def test_the_page_is_for_browsers_on_its_own_machine(path, client, status):
    async def ask():
        simulator = Simulator()
        app = create_admin_app(simulator, Listener(simulator, host="127.0.0.1", port=0))
        transport = httpx.ASGITransport(app, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            return (await browser.get(path)).status_code

    assert asyncio.run(ask()) == status
