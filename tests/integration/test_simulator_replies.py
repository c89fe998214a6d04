"""Handsets that write: replies, opt-outs, automatic answers."""

import re

import pytest

NUMBER = "+33612345678"
OTHER = "+33687654321"
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def test_a_reply_names_the_last_message_to_that_number(send_sms, simulator, callback_receiver):
    simulator.admin.settings(receipts={"lost": "all"})
    send_sms(with_replies=True)
    ticket = send_sms(with_replies=True).json()["sms_ticket"]

    simulator.admin.reply(NUMBER, "Oui à 20h 👍")

    (reply,) = callback_receiver.wait(1)
    fields = reply.json
    assert DATE.fullmatch(fields.pop("reception_date"))
    assert fields == {
        "message_id": ticket,
        "number": NUMBER,
        "text": "Oui à 20h 👍",
        "sim_card_number": "12345",
    }


@pytest.mark.parametrize(
    ("form", "expected"), [("absent", {}), ("empty", {"message_id": ""}), ("null", {"message_id": None})]
)
def test_replies_without_a_useful_message_id(send_sms, simulator, callback_receiver, form, expected):
    simulator.admin.settings(receipts={"lost": "all"})
    ticket = send_sms().json()["sms_ticket"]

    simulator.admin.reply(NUMBER, "one", message_id_form=form)
    simulator.admin.settings(callback_message_id=form)
    simulator.admin.reply(NUMBER, "two", ticket=ticket)

    for reply in callback_receiver.wait(2):
        assert {k: v for k, v in reply.json.items() if k == "message_id"} == expected


def test_a_reply_names_the_last_message_that_can_be_answered(send_sms, simulator, callback_receiver):
    simulator.admin.settings(receipts={"lost": "all"})
    ticket = send_sms(with_replies=True).json()["sms_ticket"]
    send_sms()
    simulator.admin.fate(lost="all", final_status="NOT_DELIVERED")
    send_sms(with_replies=True)

    simulator.admin.reply(NUMBER, "Oui")

    assert callback_receiver.wait(1)[0].json["message_id"] == ticket


def test_a_stop_to_a_name_does_not_come_as_a_reply(send_sms, simulator, callback_receiver):
    simulator.admin.settings(stop_also_inbound=True, receipts={"lost": "all"})
    send_sms()

    simulator.admin.stop(NUMBER, text="STOP")
    simulator.admin.wait_until_idle()

    assert [record.kind for record in simulator.admin.callbacks()] == ["optout"]


def test_a_reply_from_a_stranger_has_no_message_id_unless_given(simulator, callback_receiver):
    simulator.admin.reply("+33700000000", "Hello?")
    assert "message_id" not in callback_receiver.wait(1)[0].json

    simulator.admin.reply("+33700000000", "Hello?", ticket="sms_x")
    assert callback_receiver.wait(2)[1].json["message_id"] == "sms_x"


def test_a_stop_blacklists_and_tells(send_sms, simulator, callback_receiver):
    simulator.admin.settings(receipts={"lost": "all", "final_delay_ms": 10})
    ticket = send_sms().json()["sms_ticket"]

    simulator.admin.stop(NUMBER)

    fields = callback_receiver.wait(1)[0].json
    assert DATE.fullmatch(fields.pop("stop_date"))
    assert fields == {"message_id": ticket, "number": NUMBER, "text": "stop"}
    assert simulator.admin.blacklist() == [NUMBER]
    send_sms()
    assert callback_receiver.wait(2)[1].json["status"] == "BLACKLISTED_NUMBER"


def test_a_stop_can_come_as_a_reply_too(simulator, callback_receiver):
    simulator.admin.settings(stop_also_inbound=True)

    simulator.admin.stop(NUMBER, text="STOP")

    kinds = {"stop_date" in post.json: post.json["text"] for post in callback_receiver.wait(2)}
    assert kinds == {True: "STOP", False: "STOP"}


def test_a_handset_answers_by_itself(send_sms, simulator, callback_receiver):
    simulator.admin.settings(receipts={"lost": "all"})
    simulator.admin.auto_reply("YES", after_ms=10, match={"number": NUMBER}, times=1)
    simulator.admin.auto_reply("STOP", kind="stop", match={"text_contains": "Sale"}, only_with_replies=False)
    send_sms()
    ticket = send_sms(with_replies=True).json()["sms_ticket"]
    send_sms(with_replies=True)
    send_sms(OTHER, text="Sale!")

    received = {post.json["text"]: post.json for post in callback_receiver.wait(2)}

    assert received["YES"]["message_id"] == ticket
    assert received["STOP"]["number"] == OTHER
    simulator.admin.wait_until_idle()
    assert len(callback_receiver.received) == 2
    assert simulator.admin.blacklist() == [OTHER]
