"""Callback events become typed events, whatever shape they come in."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.events import OptOut, Receipt, Reply
from worker.payloads import UnknownCallback, opt_out_of, parse

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
REPLY = {
    "message_id": "sms_1",
    "number": "+33612345678",
    "text": "Yes",
    "sim_card_number": "36123",
    "reception_date": "2030-01-31 14:05:09",
}
RECEIPT = {
    "channel": "sms",
    "message_id": "sms_1",
    "number": "+33612345678",
    "status": "DELIVERED",
    "delivery_date": "2030-07-31 14:05:09",
    "meta_data": {},
}
OPT_OUT = {
    "message_id": "sms_1",
    "number": "+33612345678",
    "text": "STOP",
    "stop_date": "2030-01-31 14:05:09",
}


def without(event: dict, *names: str, **more: object) -> dict:
    return {name: value for name, value in event.items() if name not in names} | more


def test_a_reply_is_read_field_by_field():
    reply = parse(REPLY, "", NOW)
    assert isinstance(reply, Reply)
    assert reply.ticket == "sms_1"
    assert reply.number == "+33612345678"
    assert reply.text == "Yes"
    assert reply.short_number == "36123"
    assert reply.received_at == NOW
    assert reply.gateway_date == "2030-01-31 14:05:09"
    assert reply.country == "FR"
    assert reply.request_id is None


def test_a_receipt_is_read_field_by_field_and_its_date_as_paris_summer_time():
    receipt = parse(RECEIPT, "", NOW)
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.final) == ("DELIVERED", True)
    assert receipt.delivered_at == datetime(2030, 7, 31, 12, 5, 9, tzinfo=UTC)


def test_an_opt_out_is_read_field_by_field_and_its_date_as_paris_winter_time():
    opt_out = parse(OPT_OUT, "", NOW)
    assert isinstance(opt_out, OptOut)
    assert (opt_out.text, opt_out.at) == ("STOP", datetime(2030, 1, 31, 13, 5, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    ("event", "kind", "expected"),
    [
        (without(REPLY, "reception_date", answer_date="2030-01-31 14:05:09"), "", Reply),
        (without(RECEIPT, "delivery_date", DELIVERY_DATE="2030-01-31 14:05:09"), "", Receipt),
        (REPLY, "receipts", Reply),
        (RECEIPT, "replies", Receipt),
        (OPT_OUT, "replies", OptOut),
        (without(RECEIPT, "delivery_date"), "", Receipt),
        (without(REPLY, "reception_date"), "", Reply),
        (without(REPLY, "reception_date"), "optouts", OptOut),
        (without(REPLY, "text", "reception_date", "sim_card_number"), "replies", Reply),
        (without(REPLY, "number"), "", UnknownCallback),
        (without(REPLY, "number", number=""), "", UnknownCallback),
        (without(RECEIPT, "status"), "", UnknownCallback),
        ({"number": "+33612345678"}, "", UnknownCallback),
        ({"number": "+33612345678"}, "receipts", UnknownCallback),
        ({}, "replies", UnknownCallback),
    ],
)
def test_the_fields_decide_the_kind_and_the_url_only_helps(event, kind, expected):
    assert type(parse(event, kind, NOW)) is expected


@pytest.mark.parametrize(
    "number", ["33612345678", "0033612345678", "0612345678", "+33 612 345 678", 33612345678]
)
def test_numbers_are_normalised(number):
    assert parse(without(REPLY, number=number), "", NOW).number == "+33612345678"


def test_a_number_that_is_none_stays_as_it_came():
    assert parse(without(REPLY, number="36111"), "", NOW).number == "36111"


@pytest.mark.parametrize("ticket", [None, "", " "])
def test_a_reply_may_name_no_ticket(ticket):
    assert parse(without(REPLY, message_id=ticket), "", NOW).ticket is None
    assert parse(without(REPLY, "message_id"), "", NOW).ticket is None


def test_nested_metadata_is_read():
    event = {"number": "+33612345678", "metadata": {"text": "Yes", "reception_date": "2030-01-31 14:05:09"}}
    assert parse(event, "", NOW).text == "Yes"


@pytest.mark.parametrize("date", ["soon", "0000-00-00 00:00:00", "2030-13-01 00:00:00"])
def test_an_unreadable_date_falls_back_to_the_time_of_arrival(date):
    assert parse(without(OPT_OUT, stop_date=date), "", NOW).at == NOW


def test_an_unknown_status_is_kept_word_for_word_and_not_final():
    receipt = parse(without(RECEIPT, status="TELEPORTED"), "", NOW)
    assert (receipt.status, receipt.final) == ("TELEPORTED", False)


def test_a_blocked_number_is_an_opt_out_too():
    receipt = parse(without(RECEIPT, status="BLACKLISTED_NUMBER"), "", NOW)
    assert opt_out_of(receipt).number == "+33612345678"
    assert opt_out_of(parse(RECEIPT, "", NOW)) is None


def test_a_repeat_has_the_same_event_id_and_another_event_another():
    first = parse(REPLY, "", NOW).event_id
    form = {name: str(value) for name, value in REPLY.items()}
    assert parse(form, "replies", datetime.now(UTC)).event_id == first
    assert parse(without(REPLY, number="0612345678"), "", NOW).event_id == first
    for change in ({"text": "No"}, {"number": "+33612345679"}, {"reception_date": "2030-01-31 14:05:10"}):
        assert parse(REPLY | change, "", NOW).event_id != first
    assert parse(RECEIPT | {"status": "ACK"}, "", NOW).event_id != parse(RECEIPT, "", NOW).event_id


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*REPLY, *RECEIPT, *OPT_OUT, "answer_date", "metadata"]) | st.text()


@given(st.dictionaries(NAMES, JSON, max_size=8), st.sampled_from(["", "replies", "receipts", "optouts", "?"]))
def test_any_event_becomes_something(event, kind):
    assert isinstance(parse(event, kind, NOW), Reply | Receipt | OptOut | UnknownCallback)
