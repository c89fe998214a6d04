"""What a message may be, and the bytes it becomes."""

import hashlib
import json
import math
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.errors import InvalidMessage
from producers.messages import content, template
from producers.messages.frozen import Talk
from producers.messages.message import Message, freeze
from producers.messages.recipient import Recipient
from producers.rules.settings import RulesSettings
from producers.rules.text import mention_problem

NUMBER = "+33612345678"
GOOD = {"recipients": NUMBER, "text": "Hello", "sender": "Bistro", "purpose": "alert"}


def problems(**fields: object) -> dict[str, str]:
    """Freeze a message that must be refused and return its problems by field."""
    with pytest.raises(InvalidMessage) as caught:
        freeze(Message(**{**GOOD, **fields}))
    assert isinstance(caught.value, ValueError)
    return caught.value.fields


def body(**fields: object) -> dict:
    return json.loads(freeze(Message(**{**GOOD, **fields})).body)


def test_a_wrong_purpose_is_told_the_gateways_word_for_marketing():
    with pytest.raises(InvalidMessage, match=r"must be wholesale \(marketing\) or alert"):
        freeze(Message(**{**GOOD, "purpose": "marketing"}))


def test_the_body_carries_the_gateways_own_names_and_explicit_defaults():
    assert body(request_id="booking-42") == {
        "recipients": [{"phone_number": NUMBER}],
        "text": "Hello",
        "sender": "Bistro",
        "type": "sms_premium",
        "purpose": "alert",
        "request_id": "booking-42",
        "auto_optimize_text": True,
    }


def test_the_body_begins_with_the_recipients_and_the_text_and_names_the_id_once():
    # Scripts take the bytes apart by this layout, to put several messages into one call.
    text = 'a "quoted" é'
    wire = freeze(
        Message(
            Recipient(NUMBER, param1="x"), text, sender="Bistro", purpose="alert", request_id="booking-42"
        )
    ).body

    recipients = '[{"phone_number":"+33612345678","param1":"x"}]'
    beginning = f'{{"recipients":{recipients},"text":{json.dumps(text, ensure_ascii=False)},"sender":'
    assert wire.decode().startswith(beginning)
    assert wire.count(b',"request_id":"booking-42",') == wire.count(b"booking-42") == 1


def test_every_option_reaches_the_body_under_the_gateways_name():
    recipient = Recipient(NUMBER, first_name="Zoë", last_name="Noël", param1="1", param5="5")
    sent = body(
        recipients=[recipient],
        text="{first_name} {last_name} {param1} {param5} 🎉",
        type="sms_low_cost",
        purpose="alert",
        with_replies=True,
        simulation_mode=True,
        auto_optimize_text=False,
        auto_remove_blacklisted_numbers=True,
        send_at=datetime(2030, 1, 31, 9, tzinfo=timezone(timedelta(hours=1))),
        schedule="gateway",
    )
    assert sent["recipients"] == [
        {"phone_number": NUMBER, "first_name": "Zoë", "last_name": "Noël", "param1": "1", "param5": "5"}
    ]
    assert sent["text"].endswith("🎉")
    assert sent["type"] == "sms_low_cost"
    assert sent["purpose"] == "alert"
    assert sent["with_replies"] is True
    assert sent["simulation_mode"] is True
    assert sent["auto_optimize_text"] is False
    assert sent["auto_remove_blacklisted_numbers"] is True
    assert sent["send_at"] == "2030-01-31T09:00:00+01:00"


def test_each_fact_of_a_checked_message_has_its_own_name():
    """Whoever makes one gives its values by position: no two may change places."""
    to = [Recipient(NUMBER, param1="Zoé"), Recipient("+33612345679", param1="a" * 50)]
    options = {
        "sender": "Bistro",
        "ttl": timedelta(hours=48),
        "request_id": "booking-42",
        "with_replies": True,
    }
    message = Message(
        to, f"{'b' * 140} {{param1}} STOP au 30101", send_at=AT, context={"table": 9}, **options
    )
    frozen = freeze(message, rules=RulesSettings(optout_scope="sender"), campaign="spring", priced=True)
    alone = freeze(Message(to[0], "Hello {param1}", **options, purpose="alert"))

    facts = msgspec.structs.asdict(frozen)
    assert json.loads(facts.pop("body"))["request_id"] == "booking-42"
    assert [len(facts.pop("digest")), facts.pop("dues")[1:]] == [32, ("sms_premium:33", 3)]
    assert facts == {
        "request_id": "booking-42",
        "queue": "marketing",
        "numbers": [NUMBER, "+33612345679"],
        "due_ms": int(AT.timestamp() * 1000),
        "ttl_ms": 2 * 24 * 3600 * 1000,
        "context": '{"table":9}',
        "segments": 3,
        "share": "",
        "campaign": "spring",
        "talk": Talk(two_way=True, reply_to=""),
        "receipts": 1,
        "zones": "FR",
        "warnings": (),
        "stoppable": True,
        "scope": "sender:bistro",
        "weights": "12",
        "trace": "",
        "links": "",
    }
    assert frozen.stoppable is True
    assert (len(alone.share), alone.campaign) == (24, "")


def test_a_date_for_our_own_queue_stays_out_of_the_body():
    frozen = freeze(Message(**GOOD, send_at="2030-01-31T09:00:00+01:00"))
    assert b"send_at" not in frozen.body
    assert frozen.due_ms == int(datetime(2030, 1, 31, 8, tzinfo=UTC).timestamp() * 1000)


def test_freezing_twice_gives_the_same_bytes_and_digest():
    message = Message(**GOOD, context={"b": 1, "a": [1, 2]}, ttl=timedelta(minutes=10))
    assert freeze(message) == freeze(message)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Hello!"},
        {"recipients": "+33612345679"},
        {"sender": "Bistro2"},
        {"context": {"a": 1}},
        {"ttl": timedelta(seconds=1)},
        {"send_at": "2030-01-31T09:00:00Z"},
        {"purpose": "wholesale", "recipients": "+32470123456"},
    ],
)
def test_any_other_content_has_another_digest(change):
    original = freeze(Message(**GOOD, request_id="x"))
    changed = freeze(Message(**{**GOOD, **change}, request_id="x"))
    assert original.digest != changed.digest


AT = datetime(2030, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"recipients": NUMBER}, {"recipients": [Recipient("+33 6 12 34 56 78")]}),
        ({"recipients": NUMBER}, {"recipients": "tel:+33-6-12\u00a034 56 78"}),
        *(
            ({"send_at": AT, "schedule": where}, {"send_at": written, "schedule": where})
            for where in ("queue", "gateway")
            for written in ("2030-01-31T08:00:00Z", "2030-01-31T09:00:00+01:00", "2030-01-30T21:30-10:30")
        ),
        ({"ttl": timedelta(hours=1)}, {"ttl": timedelta(minutes=60)}),
        ({"context": {"a": 1, "b": [1, 2]}}, {"context": {"b": (1, 2), "a": 1}}),
        ({"context": {"a": {"x": 1, "y": 2}}}, {"context": {"a": {"y": 2, "x": 1}}}),
        ({"context": [1.0, 1e3, -0.0, 1e22]}, {"context": [1, 1000, 0, 10**22]}),
        ({"context": 2.0}, {"context": 2}),
        ({"context": {1: 2}}, {"context": {"1": 2}}),
    ],
)
def test_another_notation_is_the_same_content(one, other):
    digests = {freeze(Message(**{**GOOD, **each}, request_id="x")).digest for each in (one, other)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"recipients": [NUMBER, "+33612345679"]}, {"recipients": ["+33612345679", NUMBER]}),
        *(
            ({"send_at": AT, "schedule": where}, {"send_at": "2030-01-31T09:00:00Z", "schedule": where})
            for where in ("queue", "gateway")
        ),
        ({"send_at": AT}, {"send_at": AT, "schedule": "gateway"}),
        ({"context": [1, 2]}, {"context": [2, 1]}),
        ({"context": [True]}, {"context": [1]}),
        ({"context": "1"}, {"context": 1}),
        ({"context": {"a": 1, "b": 2}}, {"context": {"a": 2, "b": 1}}),
        ({"context": 1.5}, {"context": 1}),
        ({"context": 10**22}, {"context": 10**22 + 1}),
        ({"context": {}}, {"context": None}),
    ],
)
def test_other_content_in_a_like_notation_is_other_content(one, other):
    digests = {freeze(Message(**{**GOOD, **each}, request_id="x")).digest for each in (one, other)}
    assert len(digests) == 2


def test_threads_that_check_at_the_same_time_take_the_same_fingerprints():
    messages = [
        Message(NUMBER, f"Table {i % 9}", sender="Bistro", purpose="alert", request_id=f"booking-{i}")
        for i in range(300)
    ]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: [freeze(each).digest for each in messages], range(8)))
    assert found == [[freeze(each).digest for each in messages]] * 8
    assert len(set(found[0])) == len(messages)


def test_texts_of_one_person_are_not_kept_but_for_the_last_few():
    for remembered in (template._lately, mention_problem):
        assert remembered.cache_info().maxsize <= 8


def test_what_answers_nothing_has_the_digest_that_it_always_had():
    """A repeat after an upgrade must find its record."""
    frozen = freeze(Message(**GOOD, request_id="x", context={"b": 1}))
    whole = frozen.body + b'|None|None|{"b":1}'
    assert frozen.digest == hashlib.blake2b(whole, digest_size=16).hexdigest()
    assert freeze(Message(**GOOD, request_id="x", context={"b": 1}, reply_to=None)).digest == frozen.digest


def test_the_reply_that_is_answered_is_content_and_stays_here():
    answers = [freeze(Message(**GOOD, request_id="x", reply_to=each * 32)) for each in "ab"]
    plain = freeze(Message(**GOOD, request_id="x"))
    assert len({each.digest for each in (*answers, plain)}) == 3
    assert {each.body for each in answers} == {plain.body}
    assert [each.talk.reply_to for each in answers] == ["a" * 32, "b" * 32]
    assert plain.talk is None


@pytest.mark.parametrize("wrong", ["", "a" * 31, "A" * 32, "g" * 32, "a" * 33, 7, b"a" * 32])
def test_only_the_event_id_of_a_reply_can_be_answered(wrong):
    assert list(problems(reply_to=wrong)) == ["reply_to"]


def test_a_message_to_several_answers_nobody():
    assert list(problems(reply_to="a" * 32, recipients=[NUMBER, "+33612345679"])) == ["reply_to"]


@pytest.mark.parametrize("two_way", [True, False])
def test_a_message_names_its_numbers_and_says_whether_it_is_in_conversations(two_way):
    numbers = [NUMBER, "+33612345679"]
    frozen = freeze(Message(**{**GOOD, "recipients": numbers}, with_replies=two_way))
    assert frozen.talk == (Talk(two_way=True, reply_to="") if two_way else None)
    assert (frozen.numbers, frozen.recipients) == (numbers, 2)


def test_dates_at_the_ends_of_the_calendar_can_be_compared():
    for date in ("0001-01-01T00:00:00+14:00", "9989-12-31T23:59:59-14:00"):
        assert freeze(Message(**GOOD, send_at=date, schedule="gateway")).digest


def test_a_context_may_be_nested_deep():
    nested: object = 1.0
    for _ in range(900):
        nested = [nested, {"b": 1, "a": 2}] if _ % 450 == 0 else [nested]
    message = Message(**GOOD, context=nested)
    assert freeze(message).digest == freeze(message).digest


def test_a_minted_id_is_a_random_uuid():
    minted = [Message(**GOOD).request_id for _ in range(1000)]
    assert len(set(minted)) == 1000
    for each in minted:
        assert (str(uuid.UUID(each)), uuid.UUID(each).version) == (each, 4)
        assert uuid.UUID(each).variant == uuid.RFC_4122


def test_a_message_mints_one_id_and_keeps_it():
    message = Message(**GOOD)
    assert freeze(message).request_id == freeze(message).request_id == message.request_id
    assert Message(**GOOD).request_id != message.request_id


def test_written_numbers_are_normalised():
    assert body(recipients="+33 6 12-34.56 (78)")["recipients"] == [{"phone_number": NUMBER}]


def test_alerts_and_marketing_go_to_different_queues():
    marketing = {**GOOD, "text": "Hello STOP au 30101", "purpose": "wholesale"}
    assert freeze(Message(**GOOD)).queue == "alert"
    assert freeze(Message(**marketing)).queue == "marketing"


def test_segments_count_the_filled_text_of_each_recipient():
    recipients = [Recipient(NUMBER, param1="x"), Recipient("+33612345679", param1="y" * 50)]
    frozen = freeze(Message(recipients, "a" * 155 + "{param1}", sender="Bistro", purpose="alert"))
    assert frozen.segments == 1 + 2


@pytest.mark.parametrize("optimise", [True, False])
def test_segments_are_those_of_the_text_that_the_gateway_makes_of_it(optimise):
    costly = "L\u2019équipe vous attend demain à midi pour la fête. Répondez OUI pour confirmer votre venue."
    named = [Recipient(NUMBER, first_name="Anaïs")]
    frozen = [
        freeze(Message(NUMBER, costly, sender="Bistro", purpose="alert", auto_optimize_text=optimise)),
        freeze(
            Message(
                named,
                "{first_name}" + "a" * 70,
                sender="Bistro",
                purpose="alert",
                auto_optimize_text=optimise,
            )
        ),
        freeze(Message(NUMBER, "a  " * 60, sender="Bistro", purpose="alert", auto_optimize_text=optimise)),
    ]
    assert [each.segments for each in frozen] == ([1, 1, 1] if optimise else [2, 2, 2])


@pytest.mark.parametrize("text", ["", "a" * 1225, None, 7, b"bytes", "\ud800"])
def test_text_must_be_1_to_1224_characters_of_unicode(text):
    assert list(problems(text=text)) == ["text"]


@pytest.mark.parametrize("length", [1, 1224])
def test_text_bounds_are_inclusive(length):
    assert len(body(text="a" * length)["text"]) == length


def test_text_may_hold_newlines_and_literal_braces():
    literal = 'a\n{ } {} {0} {1er} {:-} {"a": 1} {+33} {' + "a long parenthesis " * 4 + "}"
    assert body(text=literal)["text"] == literal


@pytest.mark.parametrize("text", ["Hi {name}", "{param6}", "{First_name}"])
def test_unknown_placeholders_are_refused(text):
    assert list(problems(text=text)) == ["text"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("prénom", "first_name"), ("Prénom", "first_name"), ("pre\u0301nom", "first_name")),
        *((" first_name ", "first_name"), ("first name", "first_name"), ("first-name", "first_name")),
        *(("first.name", "first_name"), ("First_Name", "first_name"), ("firstName", "first_name")),
        *(("first_name\u200b", "first_name"), ("\u00a0first_name", "first_name"), ("Nom", "last_name")),
        *(("nom de famille", "last_name"), ("param 1", "param1"), ("ch2", "param2"), ("PARAM-5", "param5")),
    ],
)
def test_near_misses_are_refused_and_the_right_one_is_named(written, meant):
    reason = problems(text=f"Hi {{{written}}}")["text"]
    assert reason.endswith(f"; write {{{meant}}} exactly so")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hi {not a name}", "unknown placeholder"),
        ("Hi {Имя}", "unknown placeholder"),
        ("Hi {numéro de commande}", "unknown placeholder"),
        ("Hi {{first_name}}", "two pairs of braces"),
        ("Hi {first_name", "lacks a brace"),
        ("Hi first_name}", "lacks a brace"),
        ("Hi {first_name:}", "lacks a brace"),
    ],
)
def test_what_the_gateway_would_leave_in_the_text_is_refused(text, says):
    assert says in problems(text=text, recipients=Recipient(NUMBER, first_name="Zoë"))["text"]


@pytest.mark.parametrize(
    "text", [" ", "\n", "\u00a0", "\u200b", "\u2060\ufe0f\u3164", "\u2800", "\t\r\n \ufeff"]
)
def test_a_text_that_shows_nothing_is_refused(text):
    assert problems(text=text)["text"] == "must show something, not only white space"


@pytest.mark.parametrize("text", [".", "🎉", "\u00a0ж", "{}", "—"])
def test_a_text_that_shows_anything_passes(text):
    assert body(text=text)["text"] == text


def test_texts_that_are_blank_once_filled_are_refused_by_position():
    values = ["Zoë", "", " ", "\u00a0\u200b", "."]
    to = [Recipient(f"+3361234567{i}", first_name=value) for i, value in enumerate(values)]
    assert list(problems(recipients=to, text=" {first_name}\n")) == [
        f"recipients[{i}].text" for i in (1, 2, 3)
    ]
    assert body(recipients=to, text="{first_name}!")


def test_the_length_is_that_of_each_filled_text():
    to = [Recipient(f"+3361234567{i}", first_name="x" * n) for i, n in enumerate((24, 25, 0, 50))]
    assert list(problems(recipients=to, text="a" * 1200 + "{first_name}")) == [
        "recipients[1].text",
        "recipients[3].text",
    ]


def test_placeholders_count_in_a_template_as_they_stand():
    """Nobody says whether the gateway counts before or after it fills them: neither may be too much."""
    text = "a" * 1201 + "{first_name}{last_name}"
    assert body(recipients=Recipient(NUMBER, first_name="", last_name=""), text=text)["text"] == text
    assert list(problems(text="a" + text)) == ["text", "recipients[0].first_name", "recipients[0].last_name"]


@given(
    st.text("{}a \u00a0", max_size=8),
    st.text(max_size=50).filter(lambda value: value.isprintable() or not value.strip()),
    st.integers(1170, 1216),
)
def test_what_passes_is_neither_blank_nor_too_long_for_anybody(literal, value, padding):
    recipient = Recipient(NUMBER, param1=value)
    for text in (f"{literal}{{param1}}", "a" * padding + "{param1}"):
        try:
            freeze(Message(recipient, text, sender="Bistro", purpose="alert"))
        except InvalidMessage:
            continue
        filled = text.replace("{param1}", value)
        assert 1 <= len(filled) <= 1224
        assert filled.strip()


def test_a_placeholder_without_a_value_names_the_recipient_and_the_variable():
    recipients = [Recipient(NUMBER, param1="1"), Recipient("+33612345679")]
    assert list(problems(recipients=recipients, text="{param1}")) == ["recipients[1].param1"]


def test_an_empty_value_is_a_value():
    assert body(recipients=Recipient(NUMBER, param1=""), text="{param1}!")["recipients"][0]["param1"] == ""


@pytest.mark.parametrize(
    "number",
    [
        *(
            "",
            "0612345678",
            "33612345678",
            "0033512345678901",
            "+33612345678\n",
            "\n+33612345678",
            "+336123456789",
        ),
        *("+٣٣٦١٢٣٤٥٦٧٨", "+3361234567８", "+33 6 12 34 56 78 ext 5", "not a number", "+", "+999999999999"),
        *(None, 33612345678, b"+33612345678"),
    ],
)
def test_bad_numbers_are_refused_by_position(number):
    assert list(problems(recipients=[Recipient("+33612345670"), Recipient(number)])) == [
        "recipients[1].phone_number"
    ]


@pytest.mark.parametrize("recipients", [[], None, 7, {"phone_number": NUMBER}, b"+33612345678"])
def test_recipients_must_be_a_number_a_recipient_or_a_list(recipients):
    assert list(problems(recipients=recipients)) == ["recipients"]


def test_an_item_that_is_no_recipient_is_named():
    assert list(problems(recipients=[NUMBER, {"phone_number": NUMBER}])) == ["recipients[1]"]


def test_500_recipients_pass_and_501_do_not():
    numbers = [f"+336123{i:05}" for i in range(501)]
    assert len(body(recipients=numbers[:500])["recipients"]) == 500
    assert list(problems(recipients=numbers)) == ["recipients"]


def test_the_same_number_twice_is_refused_however_it_is_written():
    fields = problems(recipients=[NUMBER, "+33 6 12 34 56 78"])
    assert fields == {"recipients[1].phone_number": "same number as recipients[0]"}


def test_what_is_no_number_is_refused_as_that_and_not_as_a_repeat():
    fields = problems(recipients=["06"] * 3)
    assert [reason.startswith("must be international") for reason in fields.values()] == [True] * 3


@pytest.mark.parametrize("name", ["first_name", "last_name", "param1", "param5"])
@pytest.mark.parametrize("value", ["a" * 51, 7, "\ud800"])
def test_variables_are_text_of_at_most_50_characters(name, value):
    assert list(problems(recipients=Recipient(NUMBER, **{name: value}))) == [f"recipients[0].{name}"]


@pytest.mark.parametrize(
    "sender", ["", "ab", "a" * 12, "Bis tro", "Bistro!", "Café", "abc\n", None, 12345, "١٢٣"]
)
def test_sender_must_be_3_to_11_letters_and_digits(sender):
    assert list(problems(sender=sender)) == ["sender"]


def test_a_setting_allows_spaces_inside_a_sender():
    assert freeze(Message(**{**GOOD, "sender": "Le Bistro"}), allow_spaces=True)
    for sender in (" Bistro", "Bistro ", "   ", "a b\n", "a" * 12):
        with pytest.raises(InvalidMessage):
            freeze(Message(**{**GOOD, "sender": sender}), allow_spaces=True)


@pytest.mark.parametrize("name", ["type", "purpose", "schedule"])
@pytest.mark.parametrize("value", ["", "sms", None, 1, ["alert"]])
def test_words_must_be_known(name, value):
    assert list(problems(**{name: value})) == [name]


@pytest.mark.parametrize(
    "name", ["with_replies", "simulation_mode", "auto_optimize_text", "auto_remove_blacklisted_numbers"]
)
@pytest.mark.parametrize("value", [None, 1, "true"])
def test_flags_must_be_bools(name, value):
    assert list(problems(**{name: value})) == [name]


@pytest.mark.parametrize(
    "value",
    [datetime(2030, 1, 1), "2030-01-01T00:00:00", "tomorrow", "", 7, timedelta(1)],  # noqa: DTZ001
)
def test_dates_need_an_offset(value):
    assert list(problems(send_at=value)) == ["send_at"]


@pytest.mark.parametrize("value", [timedelta(0), timedelta(seconds=-1), 60, "1h"])
def test_ttl_must_be_a_positive_timedelta(value):
    assert list(problems(ttl=value)) == ["ttl"]


def test_a_context_is_any_json_value_up_to_4_kib():
    assert freeze(Message(**GOOD, context="é" * 2047)).context == '"' + "é" * 2047 + '"'
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    for value in ({1, 2}, object(), float("nan"), b"x", "\ud800", "é" * 2048, nested, datetime.now(UTC)):
        assert list(problems(context=value)) == ["context"]


@pytest.mark.parametrize("value", ["", "a" * 37, "a b", "a\n", "é", 7, b"x", "١"])
def test_request_ids_are_1_to_36_plain_characters(value):
    assert list(problems(request_id=value)) == ["request_id"]


def test_an_empty_request_id_is_refused_with_what_to_give_instead():
    assert problems(request_id="")["request_id"].endswith("or None to have one made")


def test_a_request_id_that_is_too_long_is_refused_with_its_length():
    assert "it has 44 characters" in problems(request_id=f"booking-{uuid.UUID(int=1)}")["request_id"]
    assert "it has" not in problems(request_id="a b")["request_id"]


def test_all_bad_fields_are_listed_at_once_without_their_values():
    with pytest.raises(InvalidMessage) as caught:
        freeze(Message(["+3361SECRET", 7], "", sender="SECRET!", purpose="SECRET", ttl=0, context={1}))
    assert set(caught.value.fields) == {
        *("recipients[0].phone_number", "recipients[1]", "text", "sender", "purpose", "ttl", "context"),
    }
    assert "SECRET" not in str(caught.value)


def test_equal_values_of_another_type_are_not_taken_for_ones_checked_before():
    freeze(Message(**GOOD, with_replies=True, auto_optimize_text=False))
    assert list(problems(with_replies=1)) == ["with_replies"]
    assert list(problems(auto_optimize_text=0.0)) == ["auto_optimize_text"]
    freeze(Message(**{**GOOD, "sender": "Le Bistro"}), allow_spaces=True)
    assert list(problems(sender="Le Bistro")) == ["sender"]


def test_a_refused_text_is_still_compared_with_the_values():
    assert set(problems(text="{name} {param1}")) == {"text", "recipients[0].param1"}
    assert set(problems(text="a" * 1225 + "{param1}")) == {"text", "recipients[0].param1"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(finite(each) for each in inner)


def rewritten(value: object) -> object:
    """Write the same JSON value in another way."""
    if isinstance(value, dict):
        return {name: rewritten(each) for name, each in reversed(value.items())}
    if isinstance(value, list):
        return tuple(map(rewritten, value))
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return float(value) if whole else value  # type: ignore[arg-type]


@given(JSON.filter(lambda value: value is not None and finite(value)))
def test_a_context_in_another_notation_is_the_same_content(value):
    message = {**GOOD, "request_id": "x"}
    assert (
        freeze(Message(**message, context=value)).digest
        == freeze(Message(**message, context=rewritten(value))).digest
    )


@given(JSON.filter(lambda value: value is not None))
def test_a_context_reads_back_as_the_same_value(value):
    if not finite(value):
        assert list(problems(context=value)) == ["context"]
        return
    assert json.loads(freeze(Message(**GOOD, context=value)).context) == value


TEMPLATE = {**GOOD, "recipients": Recipient(NUMBER, param1="x"), "text": "Hello {param1}"}


def share(**fields: object) -> str:
    """Freeze a template and return what it shares a call by."""
    return freeze(Message(**{**TEMPLATE, **fields})).share


def test_messages_of_one_template_share_whoever_gets_them():
    other = Recipient("+447400123456", param1="y", first_name="Zoë")
    assert share()
    assert share() == share(recipients=other) == share(recipients=[other], context=[1], request_id="b")
    assert share() == share(send_at="2030-01-31T09:00:00+01:00")


def test_marketing_shares_a_call_within_one_zone_only():
    sale = {"purpose": "wholesale", "text": "Hello {param1} STOP au 30101"}
    reunion = Recipient("+262692123456", param1="y")
    assert share(**sale) == share(**sale, recipients=Recipient("+33752345678", param1="y")) != ""
    assert share(**sale) != share(**sale, recipients=reunion)
    assert share(**sale) != share(**sale, zone="FR-AM")
    assert share(**sale, zone="RE") == share(**sale, recipients=reunion)


@pytest.mark.parametrize(
    "change",
    [
        *({"text": "Hello {param1}!"}, {"sender": "Bistro2"}, {"type": "sms_low_cost"}),
        *({"with_replies": True}, {"auto_optimize_text": False}, {"text": "{param1}: Hello"}),
        *({"ttl": timedelta(minutes=1)}, {"ttl": timedelta(minutes=2)}),
    ],
)
def test_templates_that_differ_in_anything_do_not_share(change):
    assert share(**change)
    assert share(**change) != share()
    assert share(**change) != share(**{**change, "sender": "Other"})
    marketing = {"purpose": "wholesale", "text": f"{change.get('text', 'Hello {param1}')} STOP au 30101"}
    assert share(**{**change, **marketing}) != share(**marketing | {"purpose": "alert"}) != share(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Hello"},
        {"text": "Hello { } {0}"},
        {"recipients": [Recipient(NUMBER, param1="x"), Recipient("+33612345679", param1="y")]},
        {"send_at": "2030-01-31T09:00:00+01:00", "schedule": "gateway"},
        {"simulation_mode": True},
        {"auto_remove_blacklisted_numbers": True},
    ],
)
def test_what_must_leave_alone_shares_nothing(change):
    assert share(**change) == ""


def test_slices_of_a_campaign_share_nothing():
    assert freeze(Message(**TEMPLATE), campaign="c").share == ""


def test_the_same_text_to_the_same_people_in_any_order_is_seen_as_the_same():
    def seen(*numbers: str, **options: Any) -> str:
        message = Message(numbers, **{"text": "Hi STOP au 30101", "sender": "Bistro", **options})
        return content.seen(freeze(message).body.decode(), len(numbers))

    first = seen("+33612345678", "+33612345679")
    assert seen("+33612345679", "+33612345678", context=1, purpose="alert", type="sms_low_cost") == first
    for other in ({"text": "Ho STOP au 30101"}, {"sender": "Shop"}):
        assert seen("+33612345678", "+33612345679", **other) != first
    assert seen("+33612345678") != first


class Rendered(str):
    """A text of a class of its own, as Django's templates make it: its `str()` is itself."""

    __slots__ = ()

    def __str__(self) -> str:
        return self


class Compared(str):  # noqa: PLW1641 - that is what it is for
    """A text that says itself when it is equal, and so has no hash: nobody can look it up."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)


class Misleading(str):
    """A text whose methods tell of another one."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __str__(self) -> str:
        return "another"

    def __format__(self, form: str) -> str:
        return "another"

    def encode(self, *_: object) -> bytes:
        return b"another"

    def translate(self, *_: object) -> str:
        return "another"

    def __getitem__(self, _: object) -> str:
        return "a"


def named(value: str) -> str:
    """Make a member of a text enumeration: its `str()` is its name."""
    return Enum("Texts", {"ONE": value}, type=str)(value)


@pytest.mark.parametrize("own", [Rendered, Compared, Misleading, named])
def test_a_text_of_a_class_of_its_own_is_the_text_that_it_is(own):
    plain = {
        "recipients": Recipient(NUMBER, param1="Zoé", zone="FR"),
        "text": "Hello {param1}",
        "sender": "Bistro",
        "type": "sms_low_cost",
        "purpose": "alert",
        "request_id": "booking-42",
        "reply_to": "0" * 32,
        "context": "a table",
        "schedule": "queue",
        "zone": "GP",
    }
    recipient = Recipient(own(NUMBER), param1=own("Zoé"), zone=own("FR"))
    given = {name: own(value) for name, value in plain.items() if isinstance(value, str)}

    frozen = freeze(Message(**{**given, "recipients": recipient}))

    assert frozen == freeze(Message(**plain))
    assert freeze(Message(**GOOD | {"recipients": own(NUMBER)})).numbers == [NUMBER]
    date = "2030-01-31T09:00:00+01:00"
    assert freeze(Message(**GOOD, request_id="x", send_at=own(date))) == freeze(
        Message(**GOOD, request_id="x", send_at=date)
    )
    for name in ("purpose", "type", "schedule", "sender", "zone", "request_id"):
        assert problems(**{name: own("n o")}) == problems(**{name: "n o"})
    written = [frozen.request_id, frozen.queue, frozen.context, frozen.zones, frozen.share, *frozen.numbers]
    assert {type(each) for each in written} == {str}
