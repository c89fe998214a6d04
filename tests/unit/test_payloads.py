"""Callback events become typed events, whatever shape they come in."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.contract.events import Quarantined
from producers.events import OptOut, Receipt, Reply
from producers.intake.callback_body import read_events
from worker.callbacks import payloads
from worker.callbacks.opt_outs import judged
from worker.callbacks.payloads import RAW_MAX, bounded

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


def parse(event: object, named: str, at: datetime, callback_id: str = "c1") -> payloads.Parsed:
    return payloads.parse(event, named, at, callback_id)


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
        (without(REPLY, "number"), "", Quarantined),
        (without(REPLY, "number", number=""), "", Quarantined),
        (without(RECEIPT, "status"), "", Quarantined),
        ({"number": "+33612345678"}, "", Quarantined),
        ({"number": "+33612345678"}, "receipts", Quarantined),
        ({}, "replies", Quarantined),
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


METADATA = {"number": "+33612345678", "message_id": "sms_1"}


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": METADATA},
        {"metadata": [METADATA]},
        {"meta_data": {"sms": METADATA}},
        {"number": "", "message_id": None, "metadata": METADATA},
        {"metadata": json.dumps(METADATA)},
        {"METADATA": json.dumps([METADATA])},
        {"metadata[number]": "33612345678", "metadata[message_id]": "sms_1"},
        {"metadata[sms][number]": "0612345678", "metadata[sms][message_id]": "sms_1"},
        {"metadata.number": "0033612345678", "metadata.message_id": "sms_1"},
        {"number": "+33612345678", "ticket": "sms_1"},
        {"number": "+33612345678", "sms_ticket": "sms_1"},
        {"number": 33612345678.0, "message_id": "sms_1"},
    ],
)
@pytest.mark.parametrize("form", [False, True])
def test_number_and_ticket_are_found_wherever_they_stand(body, form):
    event = {**body, "text": "Yes", "reception_date": "2030-01-31 14:05:09"}
    if form and all(isinstance(value, str) for value in event.values()):
        [event] = read_events(urlencode(event).encode())
    reply = parse(event, "", NOW)
    assert (type(reply), reply.ticket, reply.number) == (Reply, "sms_1", "+33612345678")
    assert reply.event_id == parse(without(REPLY, "sim_card_number"), "", NOW).event_id


def test_a_text_that_looks_like_an_event_is_a_text():
    text = json.dumps({"number": "+33700000000", "status": "DELIVERED"})
    reply = parse(without(REPLY, text=text), "", NOW)
    assert (type(reply), reply.number, reply.text) == (Reply, "+33612345678", text)


def test_what_is_nested_only_fills_gaps():
    event = without(REPLY, metadata={"number": "+33700000000", "text": "No", "short_number": "1"})
    assert parse(event, "", NOW).number == "+33612345678"
    assert parse(event, "", NOW).text == "Yes"


def test_the_other_name_of_a_status_is_read():
    receipt = parse(without(RECEIPT, "status", "delivery_date", delivery_status="delivered"), "", NOW)
    assert (type(receipt), receipt.status, receipt.final) == (Receipt, "DELIVERED", True)


@pytest.mark.parametrize("odd", [None, 42, "text", [1, 2]])
def test_what_is_no_event_is_unknown(odd):
    unknown = parse(odd, "replies", NOW)
    assert (type(unknown), unknown.reason, json.loads(unknown.raw)) == (Quarantined, "no_event", odd)


@pytest.mark.parametrize(
    "event", [without(REPLY, extra="é" * RAW_MAX), {"extra": "é" * RAW_MAX}, ["é" * RAW_MAX]]
)
def test_what_is_kept_of_an_event_is_bounded_and_still_json(event):
    raw = parse(event, "", NOW).raw
    assert len(raw.encode()) <= RAW_MAX
    assert json.loads(raw)["cut"].startswith(
        json.dumps(event, ensure_ascii=False, separators=(",", ":"))[:10]
    )


DATED = [(REPLY, "reception_date"), (RECEIPT, "delivery_date"), (OPT_OUT, "stop_date")]
NO_DATES = [
    *(None, "", "soon", "0000-00-00 00:00:00", "1970-01-01 00:00:00", "9999-12-31 23:59:59", 0),
    {"date": "2030-01-31 12:00:00.000000", "timezone_type": 3, "timezone": "Europe/Paris"},
]


@pytest.mark.parametrize(("event", "name"), DATED)
@pytest.mark.parametrize("date", NO_DATES)
def test_without_a_date_an_event_is_named_by_its_callback(event, name, date):
    kind = {"reception_date": "replies", "delivery_date": "receipts", "stop_date": "optouts"}[name]
    event = without(event, **{name: date})
    one, again, other = (parse(event, kind, NOW, callback).event_id for callback in ("c1", "c1", "c2"))
    assert one == again != other
    # The spool may bring it again, with another idea of when it came.
    assert parse(event, kind, NOW + timedelta(seconds=1), "c1").event_id == one


@pytest.mark.parametrize(("event", "name"), DATED)
@pytest.mark.parametrize(
    "date", ["2030-01-31 12:00:00", "2030-01-31T12:00:00+0100", 1896087600, "1896087600000"]
)
def test_with_a_date_an_event_is_named_by_it_whenever_it_comes(event, name, date):
    event = without(event, **{name: date})
    assert parse(event, "", NOW).event_id == parse(event, "", NOW + timedelta(days=3)).event_id


def test_an_object_is_a_date_to_show():
    event = without(OPT_OUT, stop_date=NO_DATES[-1])
    assert parse(event, "", NOW).at == datetime(2030, 1, 31, 11, tzinfo=UTC)
    assert parse(without(REPLY, reception_date=NO_DATES[-1]), "", NOW).gateway_date.startswith(
        "2030-01-31 12:00"
    )


def test_what_cannot_be_escaped_shortly_is_bounded_too():
    for text in ("\x01" * RAW_MAX, '"' * RAW_MAX, "\\" * RAW_MAX, "😀" * RAW_MAX):
        assert len(bounded(text).encode()) <= RAW_MAX


def test_opt_outs_that_receipts_without_ticket_report_are_told_apart():
    receipt = without(RECEIPT, "message_id", status="BLACKLISTED_NUMBER")
    first, later = (
        parse(without(receipt, delivery_date=f"2030-01-{day} 10:00:00"), "", NOW) for day in (20, 30)
    )
    (_, one), (_, other) = judged(first, None), judged(later, None)
    assert one.event_id != other.event_id


@pytest.mark.parametrize("date", ["soon", "0000-00-00 00:00:00", "2030-13-01 00:00:00"])
def test_an_unreadable_date_falls_back_to_the_time_of_arrival(date):
    assert parse(without(OPT_OUT, stop_date=date), "", NOW).at == NOW


def test_an_unknown_status_is_kept_word_for_word_and_not_final():
    receipt = parse(without(RECEIPT, status="TELEPORTED"), "", NOW)
    assert (receipt.status, receipt.final) == ("TELEPORTED", False)


def test_a_blocked_number_is_an_opt_out_too():
    receipt = parse(without(RECEIPT, status="BLACKLISTED_NUMBER"), "", NOW)
    _, opt_out = judged(receipt, None)
    assert (opt_out.number, opt_out.action, opt_out.reason) == ("+33612345678", "out", "gateway")
    assert len(list(judged(parse(RECEIPT, "", NOW), None))) == 1


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
    assert isinstance(parse(event, kind, NOW), Reply | Receipt | OptOut | Quarantined)
