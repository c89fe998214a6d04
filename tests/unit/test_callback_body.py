"""Reading callback bodies: every form the gateway or its clients were seen to use, and plain nonsense."""

import json
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.intake.callback_body import MAX_DEPTH, MAX_EVENTS, read_events

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
def test_text_that_is_not_utf8_is_read_as_windows_1252(body):
    assert read_events(body) == [{"text": "déjà"}]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"text": "déjà'.encode() + b'\xc3"}', "déjà\ufffd"),
        ("text=déjà".encode() + b"\xc3&a=1", "déjà\ufffd"),
        (b"text=d%C3%A9j%C3%A0%C3", "déjà\ufffd"),
        (b'{"text": "5 \x80 \x96 ok"}', "5 € – ok"),
        (b"text=5+%80+%96+ok", "5 € – ok"),
        ('{"text": "déjà"}'.encode("utf-16"), "déjà"),
        (b'\xef\xbb\xbf\x00 {"text": "x"}\x00\r\n', "x"),
        (b"\xef\xbb\xbftext=x\x00\r\n", "x"),
        (b"text=%20x+%00", " x \x00"),
    ],
)
def test_damage_is_local_and_what_surrounds_a_body_is_no_content(body, text):
    assert read_events(body)[0]["text"] == text


MULTIPART = (
    b'--XX\r\nContent-Disposition: form-data; name="metadata[number]"\r\n\r\n+33612345678\r\n'
    b"--XX\r\nContent-Disposition: form-data; name=text\r\nContent-Type: text\r\n\r\nO--XXui \xe9\r\n2\r\n"
    b'--XX\r\nContent-Disposition: form-data; filename="x"\r\n\r\nno name\r\n--XX--\r\n'
)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_a_multipart_form_is_one_event(line_end):
    [event] = read_events(MULTIPART.replace(b"\r\n", line_end))

    assert event == {"metadata[number]": "+33612345678", "text": "O--XXui é" + line_end.decode() + "2"}


@pytest.mark.parametrize("body", [b"--XX\r\n", b"--XX\r\nname\r\n--XX--", b"--\r\n\r\nx", b"--XX text"])
def test_a_multipart_form_without_fields_is_unreadable(body):
    assert read_events(body) is None


@pytest.mark.parametrize(
    "odd", ["null", "42", '"text"', "[1]", "[" * 60 + "]" * 60, '{"a":' * 60 + "1" + "}" * 60]
)
def test_an_odd_element_of_an_array_comes_as_it_is_beside_the_good_ones(odd):
    first, element, last = read_events(f'[{{"n": 1}}, {odd}, {{"n": 2}}]'.encode())

    assert (first, last) == ({"n": 1}, {"n": 2})
    assert not isinstance(element, dict)
    assert json.loads(element if len(odd) > 60 else json.dumps(element)) == json.loads(odd)


def test_more_events_than_are_read_are_seen():
    assert len(read_events(json.dumps([{"n": 1}] * (MAX_EVENTS + 1)).encode())) == MAX_EVENTS + 1


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
        assert any(isinstance(event, dict) for event in events)
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
