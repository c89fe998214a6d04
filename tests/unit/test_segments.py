"""Segments agree with an independent counter, and never overflow a part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smsutil import split

from producers.messages.segments import billed, optimised, segment
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
