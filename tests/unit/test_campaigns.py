"""How a campaign is cut: the same input gives the same slices, and no number comes twice."""

import asyncio
import inspect
import json
import typing
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import InvalidMessage, Message, Recipient, check_campaign
from producers.messages.message import MessageOptions
from producers.queueing.campaigns import CampaignOptions, Slicer
from producers.queueing.chunks import SLICE, achunks, chunks
from producers.queueing.sifting import REPEATED
from producers.settings import ProducerSettings

GOOD = {"sender": "Bistro"}
TEXT = "Hello STOP au 30101"
#: Few enough that lists drawn from them hold many repeats.
SOME = [f"+336120000{i:02d}" for i in range(40)]
GIVEN = st.sampled_from([*SOME, "+33 6 12 00 00 01", "", "+33", "rubbish", "0612000000", 7])


def cut(recipients, text=TEXT, campaign_id="spring", on_invalid=lambda *_: None, **options):
    """Cut recipients as a campaign does; the slices, as numbers by request_id."""
    slicer = Slicer(text, {**GOOD, **options}, campaign_id, on_invalid=on_invalid)
    frozen = [each for chunk in chunks(recipients) for each in slicer.cut(chunk)]
    return {f.request_id: [r["phone_number"] for r in json.loads(f.body)["recipients"]] for f in frozen}


def numbers(count: int, start: int = 0) -> list[str]:
    return [f"+336{i:08d}" for i in range(12_000_000 + start, 12_000_000 + start + count)]


class Season(str, Enum):  # noqa: UP042 - of a StrEnum `str()` is the text
    """Texts whose `str()` is their name."""

    SPRING = "spring"
    GP = "GP"


def test_names_and_zones_that_are_members_of_a_text_enumeration_are_the_texts_that_they_are():
    people = [
        Recipient(number, zone=zone) for number, zone in zip(numbers(4), ("GP", Season.GP) * 2, strict=True)
    ]

    assert cut(people, campaign_id=Season.SPRING) == {"spring.0.GP": numbers(4)}


def test_a_number_that_is_no_text_leaves_out_nobody_but_itself():
    left_out = []
    slicer = Slicer(
        "Hello",
        {**GOOD, "purpose": "alert"},
        on_invalid=lambda position, *_: left_out.append(position),
        settings=ProducerSettings(allowed_countries="FR"),
    )
    [message] = slicer.cut([Recipient(7), SOME[0], "+32470123456", "+1", SOME[1]])

    assert (message.numbers, left_out) == (SOME[:2], [0, 2, 3])


def test_slices_are_messages_of_500_with_derived_ids():
    slices = cut(numbers(1203))

    assert [(name, len(to)) for name, to in slices.items()] == [
        ("spring.0", 500),
        ("spring.1", 500),
        ("spring.2", 203),
    ]
    assert [n for to in slices.values() for n in to] == numbers(1203)


def test_leaving_out_moves_nobody_into_another_slice():
    given = numbers(1500)
    holes = [*given[:3], "rubbish", *given[4:499], "rubbish", *given[500:]]

    assert cut(holes)["spring.1"] == cut(given)["spring.1"]
    assert cut(holes)["spring.0"] == [*given[:3], *given[4:499]]


def test_a_slice_that_nobody_is_left_in_is_no_message():
    assert list(cut(["rubbish"] * 500 + numbers(1))) == ["spring.1"]


@given(st.lists(GIVEN, max_size=1200))
def test_the_same_input_gives_the_same_slices_and_no_number_twice(given):
    slices = cut(given)

    assert slices == cut(iter(given))
    everybody = [number for to in slices.values() for number in to]
    assert len(everybody) == len(set(everybody))
    assert set(everybody) == {str(g).replace(" ", "") for g in given} & set(SOME)


@given(st.lists(GIVEN, max_size=1200), st.lists(GIVEN, max_size=1200))
def test_what_comes_later_changes_no_slice_that_is_full(given, more):
    full = len(given) // SLICE
    before, after = cut(given), cut(given + more)

    assert {f"spring.{n}": before.get(f"spring.{n}") for n in range(full)} == {
        f"spring.{n}": after.get(f"spring.{n}") for n in range(full)
    }


def test_who_is_left_out_is_told_with_position_and_reason_in_order():
    told = []
    cut(
        [*numbers(2), "rubbish", numbers(1)[0], *numbers(600, 10), "+33 6 12 00 00 01", Recipient("+33")],
        on_invalid=lambda position, given, error: told.append((position, given, error.fields)),
    )

    assert told == [
        (2, "rubbish", {"phone_number": "must be international, such as +33612345678"}),
        (3, numbers(1)[0], {"phone_number": "same number as an earlier recipient"}),
        (604, "+33 6 12 00 00 01", {"phone_number": "same number as an earlier recipient"}),
        (605, Recipient("+33"), {"phone_number": "must be international, such as +33612345678"}),
    ]


def test_a_repeat_of_somebody_left_out_stands_in_for_them():
    named = Recipient(SOME[0], first_name="Zoë")

    assert cut([Recipient(SOME[0]), named], "Hello {first_name} STOP au 30101")["spring.0"] == [SOME[0]]


def test_refusing_names_all_of_the_slice_by_position_in_the_campaign():
    given = [*numbers(501), "rubbish", numbers(1)[0], 7]

    with pytest.raises(InvalidMessage) as caught:
        cut(given, on_invalid="refuse")

    assert caught.value.fields == {
        "recipients[501].phone_number": "must be international, such as +33612345678",
        "recipients[502].phone_number": "same number as an earlier recipient",
        "recipients[503]": "must be a number or a Recipient",
    }


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("campaign_id", {"campaign_id": "x" * 29}),
        ("campaign_id", {"campaign_id": ""}),
        ("campaign_id", {"campaign_id": "with:colon"}),
        ("campaign_id", {"campaign_id": 7}),
        ("reply_to", {"reply_to": "a" * 32}),
        ("request_id", {"request_id": "mine"}),
        ("on_invalid", {"on_invalid": "leave-out"}),
        ("sender", {"sender": ""}),
        ("purpose", {"purpose": "spam"}),
        ("text", {"text": "Hello {nobody}"}),
        ("send_at", {"send_at": "tomorrow"}),
    ],
)
def test_what_is_wrong_with_all_messages_is_said_before_anything_is_read(field, wrong):
    def never():
        raise AssertionError("was read")
        yield

    with pytest.raises(InvalidMessage) as caught:
        cut(never(), **wrong)

    assert list(caught.value.fields) == [field]


@pytest.mark.parametrize("given", ["+33612345678", b"", {}, Recipient("+33612345678"), 7])
def test_one_recipient_is_not_taken_for_many(given):
    with pytest.raises(InvalidMessage, match="recipients"):
        cut(given)


def test_a_minted_id_is_new_each_time_and_fits():
    ids = {Slicer(TEXT, GOOD).campaign_id for _ in range(50)}

    assert len(ids) == 50
    assert all(Slicer(TEXT, GOOD, campaign_id).campaign_id == campaign_id for campaign_id in ids)


def test_the_longest_id_leaves_room_for_a_hundred_thousand_slices_of_the_longest_zone():
    slicer = Slicer(TEXT, {**GOOD, "zone": "FR-AM"}, "x" * 24)
    slicer.number = 99_999

    [frozen] = slicer.cut(numbers(1))

    assert len(frozen.request_id) == 36


def test_a_slice_is_one_message_for_each_of_its_zones_and_the_mainland_keeps_the_bare_name():
    people = ["+33612000001", "+262692123456", "+590690123456", Recipient("+33612000002", zone="FR-AM")]
    slices = cut([*people, "+32470123456", "+262692123457", Recipient("+590690123457", zone="MF")])

    assert slices == {
        "spring.0": ["+33612000001"],
        "spring.0.BE": ["+32470123456"],
        "spring.0.FR-AM": ["+33612000002"],
        "spring.0.GP_": ["+590690123456"],
        "spring.0.MF": ["+590690123457"],
        "spring.0.RE": ["+262692123456", "+262692123457"],
    }
    assert cut(["+262692123456"], zone="RE") == {"spring.0.RE": ["+262692123456"]}


def test_an_alert_has_no_zones_and_one_message_a_slice():
    assert list(cut(["+33612000001", "+262692123456"], purpose="alert")) == ["spring.0"]


def test_who_is_left_out_changes_nothing_for_the_zones_of_the_others():
    slices = cut(["rubbish", "+33612000001", "+33612000001", "+262692123456"])
    assert slices == {"spring.0": ["+33612000001"], "spring.0.RE": ["+262692123456"]}


def test_checking_counts_and_queues_nothing():
    left_out = []
    check = check_campaign(
        "x" * 200 + " STOP au 30101",
        [*numbers(600), "rubbish"],
        on_invalid=lambda p, *_: left_out.append(p),
        **GOOD,
    )

    assert (check.recipients, check.slices, check.segments, check.left_out) == (600, 2, 1200, 1)
    assert left_out == [600]


def test_chunks_read_no_further_than_they_must():
    source = iter(range(2000))

    assert len(next(chunks(source))) == 500
    assert next(source) == 500


def test_asynchronous_iterables_are_cut_alike():
    async def stream():
        for i in range(1203):
            yield i

    async def collect(source):
        return [chunk async for chunk in achunks(source)]

    assert asyncio.run(collect(stream())) == list(chunks(range(1203))) == asyncio.run(collect(range(1203)))


def test_a_campaign_takes_every_option_of_a_message_but_the_id():
    ours, theirs = (typing.get_type_hints(kind) for kind in (CampaignOptions, MessageOptions))

    one_message_only = {"request_id", "reply_to"}
    assert ours == {name: kind for name, kind in theirs.items() if name not in one_message_only}
    assert set(ours) < set(inspect.signature(Message).parameters)


def test_what_the_values_of_one_make_of_the_text_concerns_no_other():
    text = "STOP au 30101 " + "a" * 1198 + "{first_name}"
    given = [Recipient("+33612345678", first_name=""), Recipient("+33612345679", first_name="Zoë" * 5)]
    bad = []

    check = check_campaign(
        text, given, sender="Bistro", on_invalid=lambda i, _, error: bad.append((i, error.fields))
    )

    assert check.recipients == 1
    assert bad == [(1, {"text": "must be at most 1224 characters"})]


def test_national_numbers_of_a_campaign_are_read_in_its_region():
    given = ["06 12 34 56 78", "+33612345678"]
    bad = []

    check = check_campaign(
        TEXT,
        given,
        sender="Bistro",
        default_region="FR",
        on_invalid=lambda i, _, error: bad.append((i, error.fields)),
    )

    assert (check.recipients, bad) == (1, [(1, REPEATED)])
