"""Foreign text cannot act on what shows it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.presentation.visible import visible

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def is_harmless(shown: str) -> bool:
    return all(
        unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or each in "\u200c\u200d"
        for each in shown
    )


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_hostile_text_moves_no_cursor_reverses_nothing_and_can_be_encoded(text):
    shown = visible(text)
    assert is_harmless(shown)
    shown.encode()


@given(ANY_TEXT)
def test_any_text_becomes_harmless_and_stays_so(text):
    shown = visible(text)
    assert is_harmless(shown)
    assert visible(shown) == shown


@given(ANY_TEXT)
def test_lines_are_kept_where_the_caller_wants_them(text):
    assert all(map(is_harmless, visible(text, lines=True).split("\n")))


def test_what_nobody_sees_is_named():
    assert visible("a\u202eb\x1b") == "a⟨U+202E⟩b⟨U+001B⟩"
    assert visible("a\r\nb\rc", lines=True) == "a\nb⟨U+000D⟩c"


@pytest.mark.parametrize("honest", ["Oui, à 8 h !", "👩\u200d👧", "نعم", "नमस्ते", "❤\ufe0f"])
def test_honest_text_stays_as_it_is(honest):
    assert visible(honest) == honest
