"""A person is erased: a search of the whole database, and of the spool, finds the number nowhere."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from producers import Message, Producer, Recipient
from producers.contract.keys import upload_place
from producers.contract.phone import mask
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.intake.raw_callback import RawCallback
from producers.intake.spool_file import SpooledCallback, pack, unpack
from producers.settings import ProducerSettings
from tests.support.callbacks_by_hand import KEYS, CallbacksByHand, reply
from tests.support.forwarding import HandForwarder
from tests.support.hand_worker import HandWorker, numbers_of
from tests.support.pseudonyms import pseudonyms
from tests.support.whole_database import contents
from worker.gateway.outcomes import Accepted, Deferred, Refused, Unknown
from worker.operator.suppressions import Suppressions
from worker.person.erasing import Erased, Erasure
from worker.person.exporting import export
from worker.person.named import Person
from worker.person.searching import Found

NUMBER, OTHER, THIRD = "+33612345678", "+33612345679", "+33698765432"
DIGITS = "612345678"
ALERT = {"sender": "Bistro", "purpose": "alert"}
TWO_WAY = {**ALERT, "with_replies": True}
SETTINGS = RedisSettings()


class House:
    """An application, a worker moved by hand, and whoever erases."""

    def __init__(self, client, url: str) -> None:
        self.redis = client
        self.sms = Producer(url)
        self.hand = HandWorker(client)
        self.callbacks = CallbacksByHand(client, self.hand.ledger)

    def person(self, number: str = NUMBER) -> Person:
        return Person(number, pseudonyms(self.redis).all_of(number))

    def erase(self, number: str = NUMBER, spool=None) -> Erased:
        return Erasure(self.redis, SETTINGS, self.person(number), "ben", spool).run()

    def send(self, request_id: str, to=NUMBER, text: str = "Hi", **options) -> None:
        self.sms.send(to, text, request_id=request_id, **{**ALERT, **options})

    def accept(self, request_id: str, to=NUMBER, ticket: str = "", **options) -> None:
        self.send(request_id, to, **options)
        [claim] = self.hand.take()
        self.hand.finish(claim, Accepted(ticket or f"sms_{request_id}"))

    def state(self, request_id: str) -> tuple[str, str | None]:
        found = self.sms.status(request_id)
        assert found
        return found.state, found.code

    def holds(self, what: str = DIGITS) -> list[str]:
        return [line for line in contents(self.redis).splitlines() if what in line]

    def is_clean(self) -> bool:
        again = self.erase()
        return not self.holds() and not again.done and again.is_over


@pytest.fixture
def house(redis_client, redis_url) -> Iterator[House]:
    made = House(redis_client, redis_url)
    yield made
    made.sms.close()


# Messages.


def test_a_message_that_waits_is_cancelled_and_its_text_goes(house):
    house.send("a", text="Leandrine, your table", context={"name": "Leandrine"})
    house.send("later", send_at=datetime.now(UTC) + timedelta(days=2), context="Leandrine")

    assert house.erase().done["cancelled"] == 2
    assert house.state("a") == house.state("later") == ("cancelled", "erased")
    assert not house.holds("Leandrine")
    assert not house.redis.zcard(KEYS.queue("alert").delayed)
    assert house.hand.take() == []
    assert house.is_clean()


@pytest.mark.parametrize("outcome", [Accepted("sms_a"), Refused("121")])
def test_of_a_message_that_has_ended_only_its_name_and_state_stay(house, outcome):
    house.send("a", text="Leandrine, your table", context={"name": "Leandrine"}, with_replies=True)
    [claim] = house.hand.take()
    state = house.hand.finish(claim, outcome)
    house.callbacks.bring(receipt(ticket="sms_a"), reply(NUMBER, "Oui, Leandrine", ticket="sms_a"))
    house.erase()

    assert house.state("a")[0] == state
    assert not house.holds("Leandrine")
    assert not house.redis.zcard(KEYS.parked)
    assert house.is_clean()


def test_a_repeat_of_an_erased_message_is_known_again(house):
    message = Message(NUMBER, "Hi", request_id="a", **ALERT)
    house.sms.send_many([message])
    house.erase()

    [again] = house.sms.send_many([message])
    assert (again.created, again.state) == (False, "cancelled")


def test_a_request_id_that_holds_the_number_goes_with_it(house):
    house.accept(f"done-0{DIGITS}")
    house.send(f"otp-33{DIGITS}")
    house.send(f"{DIGITS}.2", send_at=datetime.now(UTC) + timedelta(days=2))
    house.erase()

    assert house.is_clean()


def test_what_remembers_such_an_id_for_other_reasons_forgets_it(house, redis_url):
    """The window of equal texts, and what operators have decided."""
    own, of_other = f"otp-0{DIGITS}", f"otp-0{OTHER[3:]}"
    careful = Producer(redis_url, settings=ProducerSettings(duplicate_window_s=60))
    careful.send(NUMBER, "Hi", request_id=own, **ALERT)
    careful.send(OTHER, "Hi", request_id=of_other, **ALERT)
    careful.close()
    for request_id in (own, of_other):
        house.redis.xadd(KEYS.audit, {"v": "1", "action": "replay", "by": "ben", "request_id": request_id})
    done = house.erase().done

    assert (done["twins"], done["entries"]) == (1, 2)
    assert house.holds(OTHER[3:])
    assert house.is_clean()


def test_what_an_operator_wrote_of_the_number_is_named_and_stays(house):
    about = {"number": mask(NUMBER), "why": f"{NUMBER} has called us"}
    entry = house.redis.xadd(KEYS.audit, {"v": "1", "action": "suppress", "by": "ben", **about}).decode()

    assert house.erase().mentions == [f"audit {entry}"]


@pytest.mark.parametrize("end", [Accepted("sms_a"), Accepted(None), Refused("121")])
@pytest.mark.parametrize("numbers", [[OTHER], [NUMBER, OTHER], [NUMBER, OTHER, THIRD]])
def test_what_others_wait_for_leaves_whatever_its_id_says(house, numbers, end):
    request_id = f"otp-0{DIGITS}"
    house.send(request_id, numbers, with_replies=True)
    left = [number for number in numbers if number != NUMBER]
    assert house.erase().mentions == [f"message {request_id}"]

    [claim] = house.hand.take()
    assert numbers_of(claim) == left
    house.hand.finish(claim, end)
    assert house.erase().done["erased"] == 1
    assert house.is_clean()


@pytest.mark.parametrize("request_id", ["a", f"otp-0{DIGITS}"])
def test_a_body_whose_record_is_gone_goes_and_brings_no_record_back(house, request_id):
    house.send(request_id)
    house.redis.delete(KEYS.record(request_id))

    assert house.erase().done == {"gone": 1}
    assert not house.redis.exists(KEYS.record(request_id))
    assert not house.holds(f"body:{request_id}")


def test_what_gathers_under_an_id_that_holds_the_number_goes_with_it(house):
    gathered(house, NUMBER, OTHER, first=f"{DIGITS}.2")
    house.erase()

    assert house.is_clean()
    [claim] = house.hand.take()
    assert numbers_of(claim) == [OTHER]


def test_a_message_to_many_leaves_without_the_person(house):
    house.send("many", [NUMBER, OTHER, THIRD], text="Hi all")
    assert house.erase().done == {"left_out": 1}

    [claim] = house.hand.take()
    assert numbers_of(claim) == [OTHER, THIRD]
    assert house.redis.hget(KEYS.record("many"), "recipients") == b"2"
    assert house.sms.status("many").segments == 2
    house.hand.finish(claim, Accepted("sms_many", segments=2))
    assert house.is_clean()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_whoever_is_cut_out_the_body_of_the_others_stays_as_it_was(house, place):
    trap = Recipient(OTHER, first_name='"},{"phone_number":"+33612345678","x":"}],"text":"')
    others = [trap, Recipient(THIRD, first_name="Zoé")]
    everybody = [*others[:place], Recipient(NUMBER, first_name="Leandrine"), *others[place:]]
    house.send("many", everybody, text="Hi {first_name}")
    before = json.loads(house.redis.get(KEYS.body("many")))
    house.erase()

    after = json.loads(house.redis.get(KEYS.body("many")))
    del before["recipients"][place]
    assert after == before


def test_a_campaign_without_the_person_counts_everybody_once(house):
    house.sms.send_campaign("Hi", [NUMBER, OTHER], campaign_id="c", **ALERT)
    house.erase()
    [claim] = house.hand.take()
    house.hand.finish(claim, Accepted("sms_c"))

    status = house.sms.campaign_status("c")
    assert (status.recipients, status.accepted, status.cancelled, status.done) == (2, 1, 1, True)
    again = house.sms.send_campaign("Hi", [NUMBER, OTHER], campaign_id="c", **ALERT)
    assert (again.created, again.existing) == (0, 1)


def test_a_campaign_of_nobody_else_is_cancelled(house):
    house.sms.send_campaign("Hi", [NUMBER], campaign_id="c", **ALERT)
    house.erase()

    assert house.sms.campaign_status("c").cancelled == 1
    assert house.is_clean()


def test_a_campaign_that_is_forgotten_does_not_come_back_with_an_erasure(house):
    house.sms.send_campaign("Hi", [NUMBER, OTHER], campaign_id="c", **ALERT)
    [claim] = house.hand.take()
    house.hand.finish(claim, Accepted("sms_c"))
    house.redis.delete(KEYS.campaign("c"))

    assert house.erase().done
    assert not house.redis.exists(KEYS.campaign("c"))


def test_the_application_still_learns_that_its_message_was_cancelled(house):
    house.send("a", context="Leandrine")
    house.erase()

    [told] = house.callbacks.entries("statuses")
    assert (told["request_id"], told["state"], told["code"], told["context"]) == (
        "a",
        "cancelled",
        "erased",
        "",
    )


# What may have been taken.


@pytest.mark.parametrize("outcome", [Accepted("sms_a"), Accepted(None), Refused("121")])
def test_an_attempt_that_runs_keeps_its_bytes_and_is_erased_at_its_end(house, outcome):
    house.send("a", text="Leandrine, your table", context="Leandrine", with_replies=True)
    [claim] = house.hand.take()
    assert house.erase().open == ["a"]
    assert house.redis.get(KEYS.body("a")) == claim.body

    house.hand.finish(claim, outcome)
    assert not house.holds()
    assert not house.holds("Leandrine")
    assert house.is_clean()


def test_a_message_in_doubt_goes_out_again_with_its_bytes_and_is_erased_then(house):
    house.send("a")
    [claim] = house.hand.take()
    house.hand.finish(claim, Unknown("socket_timeout_error"), in_doubt=True)
    assert house.erase().open == ["a"]

    [again] = house.hand.take()
    assert again.body == claim.body
    house.hand.finish(again, Accepted("sms_a"))
    assert house.is_clean()


def test_marketing_in_doubt_is_not_tried_again(house, redis_client):
    """Whoever is erased has refused: nobody posts it once more, as after a STOP."""
    market = HandWorker(redis_client, queue="marketing")
    house.send("a", text="Leandrine, STOP au 30101", purpose="wholesale")
    [claim] = market.take()
    market.finish(claim, Unknown("socket_timeout_error"), in_doubt=True)
    assert house.erase().open == ["a"]

    assert market.take() == []
    assert house.state("a") == ("unknown", "suppressed_in_doubt")
    assert not house.holds("Leandrine")
    assert house.is_clean()


def test_what_is_left_of_an_alert_has_segments_of_its_own(house):
    """Two texts of one and of two segments: whichever goes, the other one is whole."""
    long = Recipient(OTHER, param1="x" * 50, param2="x" * 50, param3="x" * 50)
    short = Recipient(NUMBER, param1="x", param2="x", param3="x")
    for request_id, gone, segments in (("a", NUMBER, 2), ("b", OTHER, 1)):
        house.send(request_id, [short, long], text="Table {param1} {param2} {param3} at eight o'clock")
        assert house.sms.status(request_id).segments == 3
        house.erase(gone)
        assert house.sms.status(request_id).segments == segments


def test_an_attempt_that_was_surely_not_taken_is_the_last_one(house):
    house.send("a", context="Leandrine")
    [claim] = house.hand.take()
    house.erase()

    assert house.hand.finish(claim, Deferred("429")) == "cancelled"
    assert house.state("a") == ("cancelled", "erased")
    assert house.hand.left() == []
    assert house.is_clean()


@pytest.mark.parametrize("state", ["accepted", "rejected", "queued"])
def test_a_slice_that_runs_loses_the_person_at_its_end(house, state):
    house.send("many", [NUMBER, OTHER], with_replies=True)
    [claim] = house.hand.take()
    assert house.erase().open == ["many"]
    outcome = {"accepted": Accepted("sms_m"), "rejected": Refused("121"), "queued": Deferred("429")}[state]
    assert house.hand.finish(claim, outcome) == state

    assert not house.holds()
    body = house.redis.get(KEYS.body("many"))
    assert [each["phone_number"] for each in json.loads(body)["recipients"]] == [OTHER]
    assert house.is_clean()


def test_two_persons_of_one_slice_that_runs_are_both_erased(house):
    house.send("many", [NUMBER, OTHER, THIRD])
    [claim] = house.hand.take()
    house.erase()
    house.erase(OTHER)
    house.erase(OTHER)
    house.hand.finish(claim, Refused("121"))

    body = json.loads(house.redis.get(KEYS.body("many")))
    assert [each["phone_number"] for each in body["recipients"]] == [THIRD]


@pytest.mark.parametrize("order", [(NUMBER, OTHER), (OTHER, NUMBER)])
def test_who_is_only_named_in_the_id_of_a_message_that_runs_is_erased_with_its_recipient(house, order):
    house.send(f"for-0{OTHER[3:]}", NUMBER)
    [claim] = house.hand.take()
    for number in order:
        assert house.erase(number).open

    assert house.hand.finish(claim, Refused("121")) == "rejected"
    assert house.is_clean()
    house.erase(OTHER)
    assert not house.holds(OTHER[3:])


# Shared calls.


def gathered(house: House, *numbers: str, first: str = "m0", **options) -> None:
    house.sms.send_many(
        [
            Message(
                Recipient(number, first_name="Leandrine"),
                "Hi {first_name}",
                request_id=f"m{n}" if n else first,
                **{**ALERT, **options},
            )
            for n, number in enumerate(numbers)
        ]
    )


def test_a_member_that_only_gathers_leaves_no_trace(house):
    gathered(house, NUMBER, OTHER, THIRD)
    assert house.erase().done["cancelled"] == 1

    [claim] = house.hand.take()
    assert numbers_of(claim) == [OTHER, THIRD]
    house.hand.finish(claim, Accepted("sms_call"))
    assert house.is_clean()


@pytest.mark.parametrize("steps", [1, 3])
def test_a_call_that_is_composed_is_composed_anew(house, steps):
    gathered(house, NUMBER, OTHER, THIRD)
    batch = house.hand.fetch()
    house.hand.compose_some(batch.entries[0], members=1, steps=steps)
    house.erase()
    assert not house.holds()

    [claim] = [*house.hand.claim(batch), *house.hand.take()]
    assert sorted(numbers_of(claim)) == [OTHER, THIRD]
    house.hand.finish(claim, Accepted("sms_call"))
    assert house.is_clean()


def test_a_member_that_a_call_has_not_taken_in_again_is_cancelled(house):
    gathered(house, NUMBER, OTHER, THIRD)
    [claim] = house.hand.take()
    assert house.hand.finish(claim, Deferred("429")) == "queued"
    batch = house.hand.fetch()
    house.hand.compose_some(batch.entries[0], members=1)
    last = numbers_of(claim)[-1]
    house.erase(last)

    [again] = [*house.hand.claim(batch), *house.hand.take()]
    assert sorted(numbers_of(again)) == sorted({NUMBER, OTHER, THIRD} - {last})
    assert not house.holds(last[1:])


def test_a_call_whose_claim_is_given_back_goes_on_without_the_person(house):
    gathered(house, NUMBER, OTHER)
    [claim] = house.hand.take()
    assert "m0" in house.erase().open
    house.hand.ledger._give_back_call(claim, unsure=False)

    assert house.state("m0") == ("cancelled", "erased")
    house.hand.lose_entry(claim.entry)
    [again] = house.hand.take()
    assert numbers_of(again) == [OTHER]


def test_a_member_whose_call_has_ended_before_it_is_erased_at_its_own_end(house):
    gathered(house, NUMBER, OTHER)
    [claim] = house.hand.take()
    house.hand.record(claim, Accepted("sms_call"))
    assert "m0" in house.erase().open

    house.hand.end_members(claim.entry)
    assert house.state("m0")[0] == house.state("m1")[0] == "accepted"
    assert house.is_clean()


def test_a_call_of_nobody_else_is_forgotten(house):
    gathered(house, NUMBER)
    batch = house.hand.fetch()
    house.erase()

    assert house.hand.claim(batch) == house.hand.take() == []
    assert house.is_clean()


@pytest.mark.parametrize("first", ["m0", f"otp-0{DIGITS}"])
def test_the_others_of_a_call_that_was_taken_keep_its_ticket(house, first):
    """Their receipts and replies name it."""
    gathered(house, NUMBER, OTHER, first=first, with_replies=True)
    [claim] = house.hand.take()
    house.hand.finish(claim, Accepted("sms_call"))
    house.erase()
    house.callbacks.bring(receipt(OTHER, "sms_call"), reply(OTHER, "Oui", ticket="sms_call"))
    house.callbacks.bring(receipt(NUMBER, "sms_call"))

    [told], [answer] = house.callbacks.entries("receipts"), house.callbacks.entries("replies")
    assert (told["request_id"], answer["request_id"]) == ("m1", "m1")
    assert house.sms.status("m1").deliveries[OTHER].status == "DELIVERED"
    assert house.is_clean()


@pytest.mark.parametrize("outcome", [Accepted("sms_call"), Accepted("sms_call", contacts=1), Refused("500")])
def test_a_member_of_a_call_that_runs_is_erased_when_it_ends(house, outcome):
    gathered(house, NUMBER, OTHER, context="Leandrine")
    [claim] = house.hand.take()
    assert "m0" in house.erase().open
    house.hand.finish(claim, outcome)

    assert not house.holds()
    assert house.state("m0")[0] == house.state("m1")[0]
    assert house.sms.status("m0").context is None
    assert house.is_clean()


@pytest.mark.parametrize("numbers", [(NUMBER, OTHER, THIRD), (NUMBER, OTHER), (NUMBER, THIRD, OTHER)])
@pytest.mark.parametrize("outcome", [Refused("181"), Deferred("429")])
def test_a_call_that_comes_back_goes_on_without_the_person(house, numbers, outcome):
    gathered(house, *numbers)
    [claim] = house.hand.take()
    house.erase()
    house.hand.finish(claim, outcome)
    assert house.state("m0") == ("cancelled", "erased")

    left = [number for each in house.hand.take() for number in numbers_of(each)]
    assert sorted(left) == sorted(set(numbers) - {NUMBER})
    assert not house.holds()


def test_a_call_of_nobody_else_that_comes_back_is_over(house):
    gathered(house, NUMBER, OTHER)
    [claim] = house.hand.take()
    house.erase()
    house.erase(OTHER)
    house.hand.finish(claim, Deferred("429"))

    assert house.state("m0") == house.state("m1") == ("cancelled", "erased")
    assert house.hand.take() == []
    assert house.is_clean()


# What came back.


def receipt(number: str = NUMBER, ticket: str = "sms_a", status: str = "DELIVERED") -> dict[str, str]:
    return {"message_id": ticket, "number": number, "status": status, "delivery_date": "2026-11-20 10:00:00"}


def test_entries_of_every_stream_go_and_those_of_others_stay(house):
    house.accept("a", with_replies=True, context={"name": "Leandrine"})
    house.accept("b", OTHER, with_replies=True)
    for number, ticket in ((NUMBER, "sms_a"), (OTHER, "sms_b")):
        house.callbacks.bring(reply(number, "Oui", ticket=ticket), receipt(number, ticket))
        house.callbacks.bring({"number": number, "stop_date": "2026-11-20 10:00:00", "text": "STOP"})
        house.callbacks.bring({"strange": number})
    house.erase()

    assert {stream: len(house.callbacks.entries(stream)) for stream in STREAMS} == dict.fromkeys(STREAMS, 1)
    assert house.redis.hget(KEYS.reply_countries, "FR") == b"1"
    assert house.is_clean()


STREAMS = ("replies", "receipts", "optouts", "statuses", "quarantine")


@pytest.mark.parametrize(
    "written",
    [NUMBER, "33612345678", "0033612345678", "0612345678", "+33 6 12 34 56 78", "+33(0)6.12.34.56.78"],
)
def test_the_number_is_found_however_the_gateway_wrote_it(house, written):
    house.redis.xadd(
        KEYS.stream("quarantine"), {"v": "1", "event_id": "q", "raw": json.dumps({"x": {"y": written}})}
    )
    house.redis.xadd(KEYS.stream("quarantine"), {"v": "1", "event_id": "q", "raw": f"from={written}&%%"})
    house.redis.hset(
        KEYS.callback("c"), mapping={"raw": f"number={written.replace('+', '%2B')}&text=Oui", "received": 1}
    )

    assert house.erase().done == {"entries": 2, "callbacks": 1}
    assert house.is_clean()


@pytest.mark.parametrize("written", ["+336123456789", "133612345678", "+3361234567", "+32612345678"])
def test_another_number_is_not_this_one(house, written):
    house.redis.xadd(
        KEYS.stream("quarantine"), {"v": "1", "event_id": "q", "raw": json.dumps({"x": written})}
    )

    assert not house.erase().done


def test_of_a_callback_with_events_of_many_the_others_are_left(house):
    house.redis.hset(
        KEYS.callback("c"), mapping={"raw": json.dumps([reply(NUMBER), reply(OTHER)]), "received": 1}
    )
    house.redis.hset(KEYS.callback("own"), mapping={"raw": json.dumps([reply(NUMBER)]), "received": 1})
    house.erase()

    assert json.loads(house.redis.hget(KEYS.callback("c"), "raw")) == [reply(OTHER)]
    assert not house.redis.exists(KEYS.callback("own"))
    assert house.is_clean()


@pytest.mark.parametrize("text", [NUMBER, "06 12 34 56 78", "33612345678"])
def test_what_somebody_else_writes_goes_to_its_reader_though_it_be_a_number(house, text):
    house.redis.hset(
        KEYS.callback("c"), mapping={"raw": json.dumps(reply(OTHER, text)), "kind": "", "received": 1}
    )

    assert not house.erase().done
    assert house.redis.exists(KEYS.callback("c"))


def test_a_number_that_stands_in_a_text_of_metadata_is_found(house):
    raw = json.dumps({"metadata": json.dumps(reply(NUMBER))})
    house.redis.hset(KEYS.callback("c"), mapping={"raw": raw, "received": 1})

    assert house.erase().done == {"callbacks": 1}
    assert house.is_clean()


def test_a_callback_that_was_processed_meanwhile_does_not_come_back(house):
    raw = json.dumps([reply(NUMBER), reply(OTHER)])
    erasure = Erasure(house.redis, SETTINGS, house.person(), "ben", None)

    assert erasure._erase_callback(Found("callback", "c", fields={"raw": raw})) == 0
    assert not house.redis.exists(KEYS.callback("c"))


def test_a_receipt_that_comes_after_it_brings_no_number_back(house):
    house.accept("a")
    house.accept("many", [NUMBER, OTHER], ticket="sms_m")
    house.erase()
    house.callbacks.bring(receipt(), receipt(ticket="sms_m"), receipt(OTHER, "sms_m"))
    # One of no send of ours, about somebody else.
    house.callbacks.bring(receipt(OTHER, "sms_foreign"))

    assert [entry["number"] for entry in house.callbacks.entries("receipts")] == [OTHER, OTHER]
    assert house.is_clean()


@pytest.mark.parametrize("numbers", [[NUMBER], [NUMBER, OTHER]])
def test_a_receipt_of_what_is_still_in_doubt_brings_no_number_back(house, numbers):
    """An earlier one has named the ticket, so this one finds its message."""
    house.send("a", numbers)
    [claim] = house.hand.take()
    house.hand.finish(claim, Unknown("socket_timeout_error"), in_doubt=True)
    house.callbacks.bring(receipt(numbers[-1], status="ACK"))
    assert house.erase().open == ["a"]

    house.callbacks.bring(receipt(), receipt(status="BLACKLISTED_NUMBER"))
    for again in house.hand.take():
        house.hand.finish(again, Accepted("sms_a"))
    assert house.state("a")[0] == "accepted"
    assert house.is_clean()


def test_a_receipt_that_overtakes_the_end_of_a_member_brings_no_number_back(house):
    gathered(house, NUMBER, OTHER)
    [claim] = house.hand.take()
    house.hand.record(claim, Accepted("sms_call"))
    house.erase()
    house.callbacks.bring(receipt(ticket="sms_call"), receipt(OTHER, "sms_call"))
    house.hand.end_members(claim.entry)

    assert [entry["number"] for entry in house.callbacks.entries("receipts")] == [OTHER]
    assert house.is_clean()


def test_what_a_person_writes_after_it_is_not_dropped(house):
    house.erase()
    house.accept("new", with_replies=True)
    house.callbacks.bring(reply(NUMBER, "I am back"), receipt(ticket="sms_new"))

    assert [entry["text"] for entry in house.callbacks.entries("replies")] == ["I am back"]
    assert [entry["request_id"] for entry in house.callbacks.entries("receipts")] == ["new"]


@pytest.mark.parametrize("text", ["STOP", ""])
def test_a_stop_of_who_was_erased_and_taken_back_is_obeyed_whatever_it_says(house, text):
    """The gateway may report a STOP without its words."""
    house.erase()
    drive(Suppressions(SETTINGS, "ben").lift(NUMBER, "has asked for offers again"), house.redis)
    house.callbacks.bring({"number": NUMBER, "stop_date": "2026-11-20 10:00:00", "text": text})

    name = pseudonyms(house.redis).of(NUMBER)
    assert house.redis.hget(KEYS.suppressed, f"account|{name}").split(b"|")[1] == b"callback"


def test_what_readers_gave_up_and_forwarders_keep_goes_too(house):
    forwarder = HandForwarder(house.redis)
    house.callbacks.bring(reply(NUMBER), reply(OTHER))
    forwarder.take_in()
    entry = {"v": "1", "number": NUMBER, "text": "Oui", "entry_id": "1-1", "deliveries": "5"}
    house.redis.xadd(KEYS.poison("replies", "bookings"), entry)
    house.redis.xadd(KEYS.forward_dead("bookings"), {**entry, "forward_id": "x"})
    assert house.erase().done == {"entries": 3, "events": 1, "keys": 1}

    assert [dict(each.fields)[b"number"].decode() for each in forwarder.take()] == [OTHER]
    assert house.is_clean()


@pytest.mark.parametrize("place", ["poison", "dead", "waiting"])
def test_what_an_application_said_of_the_person_goes_with_every_copy_of_a_status(house, place):
    """A status names no number, but has the context of its message."""
    forwarder = HandForwarder(house.redis, streams=("statuses",))
    house.accept("a", context={"name": "Leandrine"})
    house.accept("b", OTHER, context={"name": "Bob"})
    for _, entry in house.redis.xrange(KEYS.stream("statuses")):
        if place == "poison":
            house.redis.xadd(KEYS.poison("statuses", "bookings"), entry)
        if place == "dead":
            house.redis.xadd(KEYS.forward_dead("bookings"), {**entry, "forward_id": "x"})
    if place == "waiting":
        forwarder.take_in()
    house.erase()

    assert not house.holds("Leandrine")
    assert len(house.holds("Bob")) == 3
    assert house.is_clean()


def test_an_erasure_that_dies_before_the_streams_leaves_to_the_next_one_whose_statuses_they_are(
    house, monkeypatch
):
    house.accept("a", context={"name": "Leandrine"})
    with monkeypatch.context() as patched:
        patched.setattr(Erasure, "_erase_entries", _die)
        with pytest.raises(KeyboardInterrupt):
            house.erase()
    house.erase()

    assert not house.holds("Leandrine")


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_parts_of_an_upload_forget_the_number(house):
    """They have it in two halves, which no search for the number finds."""
    of_others = upload_place(OTHER)
    for block, field in (upload_place(NUMBER), of_others):
        house.redis.hset(KEYS.upload_numbers("spring", block), field, 3)

    kept = [each for each in export(house.redis, KEYS, house.person()) if each.where == "upload"]
    assert [(each.name, each.fields) for each in kept] == [("spring", {"part": "3"})]
    assert house.erase().done == {"uploads": 1}

    assert house.is_clean()
    assert house.redis.keys("*:upload_numbers:*") == [KEYS.upload_numbers("spring", of_others[0]).encode()]


def test_what_others_say_about_the_number_stays_and_is_named(house):
    house.callbacks.bring(reply(OTHER, f"Ask my wife, {NUMBER}"))
    house.send("b", OTHER, text=f"Call the driver: {NUMBER}")
    house.send("c", THIRD, context={"friend": NUMBER})
    done = house.erase()

    assert not done.done
    assert not done.is_over
    entry = house.redis.xrange(KEYS.stream("replies"))[0][0].decode()
    assert done.mentions == ["message b", "message c", f"replies {entry}"]
    assert house.hand.take()


# Rights.


def test_the_number_is_refused_for_ever_and_its_consent_goes(house):
    name = pseudonyms(house.redis).of(NUMBER)
    house.redis.hset(KEYS.suppressed, f"account|{name}", "17|reply|e")
    house.redis.hset(KEYS.consent, name, "1|1|shop|v1")
    house.erase()
    first = house.redis.hget(KEYS.suppressed, f"account|{name}")
    house.erase()

    at, reason, event_id = house.redis.hget(KEYS.suppressed, f"account|{name}").decode().split("|")
    assert (reason, event_id) == ("erasure", "")
    assert int(at) > 17
    assert house.redis.hget(KEYS.suppressed, f"account|{name}") == first
    assert not house.redis.exists(KEYS.consent)
    assert house.redis.pttl(KEYS.suppressed) == -1


def test_the_alerts_of_both_days_that_are_still_counted_are_forgotten(house):
    """A day of UTC is kept for an hour more than it lasts."""
    pseudonym = house.person().pseudonyms[0]
    today = house.redis.time()[0] // 86_400
    days = [f"{KEYS.prefix}caps:{today - ago}" for ago in (0, 1)]
    for key in days:
        house.redis.hset(key, mapping={pseudonym: "1|1|1", "somebody": "1|1|1"})
    house.erase()

    assert [house.redis.hkeys(key) for key in days] == [[b"somebody"]] * 2


def test_the_pseudonym_stays_only_where_it_keeps_the_person_from_being_texted_again(house, redis_url):
    counting = Producer(redis_url, settings=ProducerSettings(number_alerts_per_hour=10))
    counting.send(NUMBER, "Hi", request_id="counted", **ALERT)
    counting.close()
    house.hand.take()
    house.accept("a", text="Leandrine, your table", with_replies=True)
    house.callbacks.bring(receipt(ticket="sms_a"), reply(NUMBER, "Oui, Leandrine", ticket="sms_a"))
    house.send("waits")
    house.sms.send(NUMBER, "Hi STOP au 30101", sender="Bistro", request_id="marketing")
    assert house.holds(":caps:")
    house.erase()

    left = {line.split()[0] for line in house.holds(pseudonyms(house.redis).of(NUMBER))}
    assert left == {f"b'{key}'" for key in (KEYS.audit, KEYS.erased, KEYS.suppressed)}


def test_the_audit_names_the_person_by_pseudonym(house):
    house.erase()
    [(_, entry)] = house.redis.xrange(KEYS.audit)

    assert entry[b"action"] == b"erase"
    assert entry[b"person"].decode() == pseudonyms(house.redis).of(NUMBER)


def test_an_export_has_all_that_is_kept_and_nothing_of_others(house):
    house.send(
        "many",
        [Recipient(NUMBER, first_name="Leandrine"), Recipient(OTHER, first_name="Bob")],
        text="Hi {first_name}",
    )
    house.callbacks.bring(reply(NUMBER, "Oui"), reply(OTHER, "Non"))
    name = pseudonyms(house.redis).of(NUMBER)
    house.redis.hset(KEYS.suppressed, f"sender:Bistro|{name}", "17|reply|e")
    house.redis.hset(KEYS.consent, name, "1|2|shop|v1")
    before = contents(house.redis)
    kept = {(each.where, each.name): each.fields for each in export(house.redis, KEYS, house.person())}

    assert contents(house.redis) == before
    message = kept["message", "many"]
    assert message["recipient"] == {"phone_number": NUMBER, "first_name": "Leandrine"}
    assert (message["text"], message["state"]) == ("Hi {first_name}", "queued")
    assert kept["suppressed", "sender:Bistro"] == {"at": "17", "reason": "reply"}
    assert kept["consent", ""] == {"at": "1", "last_contact": "2", "source": "shop", "wording": "v1"}
    assert [fields["text"] for (where, _), fields in kept.items() if where == "replies"] == ["Oui"]
    assert "Bob" not in msgspec.json.encode(list(kept.values())).decode()


# The spool.


def spooled(number: str, name: str) -> bytes:
    raw = json.dumps(reply(number)).encode()
    return pack(SpooledCallback.now(RawCallback(name, "", raw, "", "t", "reply")))


def test_a_spool_loses_the_person_and_nothing_else(house, tmp_path):
    mixed, own, damaged = (tmp_path / name for name in ("1.spool", "2.spool", "3.damaged"))
    mixed.write_bytes(spooled(NUMBER, "a") + spooled(OTHER, "b"))
    own.write_bytes(spooled(NUMBER, "c"))
    damaged.write_bytes(b"\0\1" + spooled(NUMBER, "d") + spooled(OTHER, "e"))
    done = house.erase(spool=tmp_path)

    assert done.done == {"spooled": 3}
    assert [each.callback.id for each in unpack(mixed.read_bytes())] == ["b"]
    assert not any(DIGITS.encode() in path.read_bytes() for path in tmp_path.iterdir())
    assert OTHER[1:].encode() in damaged.read_bytes()
    assert not house.erase(spool=tmp_path).done


def test_a_damaged_file_loses_the_number_however_it_was_written(house, tmp_path):
    damaged = tmp_path / "3.damaged"
    damaged.write_bytes(b"\0\xff\xe9 06 12 34 56 78, +33(0)6.12\xc2\xa034.56.78, 06 12 34 56 79")

    assert house.erase(spool=tmp_path).done == {"spooled": 1}
    assert damaged.read_bytes() == b"\0\xff\xe9 xx xx xx xx xx, +xx(x)x.xx\xc2\xa0xx.xx.xx, 06 12 34 56 79"
    assert not house.erase(spool=tmp_path).done


def test_what_a_killed_erasure_wrote_beside_the_spool_goes_with_the_next_one(house, tmp_path, monkeypatch):
    mixed = tmp_path / "1.spool"
    mixed.write_bytes(spooled(NUMBER, "a") + spooled(OTHER, "b"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _die)
        with pytest.raises(KeyboardInterrupt):
            house.erase(spool=tmp_path)
    assert len([*tmp_path.iterdir()]) == 2
    # The web process has brought all of it to Redis.
    mixed.unlink()
    house.erase(OTHER, spool=tmp_path)

    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works on the files of others")
def test_a_file_of_the_spool_stays_that_of_the_web_process(house, tmp_path):
    mixed = tmp_path / "1.spool"
    mixed.write_bytes(spooled(NUMBER, "a") + spooled(OTHER, "b"))
    os.chown(mixed, 65_534, 65_533)

    assert house.erase(spool=tmp_path).done == {"spooled": 1}
    assert (mixed.stat().st_uid, mixed.stat().st_gid) == (65_534, 65_533)


def test_no_log_line_or_error_holds_the_number(house, capfd):
    house.accept("a", with_replies=True)
    house.callbacks.bring(reply(NUMBER, ticket="sms_a"), receipt())
    house.erase()
    house.callbacks.bring(receipt(status="ACK"))

    written = "".join(capfd.readouterr())
    assert DIGITS not in written
    assert mask(NUMBER) in written or not written
