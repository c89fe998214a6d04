"""Reading callback bodies: every form the gateway or its clients were seen to use, and plain nonsense."""

import json
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.callback_body import MAX_DEPTH, read_events

REPLY = {
    "message_id": "sms_1",
    "number": "+33600000000",
    "text": "Oui à 20 h 😀",
    "meta_data": {"a": [1, None]},
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_json_object_is_one_event(encoding):
    assert read_events(json.dumps(REPLY, ensure_ascii=False).encode(encoding)) == [REPLY]


def test_a_json_array_is_many_events_in_order():
    assert read_events(b' [{"n": 1}, {"n": 2}]\r\n') == [{"n": 1}, {"n": 2}]


def test_a_form_is_one_event_of_strings():
    body = urlencode({"number": "+33600000000", "text": "Oui à 20 h & demie = 1 😀", "empty": ""}).encode()

    assert read_events(body) == [{"number": "+33600000000", "text": "Oui à 20 h & demie = 1 😀", "empty": ""}]


def test_the_last_of_repeated_form_fields_wins():
    assert read_events(b"a=1&b=2&a=3") == [{"a": "3", "b": "2"}]


def test_php_style_field_names_are_names():
    assert read_events(b"meta_data%5Bkey%5D=1") == [{"meta_data[key]": "1"}]


@pytest.mark.parametrize(
    "body",
    ['{"text": "d\xe9j\xe0"}'.encode("latin-1"), b"text=d%E9j%E0", b"text=d\xe9j\xe0"],
    ids=["json", "percent-encoded", "raw"],
)
def test_text_that_is_not_utf8_is_read_as_latin1(body):
    assert read_events(body) == [{"text": "déjà"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"cut \ud83d", "cut \ufffd"),
        (r"cut \ud83d in two", "cut \ufffd in two"),
        (r"whole \ud83d\ude00", "whole 😀"),
    ],
)
def test_half_an_emoji_becomes_a_replacement_character(text, expected):
    assert read_events(b'{"text": "%s"}' % text.encode()) == [{"text": expected}]


def test_raw_line_breaks_in_json_strings_are_kept():
    assert read_events(b'{"text": "one\ntwo"}') == [{"text": "one\ntwo"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"[]",
        b"null",
        b"42",
        b'"text"',
        b"[1]",
        b'[{"a": 1}, 2]',
        b'{"a": 1',
        b'{"a": NaN}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b"hello",
        b"a=1&hello",
        b"=1",
        b"&&",
        b'<?xml version="1.0"?><sms text="hello"/>',
        b"\x00\xff\xfe=",
        b"[" * 65_000,
        b'{"a":' * 13_000,
    ],
)
def test_anything_else_is_unreadable(body):
    assert read_events(body) is None


def test_depth_is_bounded():
    def nested(levels):
        return b'{"a":' * levels + b"1" + b"}" * levels

    assert read_events(nested(MAX_DEPTH)) is not None
    assert read_events(nested(MAX_DEPTH + 1)) is None


@given(
    st.binary(max_size=300) | st.text(max_size=100).map(lambda text: ("{" + text).encode("utf-8", "replace"))
)
def test_reading_is_total_and_what_it_returns_can_be_encoded(body):
    events = read_events(body)

    if events is not None:
        assert events
        assert msgspec.json.decode(msgspec.json.encode(events))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values), min_size=1, max_size=3))
def test_json_comes_back_as_it_went_in(events):
    assert read_events(json.dumps(events).encode()) == events
    assert read_events(json.dumps(events, ensure_ascii=False).encode()) == events
