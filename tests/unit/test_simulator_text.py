"""The simulator's own view of texts: placeholders, optimisation, segments."""

import pytest
import smsutil
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.sandbox.simulator.segments import count_segments
from worker.sandbox.simulator.sms_text import PLACEHOLDERS, fill_in, optimise

_GSM7 = st.text(alphabet="abc ABC123@£èéùìòÇøåΔΣ€{}[]~^|\\\n", max_size=700)


def test_every_placeholder_is_filled_and_only_those():
    text = "".join(f"<{{{name}}}>" for name in (*PLACEHOLDERS, "param6", "prenom"))

    filled = fill_in(text, {name: name.upper() for name in PLACEHOLDERS})

    assert filled == "".join(f"<{name.upper()}>" for name in PLACEHOLDERS) + "<{param6}><{prenom}>"


def test_absent_values_vanish_and_values_are_not_filled_again():
    assert fill_in("{param1}|{param2}", {"param1": "{param2}"}) == "{param2}|"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("ÀÁÂÃáâã", "AAAAaaa"),
        ("ÈÊËêë", "EEEee"),
        ("ÌÍÎÏíîï", "IIIIiii"),
        ("ÒÓÔÕðóôõ", "OOOOoooo"),
        ("ÙÚÛúûµ", "UUUuuu"),
        ("ÝŸýÿÞ", "YYyyy"),
        ("Ðç°", "Dco"),
        ("«»“”", '""""'),
        ("¨^–—", "----"),
        ("‘’´`", "''''"),
        ("‚„…•|\\", ",,..I/"),
        ("éèàùìòñäöüåæøßΔ€👍", "éèàùìòñäöüåæøßΔ€👍"),
        ("  two  spaces\n  here ", "two spaces\n here"),
    ],
)
def test_the_optimisation_table(written, shown):
    assert optimise(written) == shown


@settings(deadline=None)
@given(st.text(max_size=300))
def test_optimising_twice_changes_nothing_more(text):
    assert optimise(optimise(text)) == optimise(text)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("x" * 1224, 8),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 153, 3),
        ("ê" * 70, 1),
        ("ê" * 71, 2),
        ("ê" * 134, 2),
        ("ê" * 135, 3),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("👍" * 67, 3),
    ],
)
def test_segment_sizes(text, segments):
    assert count_segments(text) == segments


@settings(deadline=None)
@given(_GSM7)
def test_segments_agree_with_an_independent_count(text):
    assert count_segments(text) == max(len(smsutil.split(text).parts), 1)


@settings(deadline=None)
@given(st.text(max_size=400))
def test_pessimistic_counting_never_counts_less(text):
    assert count_segments(text, octopush_double_counting=True) >= count_segments(text)
