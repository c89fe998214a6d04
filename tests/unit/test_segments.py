"""Segments agree with an independent counter, and never overflow a part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smsutil import split

from producers.messages.segments import (
    billed,
    costly_characters,
    costs_at_worst,
    optimised,
    replaced,
    segment,
)
from tests.support.vectors import vectors
from worker.sandbox.simulator.segments import count_segments
from worker.sandbox.simulator.sms_text import optimise as simulated

ALPHABET = "abcXYZ 0129\n@£$éèùàÇ€{}[]~^\\|ΔΦ"


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("a" * 160, "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("a" * 306, "gsm7", 2),
        ("a" * 307, "gsm7", 3),
        ("a" * 1224, "gsm7", 8),
        ("€" * 80, "gsm7", 1),
        ("€" * 81, "gsm7", 2),
        ("é è à ù Ç É", "gsm7", 1),
        ("", "gsm7", 1),
        ("a-b]c\\d^e" * 14, "gsm7", 2),
        ("ç", "ucs2", 1),
        ("ç" * 70, "ucs2", 1),
        ("ç" * 71, "ucs2", 2),
        ("🎉" * 35, "ucs2", 1),
        ("🎉" * 36, "ucs2", 2),
    ],
)
def test_limits(text, encoding, segments):
    counted = segment(text)
    assert (counted.encoding, counted.segments) == (encoding, segments)


def test_an_escape_pair_never_parts():
    # 152 plain units leave one free in the first part: the euro sign moves to the next as a whole.
    assert segment("a" * 152 + "€" + "a" * 152).segments == 3


@given(st.text(alphabet=ALPHABET, min_size=1, max_size=700))
def test_gsm7_agrees_with_an_independent_counter(text):
    assert segment(text).segments == len(split(text).parts)


@given(st.text(min_size=1, max_size=300).filter(lambda text: segment(text).encoding == "ucs2"))
def test_ucs2_agrees_with_an_independent_counter(text):
    assert segment(text).segments == len(split(text).parts)


@given(st.text(max_size=400) | st.text("aéê\u2019|\\\u00a0 \n€^µ🎉", max_size=1300), st.booleans())
def test_what_is_billed_agrees_with_the_simulated_gateway(text, optimise):
    assert billed(text, optimise) == count_segments(simulated(text) if optimise else text)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("ÀÂêëîïôûüçœ", "AAeeiiouüc\u0153"),
        ("\u00ab a \u2019b\u2019 \u2026 \u2013 c|d\\e", "\" a 'b' . - cId/e"),
        ("  two  spaces\n  here ", "two spaces\n here"),
        ("a\u00a0b\u202fc", "a\u00a0b\u202fc"),
        ("éèàùìòñäöüåæøßÇÉ", "éèàùìòñäöüåæøßÇÉ"),
    ],
)
def test_the_gateway_rewrites_costly_characters_and_superfluous_spaces(written, sent):
    assert optimised(written) == sent


@given(st.text(max_size=1224))
def test_rewriting_never_costs_more(text):
    assert billed(text, optimise=True) <= billed(text, optimise=False)


@pytest.mark.parametrize("case", vectors("segments"), ids=lambda case: case["id"])
def test_a_text_takes_the_segments_of_the_standard(case):
    text = "".join(piece * times for piece, times in case["runs"])
    counted = segment(text)
    assert (counted.encoding, counted.units, counted.segments) == (
        case["encoding"],
        case["units"],
        case["segments"],
    )


#: Characters that the gateway replaces, that we replace, that nobody does, and that cost two.
MIXED = st.text(max_size=400) | st.text("aéêœŒ\u2019…|\\\u00a0\u202f \n€^&µ🎉", max_size=1200)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Un cœur à l\u2019\u0153uvre, \u0152uf", "Un coeur à l'oeuvre, OEuf"),
        ("5\u202f€ et\u00a05\u00a0$", "5 € et 5 $"),
        ("Bient\u00f4t…", "Bientot..."),
        ("  two  spaces\n  here ", "two spaces\n here"),
        ("éèàùìòñäöüåæøßÇÉ {first_name}", "éèàùìòñäöüåæøßÇÉ {first_name}"),
        ("Fête 🎉  cœur", "Fête 🎉 cœur"),
        ("a|b\\c^d", "a|b\\c^d"),
        ("…" * 70, "." * 70),
        ("œ" * 2, "oeoe"),
    ],
)
def test_costly_characters_are_replaced_where_that_saves_something(written, sent):
    assert replaced(written, 1224) == sent


@given(MIXED, st.booleans())
def test_replacing_never_costs_more_than_leaving_it_or_than_the_gateways_replacing(text, optimise):
    assert billed(replaced(text, 1224), optimise=False) <= billed(text, optimise)


@given(MIXED, st.integers(1, 60))
def test_replacing_lengthens_nothing_beyond_what_fits(text, longest):
    assert len(replaced(text, longest)) <= max(longest, len(text))


@given(MIXED, st.booleans())
def test_at_worst_a_text_costs_no_less_than_it_is_billed_as(text, optimise):
    assert costs_at_worst(text, optimise) >= billed(text, optimise)


@pytest.mark.parametrize(
    ("text", "segments"), [("&" * 80, 1), ("&" * 81, 2), ("a\n" * 54, 2), ("ê&" * 35, 1)]
)
def test_what_octopush_may_count_twice_is_counted_twice_at_worst(text, segments):
    assert costs_at_worst(text, optimise=False) == segments


@given(MIXED)
def test_costly_characters_are_those_without_which_a_text_is_gsm7(text):
    costly = costly_characters(text)
    assert bool(costly) == (segment(text).encoding == "ucs2")
    assert segment(text.translate(dict.fromkeys(map(ord, costly)))).encoding == "gsm7"
