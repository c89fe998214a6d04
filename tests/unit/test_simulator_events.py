"""Callback payloads in every form, and dates in Paris."""

from datetime import datetime
from urllib.parse import parse_qsl

import msgspec
import pytest

from worker.sandbox.simulator.clock import PARIS
from worker.sandbox.simulator.events import Event, content_type, encode, event_fields
from worker.sandbox.simulator.settings import CallbackSettings

_AT = datetime(2026, 7, 1, 0, 30, 5, tzinfo=PARIS).timestamp()


def event(kind="receipt", **changes):
    fields = {
        "number": "+33612345678",
        "message_id": "sms_1",
        "at": _AT,
        "status": "DELIVERED",
        "text": "Oui",
    }
    return Event(kind=kind, **(fields | changes))


@pytest.mark.parametrize(
    ("kind", "field"), [("receipt", "delivery_date"), ("reply", "reception_date"), ("optout", "stop_date")]
)
def test_each_kind_has_its_date_field_in_paris_time(kind, field):
    fields = event_fields(event(kind), CallbackSettings())

    assert [name for name in fields if name.endswith("_date")] == [field]
    assert fields[field] == "2026-07-01 00:30:05"


@pytest.mark.parametrize(
    ("form", "number", "written"),
    [
        ("e164", "+33612345678", "+33612345678"),
        ("no_plus", "+33612345678", "33612345678"),
        ("00", "+33612345678", "0033612345678"),
        ("national", "+33612345678", "0612345678"),
        ("national", "+32470123456", "0032470123456"),
        ("no_plus", "36111", "36111"),
    ],
)
def test_number_forms(form, number, written):
    settings = CallbackSettings(callback_number_format=form)

    assert event_fields(event(number=number), settings)["number"] == written


@pytest.mark.parametrize(
    ("form", "expected"), [("present", "sms_1"), ("empty", ""), ("null", None), ("absent", "nothing")]
)
def test_message_id_forms(form, expected):
    by_setting = event_fields(event(), CallbackSettings(callback_message_id=form))
    by_event = event_fields(event(message_id_form=form), CallbackSettings())

    assert by_setting.get("message_id", "nothing") == by_event.get("message_id", "nothing") == expected


def test_meta_data_forms():
    found = [
        event_fields(event(), CallbackSettings(callback_meta_data=form)).get("meta_data", "nothing")
        for form in ("absent", "object", "array")
    ]

    assert found == ["nothing", {}, []]


def test_encodings():
    fields = event_fields(event(message_id_form="null"), CallbackSettings())

    assert msgspec.json.decode(encode([fields], CallbackSettings())) == fields
    assert msgspec.json.decode(encode([fields, fields], CallbackSettings(callback_array=2))) == [fields] * 2
    form = encode([fields], CallbackSettings(callback_format="form"))
    assert dict(parse_qsl(form.decode())) == {
        "channel": "sms",
        "number": "+33612345678",
        "status": "DELIVERED",
        "delivery_date": "2026-07-01 00:30:05",
    }


def test_a_live_accounts_mixture():
    live = CallbackSettings(callback_format="mixed", inbound_layout="metadata")
    receipt = event_fields(event(), live)
    reply = event_fields(event(kind="reply", text="Oui & non", short_number="38015"), live)

    assert dict(parse_qsl(encode([receipt], live, "receipt").decode())) == {
        name: value for name, value in receipt.items() if name != "meta_data"
    }
    assert content_type(live, "receipt") == "application/x-www-form-urlencoded"
    assert msgspec.json.decode(encode([reply], live, "reply")) == {
        "metadata": {"message_id": "sms_1", "number": "+33612345678"},
        "text": "Oui & non",
        "sim_card_number": "38015",
        "reception_date": "2026-07-01 00:30:05",
    }
    assert content_type(live, "reply") == content_type(live, "optout") == "application/json"
    assert "metadata" not in event_fields(event(kind="optout"), live)


def test_metadata_in_a_form():
    settings = CallbackSettings(callback_format="form", inbound_layout="metadata")
    form = encode([event_fields(event(kind="reply", text="Oui"), settings)], settings)

    assert dict(parse_qsl(form.decode())) == {
        "metadata[message_id]": "sms_1",
        "metadata[number]": "+33612345678",
        "text": "Oui",
        "reception_date": "2026-07-01 00:30:05",
    }


def test_content_types():
    assert content_type(CallbackSettings()) == "application/json"
    assert content_type(CallbackSettings(callback_format="form")) == "application/x-www-form-urlencoded"
    assert content_type(CallbackSettings(callback_content_type="text/x-odd")) == "text/x-odd"
    assert not content_type(CallbackSettings(callback_content_type=""))
