"""Receipts as a customer's URL gets them: when, how often, in which order."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

NUMBER = "+33612345678"
OTHER = "+33687654321"
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def statuses(received):
    return [post.json["status"] for post in received]


def paris(simulator, text):
    """Seconds between a callback's date and the simulator's clock."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo("Europe/Paris"))
    return moment.timestamp() - simulator.admin.now()


def test_an_ack_then_a_final_receipt(send_sms, simulator, callback_receiver):
    ticket = send_sms().json()["sms_ticket"]

    ack, final = callback_receiver.wait(2)

    date = final.json.pop("delivery_date")
    assert DATE.fullmatch(date)
    assert abs(paris(simulator, date)) < 10
    assert statuses([ack, final]) == ["ACK", "DELIVERED"]
    assert {k: v for k, v in final.json.items() if k != "delivery_date"} == {
        "channel": "sms",
        "message_id": ticket,
        "number": NUMBER,
        "status": "DELIVERED",
        "meta_data": {},
    }
    assert final.headers["content-type"] == "application/json"
    simulator.admin.wait_until_idle()
    log = simulator.admin.callbacks()
    assert [(r.kind, r.outcome, r.http_status, r.attempt) for r in log] == [
        ("receipt", "delivered", 200, 1)
    ] * 2
    assert simulator.admin.violations() == []


def test_each_recipient_gets_receipts(send_sms, callback_receiver):
    send_sms(NUMBER, OTHER)

    found = {(post.json["number"], post.json["status"]) for post in callback_receiver.wait(4)}

    assert found == {(n, s) for n in (NUMBER, OTHER) for s in ("ACK", "DELIVERED")}


def test_receipts_can_come_before_the_answer(send_sms, simulator, callback_receiver):
    simulator.admin.settings(receipts={"before_answer": True})

    ticket = send_sms().json()["sms_ticket"]

    assert [post.json["message_id"] for post in callback_receiver.received] == [ticket, ticket]


def test_duplicated_receipts_are_equal_to_the_byte(send_sms, simulator, callback_receiver):
    simulator.admin.settings(receipts={"copies": 3})

    send_sms()

    received = callback_receiver.wait(6)
    assert sorted(statuses(received)) == ["ACK"] * 3 + ["DELIVERED"] * 3
    assert len({post.body for post in received}) == 2


def test_receipts_in_reversed_order(send_sms, simulator, callback_receiver):
    simulator.admin.settings(receipts={"reversed": True})

    send_sms()

    assert statuses(callback_receiver.wait(2)) == ["DELIVERED", "ACK"]


@pytest.mark.parametrize(
    ("lost", "left"),
    [("ack", ["DELIVERED"]), ("final", ["ACK"]), ("all", []), ("none", ["ACK", "DELIVERED"])],
)
def test_lost_receipts_by_rule(send_sms, simulator, callback_receiver, lost, left):
    fast = {"ack_delay_ms": 0, "final_delay_ms": 20}
    simulator.admin.fate(match={"number": NUMBER}, lost=lost, **fast)
    send_sms()
    simulator.admin.wait_until_idle()

    assert statuses(callback_receiver.received) == left
    assert len(simulator.admin.messages()) == 1


def test_callbacks_lost_by_chance(send_sms, simulator, callback_receiver):
    simulator.admin.settings(callback_loss_probability=1.0)

    send_sms()
    simulator.admin.reply(NUMBER, "YES")
    simulator.admin.wait_until_idle()

    assert callback_receiver.received == []
    assert [r.outcome for r in simulator.admin.callbacks()] == ["lost"] * 3


def test_a_receipt_48_hours_late_waits_for_the_clock(send_sms, simulator, callback_receiver):
    simulator.admin.fate(late_s=172_800, final_delay_ms=0)
    send_sms()
    callback_receiver.wait(1)
    simulator.admin.wait_until_idle()
    assert statuses(callback_receiver.received) == ["ACK"]

    simulator.admin.advance(172_801)

    late = callback_receiver.wait(2)[1].json
    assert late["status"] == "DELIVERED"
    assert -10 < paris(simulator, late["delivery_date"]) < 5


@pytest.mark.parametrize(
    ("status", "reached"), [("NOT_DELIVERED", 0), ("UNKNOWN_DELIVERY", 1), ("FANCY_NEW_WORD", 1)]
)
def test_the_final_status_decides_whether_the_handset_shows_it(
    send_sms, simulator, callback_receiver, status, reached
):
    simulator.admin.fate(final_status=status, ack=False, final_delay_ms=0, times=1)

    send_sms(request_id="a")

    assert statuses(callback_receiver.wait(1)) == [status]
    assert simulator.admin.delivered() == ({("a", NUMBER): 1} if reached else {})
    assert simulator.admin.messages()[0].status == status


def test_low_cost_messages_get_no_receipt(send_sms, simulator, callback_receiver):
    simulator.admin.blacklist(add=OTHER)
    send_sms(NUMBER, OTHER, type="sms_low_cost")
    simulator.admin.wait_until_idle()

    assert callback_receiver.received == []
    assert len(simulator.admin.messages()) == 1


def test_a_blacklisted_number_gets_its_receipt_and_no_text(send_sms, simulator, callback_receiver):
    simulator.admin.blacklist(add=NUMBER)

    send_sms()

    assert statuses(callback_receiver.wait(1)) == ["BLACKLISTED_NUMBER"]
    assert simulator.admin.messages() == []


def test_receipts_of_unknown_tickets_and_foreign_numbers_can_be_triggered(simulator, callback_receiver):
    simulator.admin.receipt("sms_never_seen", "+8613800000000", "DELIVERED", copies=2)

    first, second = callback_receiver.wait(2)
    assert first.body == second.body
    assert (first.json["message_id"], first.json["number"]) == ("sms_never_seen", "+8613800000000")
