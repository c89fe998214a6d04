"""A preview is exact where recipients are given, and else never less than anybody gets."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from producers import Flip, InvalidMessage, Message, Recipient, check_campaign
from producers.contract.prices import Prices, read_price, tariff_name
from producers.messages.message import freeze
from producers.messages.recipient import VARIABLES
from producers.messages.segments import segment
from producers.messages.wording import REPLIES_DOUBTFUL
from producers.queueing.chunks import chunks
from producers.queueing.preview import Preview, Previewer
from producers.settings import ProducerSettings

TEXT = "Bonjour {first_name}, -20% ce soir chez Bistro. STOP au 30101"
ASSUMED = Prices(Decimal("0.25"))
PLAIN = ProducerSettings()
LEFT = {"auto_optimize_text": False}


def number(place: int) -> str:
    return f"+336{12_000_000 + place:08d}"


def previewed(
    given=(), text=TEXT, *, settings=PLAIN, prices=ASSUMED, bad=lambda *_: None, now=None, **options
) -> Preview:
    counting = Previewer(text, options, settings=settings, prices=prices, on_invalid=bad, now=now)
    for chunk in chunks(given):
        counting.take(chunk)
    return counting.result()


def named(*names):
    return [Recipient(number(i), first_name=name) for i, name in enumerate(names)]


@pytest.mark.parametrize(
    ("name", "units", "encoding", "segments"),
    [("Léa", 52, "gsm7", 1), ("Zoë", 52, "ucs2", 1), ("X" * 50, 99, "gsm7", 1), ("ê" * 50, 99, "ucs2", 2)],
)
def test_a_name_decides_what_a_text_becomes(name, units, encoding, segments):
    seen = previewed(named(name), **LEFT)
    assert segment(TEXT.replace("{first_name}", name)).units == units
    assert (seen.encoding, seen.minimum, seen.maximum) == (encoding, segments, segments)


def test_what_would_be_over_before_its_zone_opens_is_a_problem_where_the_time_is_given():
    night = datetime(2026, 12, 5, 21, tzinfo=ZoneInfo("Europe/Paris"))
    chosen = {"ttl": timedelta(hours=1), "sender": "Bistro"}

    said = previewed(named("Léa"), now=night, **chosen).problems
    assert said == {"ttl": "is over before it may leave: held until Mon 08:00, after 20:00, then Sunday"}
    assert previewed(named("Léa"), **chosen).problems == {}
    assert previewed(named("Léa"), now=night, purpose="alert", **chosen).problems == {}
    assert previewed([Recipient("+68987123456", first_name="Léa")], now=night, **chosen).problems == {}


def test_a_zone_that_is_none_is_a_problem_and_who_is_nowhere_gets_no_marketing():
    nowhere = "+870773111632"  # a satellite phone
    assert list(previewed(named("Léa"), zone="Paris").problems) == ["zone"]
    assert previewed([*named("Léa"), Recipient(nowhere, first_name="Zoë")]).left_out == 1
    assert previewed([Recipient(nowhere, first_name="Zoë", zone="FR")]).left_out == 0
    assert previewed([Recipient(nowhere, first_name="Zoë")], purpose="alert").left_out == 0


def test_what_the_gateway_rewrites_costs_nothing():
    seen = previewed(named("Zoë", "ê" * 50))
    assert (seen.encoding, seen.maximum, seen.flips) == ("gsm7", 1, ())


def test_fewest_median_and_most_are_told_with_what_it_costs():
    seen = previewed(named("Léa", "Zoë", "X" * 50, "ê" * 50, "ê" * 49), **LEFT)
    assert (seen.recipients, seen.messages, seen.segments) == (5, 1, 7)
    assert (seen.minimum, seen.middle, seen.maximum) == (1, 1, 2)
    assert (seen.cost, seen.assumed) == (Decimal("1.75"), 5)
    assert previewed(named("Zoë", "ê" * 50, "ê" * 49), **LEFT).middle == 2


def test_the_text_and_the_columns_that_turn_it_to_ucs2_are_told():
    given = [
        Recipient(number(0), first_name="Zoë", param1="œ"),
        Recipient(number(1), first_name="Anaïs", param1="x"),
        Recipient(number(2), first_name="Zoë", param1="x"),
    ]
    seen = previewed(given, "L\u2019œuvre, {first_name} {param1} STOP au 30101", **LEFT)
    assert seen.flips == (Flip("text", "\u2019œ", 3), Flip("first_name", "ëï", 3), Flip("param1", "œ", 1))


def test_at_most_ten_characters_are_told_the_most_frequent_first():
    seen = previewed(named("ê", "êô", "абвгдежзийк"), **LEFT)
    assert seen.flips[0].characters[0] == "ê"
    assert len(seen.flips[0].characters) == 10


def test_what_text_optimize_would_save_is_what_it_saves():
    given, text = named("cœur" * 5, "Léa", "🎉" * 20), "Bonjour {first_name}\u00a0!" + " STOP au 30101" * 4
    seen = previewed(given, text)
    with_it = previewed(given, text, settings=ProducerSettings(text_optimize=True))
    assert seen.saved == seen.segments - with_it.segments > 0
    assert with_it.saved == 0
    assert previewed((), "Un cœur " + "x" * 80 + " STOP au 30101").saved == 1


def test_without_recipients_one_whom_nobody_knows_is_counted():
    seen = previewed()
    assert (seen.recipients, seen.messages, seen.encoding) == (0, 0, "gsm7")
    assert (seen.minimum, seen.middle, seen.maximum, seen.segments) == (1, 1, 3, 1)
    assert (seen.cost, seen.worst_cost) == (Decimal("0.25"), Decimal("0.75"))
    assert previewed((), "Café STOP au 30101").maximum == 1


VALUES = st.text(max_size=50) | st.text("aéêœ…€^🎉 \u202f", max_size=50)
PEOPLE = st.lists(
    st.fixed_dictionaries(dict.fromkeys(("first_name", "param1"), VALUES)), min_size=1, max_size=6
)
TEXTS = st.builds(
    "{}{}{}{}{} STOP au 30101".format,
    st.text("aéêœ…€🎉 \u202f", max_size=90),
    st.sampled_from(["{first_name}", "{param1} ", "{first_name}{param1}", " {param1}{param1}"]),
    st.text("aéêœ…€🎉 \n&", max_size=90),
    st.sampled_from(["", "{first_name}", " {param1}"]),
    st.text("aê🎉€ ", max_size=20),
)
SETTINGS = st.builds(ProducerSettings, text_optimize=st.booleans(), stop_mention_add=st.booleans())


@limits(deadline=None)
@given(TEXTS, PEOPLE, SETTINGS, st.booleans())
def test_a_previews_maximum_is_never_less_than_what_a_recipient_gets(text, people, settings, optimise):
    bound = previewed((), text, settings=settings, auto_optimize_text=optimise).maximum
    to = [Recipient(number(i), **values) for i, values in enumerate(people)]
    exact = previewed(to, text, settings=settings, auto_optimize_text=optimise)
    actual = []
    for each in to:
        message = Message(each, text, sender="Bistro", auto_optimize_text=optimise)
        try:
            actual.append(freeze(message, rules=settings).segments)
        except InvalidMessage:
            continue
    assert (exact.recipients, exact.segments) == (len(actual), sum(actual))
    if actual:
        assert bound >= max(actual) == exact.maximum
        assert min(actual) == exact.minimum


GIVEN = st.lists(
    st.builds(
        Recipient,
        st.sampled_from([*map(number, range(6)), "+33 6 12 00 00 01", "rubbish", "+34612345678"]),
        first_name=st.none() | st.sampled_from(["Zoë", "œ" * 50, "x" * 51, "y"]),
    ),
    min_size=1,
    max_size=20,
)


@limits(deadline=None)
@given(
    GIVEN,
    st.sampled_from([TEXT, TEXT * 9, "Hello STOP au 30101"]),
    st.sampled_from(["*", "FR,BE"]),
    st.sampled_from(["", f"{number(1)},{number(2)}"]),
)
def test_a_preview_counts_and_leaves_out_whom_a_campaign_would(given, text, countries, numbers):
    settings = ProducerSettings(
        country_senders="ES:Bistro", allowed_countries=countries, allowed_numbers=numbers
    )
    told, foretold = [], []
    check = check_campaign(
        text,
        given,
        sender="Bistro",
        settings=settings,
        on_invalid=lambda i, _, error: told.append((i, error.fields)),
    )
    seen = previewed(
        given,
        text,
        sender="Bistro",
        settings=settings,
        bad=lambda i, _, error: foretold.append((i, error.fields)),
    )
    assert (seen.recipients, seen.messages, seen.segments, seen.left_out) == (
        *(check.recipients, check.slices, check.segments, check.left_out),
    )
    assert foretold == told


def test_recipients_are_counted_over_chunks_each_number_once():
    given = [number(i % 1203) for i in range(1300)]
    seen = previewed(given, "Hello STOP au 30101")
    assert (seen.recipients, seen.messages, seen.left_out) == (1203, 3, 97)


@pytest.mark.parametrize(
    ("text", "options", "fields"),
    [
        ("Sale", {}, ["text"]),
        ("Sale stop au 30101", {}, ["text"]),
        ("Sale {nobody} STOP au 30101", {}, ["text"]),
        ("", {}, ["text"]),
        (7, {}, ["text"]),
        ("\ud800 STOP au 30101", {}, ["text"]),
        ("a" * 1225 + " STOP au 30101", {}, ["text"]),
        (TEXT, {"sender": "INFO"}, ["sender"]),
        (TEXT, {"sender": "x"}, ["sender"]),
        (TEXT, {"purpose": "spam", "type": "fax"}, ["purpose", "type"]),
        (TEXT, {"send_at": "tomorrow", "ttl": 7, "context": {1, 2}}, ["context", "send_at", "ttl"]),
    ],
)
@pytest.mark.parametrize("given", [(), named("Léa")])
def test_a_preview_refuses_nothing_and_names_every_problem(text, options, fields, given):
    assert sorted(previewed(given, text, **options).problems) == fields


def test_a_sender_that_a_country_does_not_know_is_a_problem_only_if_it_is_named():
    to = [Recipient("+34612345678", first_name="Ana")]
    assert previewed(to).problems == {}
    assert list(previewed(to, sender="Bistro").problems) == ["sender"]


def test_the_mention_in_an_alert_is_a_warning():
    assert len(previewed(named("Léa"), purpose="alert").warnings) == 1
    assert previewed(named("Léa")).warnings == ()


def test_prices_that_were_learnt_come_before_the_one_that_is_assumed():
    learnt = Prices.read(Decimal("0.25"), {b"sms_premium:33": b"0.041", b"sms_premium:32": b"broken"})
    to = [Recipient(number(0), first_name="Léa"), Recipient("+32470123456", first_name="Luc")]
    seen = previewed(to, prices=learnt)
    assert (seen.cost, seen.assumed) == (Decimal("0.291"), 1)
    assert previewed(to, prices=learnt, type="sms_low_cost").cost == Decimal("0.50")


def test_no_cost_is_told_where_a_price_is_missing_and_none_is_assumed():
    seen = previewed(named("Léa"), prices=Prices(None))
    assert (seen.cost, seen.worst_cost, seen.assumed) == (None, None, 1)


def test_what_octopush_may_count_twice_is_in_the_worst_cost():
    seen = previewed(named("Léa"), "{first_name}" + "&" * 80 + " STOP au 30101")
    assert (seen.cost, seen.worst_cost) == (Decimal("0.25"), Decimal("0.50"))


def test_a_tariff_is_named_by_type_and_calling_code():
    assert [tariff_name("t", digits) for digits in ("33612", "1212", "590690", "")] == [
        *("t:33", "t:1", "t:590", "t:"),
    ]
    assert read_price(None) is read_price(b"\xff") is None


def test_every_variable_of_a_recipient_is_previewed():
    text = "".join(f"{{{name}}}" for name in VARIABLES) + " STOP au 30101"
    body = json.loads(
        freeze(
            Message(Recipient(number(0), **dict.fromkeys(VARIABLES, "a" * 50)), text, sender="Bistro")
        ).body
    )
    assert len(body["recipients"][0]) == len(VARIABLES) + 1
    assert previewed((), text).maximum == 11


@pytest.mark.parametrize(
    ("numbers", "doubtful"),
    [
        (["+33612345678", "+33773123456"], False),
        (["+33612345678", "+33123456789"], True),  # a landline
        (["+33977123456"], True),
        (["+590690123456"], True),
        (["+32470123456"], True),
    ],
)
def test_a_two_way_message_to_whom_replies_may_not_come_from_is_told(numbers, doubtful):
    """The gateway takes it, and so it is queued."""
    two_way = {"with_replies": True, "purpose": "alert"}
    message = Message(numbers, "Do you come?", sender="Bistro", **two_way)

    told = [freeze(message).warnings, previewed(numbers, text="Do you come?", **two_way).warnings]
    check = check_campaign("Do you come?", numbers, sender="Bistro", **two_way)

    assert [*told, check.warnings] == [(REPLIES_DOUBTFUL,) if doubtful else ()] * 3
    assert previewed(numbers, text="Do you come?", purpose="alert").warnings == ()


def test_each_warning_of_a_list_is_told_once_whichever_slice_it_comes_from():
    numbers = [*map(number, range(500)), "+32470123456", *map(number, range(600, 1200))]
    two_way = {"with_replies": True, "purpose": "alert"}

    assert previewed(numbers, text="Do you come?", **two_way).warnings == (REPLIES_DOUBTFUL,)
    assert check_campaign("Do you come?", numbers, sender="Bistro", **two_way).warnings == (REPLIES_DOUBTFUL,)
