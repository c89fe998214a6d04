"""The rules of texts and senders: the mention, the name, the bound of segments."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.errors import ConfigError, InvalidMessage
from producers.messages.message import Message, freeze
from producers.messages.recipient import Recipient
from producers.messages.segments import billed
from producers.rules.settings import RulesSettings
from producers.rules.text import GENERIC, mention_problem
from producers.settings import ProducerSettings

NUMBER = "+33612345678"
BELGIAN, SPANISH, REUNION, MAYOTTE = "+32470123456", "+34612345678", "+262692123456", "+262639012345"
SALE = "-20% ce soir chez Bistro. STOP au 30101"
ADDING = RulesSettings(stop_mention_add=True)
OPTIMISING = RulesSettings(text_optimize=True)


def frozen(text=SALE, to=NUMBER, rules=RulesSettings(), **options):  # noqa: B008 - frozen itself
    return freeze(Message(to, text, **{"sender": "Bistro", **options}), rules=rules)


def body(*args, **options):
    return json.loads(frozen(*args, **options).body)


def problems(*args, **options):
    with pytest.raises(InvalidMessage) as caught:
        frozen(*args, **options)
    return caught.value.fields


# The mention.


@pytest.mark.parametrize(
    "text",
    [
        SALE,
        "STOP au 30101 pour refuser",
        "Sale (STOP au 30101)",
        "a\nSTOP au 30101\nb",
        "{first_name} STOP au 30101 {first_name}",
        "stop au 30101, I mean STOP au 30101",
    ],
)
def test_marketing_with_the_mention_passes(text):
    assert frozen(text, Recipient(NUMBER, first_name="Zoë")).queue == "marketing"


@pytest.mark.parametrize(
    "text",
    [
        *("Sale", "Sale STOP", "STOP au 30102", "STOP au 301012", "NONSTOP au 30101", "STOP {param1} 30101"),
        # What is filled in may be a 2, or NON.
        *("STOP au 30101{param1}", "{param1}STOP au 30101"),
    ],
)
def test_marketing_without_the_mention_is_refused(text):
    said = problems(text, Recipient(NUMBER, param1="au"))
    assert said == {
        "text": 'must have the mention "STOP au 30101" outside of placeholders, as marketing to France must'
    }


@pytest.mark.parametrize("written", ["stop au 30101", "STOP AU 30101", "STOP  au 30101", "STOPau30101"])
@pytest.mark.parametrize("rules", [RulesSettings(), ADDING])
def test_a_mention_in_another_case_is_refused_and_the_right_one_is_named(written, rules):
    said = problems(f"Sale {written}", rules=rules)
    assert said == {"text": 'must have the mention exactly so, case and spaces included: "STOP au 30101"'}


def test_a_mention_that_only_a_placeholder_brings_is_none():
    to = Recipient(NUMBER, param1="STOP au 30101")
    assert list(problems("Sale {param1}", to)) == ["text"]


@pytest.mark.parametrize(
    "to", [NUMBER, REUNION, "+590690123456", "+687751234", "+68987123456", [BELGIAN, NUMBER]]
)
def test_one_recipient_in_france_or_overseas_makes_the_mention_necessary(to):
    assert list(problems("Sale", to)) == ["text"]


@pytest.mark.parametrize("options", [{"to": BELGIAN}, {"purpose": "alert"}])
def test_other_countries_and_alerts_need_no_mention(options):
    assert frozen("Sale", **options).warnings == ()


def test_another_mention_can_be_chosen():
    rules = RulesSettings(stop_mention="STOP au 36111")
    assert frozen("Sale STOP au 36111", rules=rules)
    assert "STOP au 36111" in problems(SALE, rules=rules)["text"]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Sale", "Sale STOP au 30101"),
        ("Sale\n", "Sale\nSTOP au 30101"),
        ("Sale ", "Sale STOP au 30101"),
        (SALE, SALE),
        ("{param1}", "{param1} STOP au 30101"),
    ],
)
def test_the_mention_is_added_where_that_is_wanted(text, sent):
    assert body(text, Recipient(NUMBER, param1="x"), ADDING)["text"] == sent


def test_the_mention_is_added_to_marketing_to_france_only():
    assert (
        body("Sale", BELGIAN, ADDING)["text"]
        == body("Sale", NUMBER, ADDING, purpose="alert")["text"]
        == "Sale"
    )


def test_what_is_added_is_counted():
    assert frozen("x" * 146, rules=ADDING).segments == 1
    assert frozen("x" * 147, rules=ADDING).segments == 2
    assert list(problems("x" * 1211, rules=ADDING)) == ["text"]


@pytest.mark.parametrize("text", ["", " ", "\u200b"])
def test_the_mention_makes_no_text_of_nothing(text):
    assert list(problems(text, rules=ADDING)) == ["text"]


def test_a_message_with_the_mention_added_is_the_same_message_when_it_is_repeated():
    digests = {frozen("Sale", rules=ADDING, request_id="a").digest for _ in range(2)}
    assert digests == {frozen("Sale STOP au 30101", request_id="a").digest}


@pytest.mark.parametrize("text", [SALE, "Your table STOP au 30101", "Table, stop AU 30101"])
def test_a_mention_in_an_alert_is_a_warning(text):
    assert frozen(text, purpose="alert").warnings == (
        "text: has the mention of marketing; whoever filters may take this alert for marketing",
    )
    assert frozen(SALE).warnings == ()


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_text_has_the_mention_only_where_the_gateway_would_find_it(before, after):
    text = f"{before}STOP au 30101{after}"
    for written in (text, text.lower(), before + after):
        if not mention_problem((written,), "STOP au 30101"):
            assert "STOP au 30101" in written


# The sender.


@pytest.mark.parametrize("sender", ["123", "36111", "00000000000"])
def test_a_sender_of_digits_only_is_refused(sender):
    assert problems(sender=sender) == {"sender": "must not be digits only"}


@pytest.mark.parametrize("sender", ["INFO", "Info", "alert", "SMS", "sms1", *sorted(GENERIC)])
def test_a_sender_that_names_nobody_is_refused(sender):
    said = problems(sender=sender)
    assert said == {"sender": "must name you: operators refuse words such as INFO, ALERT or SMS"}


@pytest.mark.parametrize("sender", ["Bistro", "Shop", "3Suisses", "InfoBistro", "SMSBox", "A11"])
def test_a_sender_that_names_somebody_passes(sender):
    assert body(sender=sender)["sender"] == sender


def test_a_generic_word_that_is_a_registered_name_passes():
    assert frozen(sender="INFO", rules=RulesSettings(country_senders="FR:INFO"))


def test_spain_takes_registered_senders_only():
    assert problems("Sale", SPANISH) == {"sender": "must be one that SENDERS lists for ES"}
    assert frozen("Sale", SPANISH, RulesSettings(country_senders="ES:Bistro"))
    assert problems("Sale", SPANISH, RulesSettings(country_senders="ES:Bistro"), sender="BISTRO")
    assert frozen("Sale", [SPANISH, BELGIAN], RulesSettings(country_senders="ES:Bistro"), purpose="alert")


def test_what_was_found_for_one_owner_holds_for_no_other():
    # Both are looked up again, one after the other: nothing of one may be taken for the other's.
    text, other = (
        "Sale. STOP au 36111",
        RulesSettings(stop_mention="STOP au 36111", country_senders="FR:Shop"),
    )
    for _ in range(2):
        assert set(problems(text)) == {"text"}
        assert set(problems(text, rules=other)) == {"sender"}
        assert frozen(text, rules=other, sender="Shop")
        assert not problems(text, sender="INFO")["sender"].startswith("must be one")


@pytest.mark.parametrize(
    ("listed", "to", "passes"),
    [
        ("FR:Bistro,Shop", NUMBER, True),
        ("FR:Shop", NUMBER, False),
        ("FR:Shop", BELGIAN, True),
        ("FR:Shop;BE:Bistro", [BELGIAN, NUMBER], False),
        ("FR:Bistro;ES:Bistro", [SPANISH, NUMBER], True),
        ("RE:Shop", MAYOTTE, True),
        ("RE:Shop", REUNION, False),
        ("CA:Shop", "+12125550123", True),
        ("CA:Shop", "+14165550123", False),
    ],
)
def test_a_country_that_is_listed_takes_only_its_senders(listed, to, passes):
    rules = RulesSettings(country_senders=listed)
    if passes:
        assert frozen(to=to, rules=rules)
    else:
        assert list(problems(to=to, rules=rules)) == ["sender"]


def test_everything_wrong_is_reported_at_once():
    said = problems("stop au 30101", [NUMBER, "rubbish"], sender="INFO", ttl=7)
    assert set(said) == {"text", "recipients[1].phone_number", "sender", "ttl"}


# The bound of segments.


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("a" * 1224, True),
        ("a" * 1225, False),
        ("a" * 1223 + "€", False),
        ("ê" * 536, True),
        ("ê" * 537, False),
        ("🎉" * 264, True),
        ("🎉" * 265, False),
    ],
)
def test_a_text_takes_eight_segments_at_most(text, passes):
    options = {"purpose": "alert", "auto_optimize_text": False}
    if passes:
        assert frozen(text, **options).segments <= 8
    else:
        assert list(problems(text, **options)) == ["text"]


def test_what_the_gateway_rewrites_is_counted_as_it_rewrites_it():
    assert frozen("ê" * 537, purpose="alert").segments == 4


def test_each_recipient_is_held_to_the_bound_by_position():
    to = [Recipient(NUMBER, param1="x"), Recipient("+33612345679", param1="œ")]
    said = problems("a" * 600 + "{param1}", to, purpose="alert")
    assert said == {"recipients[1].text": "takes 9 segments, and must take at most 8"}


@pytest.mark.parametrize("most", range(1, 9))
def test_fewer_segments_can_be_chosen(most):
    rules = RulesSettings(segments_max=most)
    longest = 160 if most == 1 else 153 * most
    assert frozen("a" * longest, purpose="alert", rules=rules).segments == most
    assert problems("a" * (longest + 1), purpose="alert", rules=rules)["text"]


# TEXT_OPTIMIZE.


def test_a_text_is_rewritten_before_it_is_queued_and_not_by_the_gateway():
    sent = body("C\u2019est un cœur\u00a0! STOP\u202fau 30101", rules=OPTIMISING)
    assert (sent["text"], sent["auto_optimize_text"]) == ("C'est un coeur ! STOP au 30101", False)


def test_values_are_rewritten_too_and_still_fit():
    to = [Recipient(NUMBER, param1="cœur", param2="ê"), Recipient("+33612345679", param1="œ" * 26)]
    sent = body("{param1} STOP au 30101", to, OPTIMISING)["recipients"]
    assert sent[0] == {"phone_number": NUMBER, "param1": "coeur", "param2": "ê"}
    assert sent[1]["param1"] == "œ" * 26


def test_whoever_wants_a_text_as_it_is_gets_it_as_it_is():
    sent = body("cœur  STOP au 30101", rules=OPTIMISING, auto_optimize_text=False)
    assert (sent["text"], sent["auto_optimize_text"]) == ("cœur  STOP au 30101", False)


@settings(deadline=None)
@given(st.text("aéêœ…\u00a0 €🎉", max_size=150), st.text("aéœ… ", max_size=50), st.booleans())
def test_segments_are_those_of_the_text_that_leaves(text, value, wanted):
    message = Message(
        Recipient(NUMBER, param1=value),
        f"x{text}{{param1}}",
        sender="Bistro",
        purpose="alert",
        auto_optimize_text=wanted,
    )
    made = freeze(message, rules=OPTIMISING)
    sent = json.loads(made.body)
    filled = sent["text"].replace("{param1}", sent["recipients"][0].get("param1") or "")
    assert made.segments == billed(filled, optimise=False)


def test_messages_that_are_rewritten_by_us_and_by_the_gateway_share_no_call():
    to = Recipient(NUMBER, param1="x")
    assert (
        frozen("{param1} STOP au 30101", to).share != frozen("{param1} STOP au 30101", to, OPTIMISING).share
    )


# Settings.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STOP_MENTION", "STO"),
        ("STOP_MENTION", "STOP  au 30101"),
        ("STOP_MENTION", "STOP {param1}"),
        ("STOP_MENTION", "ARRÊT au 30101"),
        ("STOP_MENTION", "x" * 41),
        ("STOP_MENTION_ADD", "maybe"),
        ("SENDERS", "Bistro"),
        ("SENDERS", "XX:Bistro"),
        ("SENDERS", "es:Bistro"),
        ("SENDERS", "ES:"),
        ("SENDERS", "ES:12345"),
        ("SENDERS", "ES:Bistro;ES:Shop"),
        ("SENDERS", "ES:Bistro,Caf\u00e9"),
        ("SEGMENTS_MAX", "0"),
        ("SEGMENTS_MAX", "9"),
        ("SEGMENTS_MAX", "2.5"),
        ("TEXT_OPTIMIZE", "2"),
        ("PRICE_UNKNOWN", "-0.25"),
        ("PRICE_UNKNOWN", "nan"),
        ("PRICE_UNKNOWN", "0.1234567"),
        ("PRICE_UNKNOWN", "never"),
    ],
)
def test_a_setting_that_will_not_do_is_named_without_its_value(name, value):
    with pytest.raises(ConfigError) as caught:
        ProducerSettings.from_env({name: value})
    assert list(caught.value.problems) == [name]
    assert value not in caught.value.problems[name].split()


def test_all_settings_of_texts_are_read():
    read = ProducerSettings.from_env(
        {
            "STOP_MENTION": "STOP to 36111",
            "STOP_MENTION_ADD": "1",
            "SENDERS": "ES:Bistro; FR:Bistro, Shop;",
            "SEGMENTS_MAX": "3",
            "TEXT_OPTIMIZE": "1",
            "PRICE_UNKNOWN": "refuse",
        }
    )
    assert read == ProducerSettings(
        stop_mention="STOP to 36111",
        stop_mention_add=True,
        country_senders="ES:Bistro; FR:Bistro, Shop;",
        segments_max=3,
        text_optimize=True,
        price_unknown="refuse",
    )
    assert frozen("Sale STOP to 36111", rules=read, sender="Shop")
