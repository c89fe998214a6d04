"""What people write back is an opt-out, a new start, something for a person, or none of it."""

import json
import re
import sys
import unicodedata
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.callbacks import optout_words
from worker.callbacks.classifier import classify, with_words

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "replies.json").read_text("utf-8"))
TEXTS = [(text, None if verdict == "none" else verdict) for verdict in CASES for text in CASES[verdict]]
ANYTHING = st.text(max_size=400) | st.sampled_from([text for text, _ in TEXTS])
#: Texts of which the words matter: every rule is met by some.
WORDY = st.lists(
    st.sampled_from(
        re.findall(
            r"\S+",
            "stop STOP arrêt non ne pas m'envoyez plus de sms pub svp 36111 au you don't texting me . , ?"
            " s t o p désabonnez-moi demain vous je si opt out start réabonner fin end",
        )
    ),
    max_size=14,
).map(" ".join)


def steps(text: str) -> int:
    """Count the lines of Python that a verdict takes."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal counted
        counted += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        classify(text)
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize(("text", "verdict"), TEXTS)
def test_a_reply_is_read_as_people_mean_it(text, verdict):
    assert classify(text) == verdict


@given(ANYTHING | WORDY)
def test_case_changes_nothing(text):
    verdict = classify(text)

    assert classify(text.upper()) == classify(text.lower()) == classify(text.swapcase()) == verdict


@given(ANYTHING | WORDY)
def test_accents_change_nothing(text):
    bare = "".join(
        each for each in unicodedata.normalize("NFD", text) if not unicodedata.category(each).startswith("M")
    )
    accented = "".join(each + "\u0301" if each.isalpha() else each for each in text)

    apart = unicodedata.normalize("NFD", text)

    assert classify(bare) == classify(accented) == classify(apart) == classify(text)


@given(ANYTHING | WORDY)
def test_width_changes_nothing(text):
    wide = "".join(
        chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else "\u3000" if each == " " else each for each in text
    )

    assert classify(wide) == classify(text)


@given(ANYTHING | WORDY, st.text(alphabet=".!?…,;:)»\"' \u00a0\n", max_size=8))
def test_signs_at_the_end_change_nothing(text, signs):
    assert classify(text + signs) == classify(text)


@pytest.mark.parametrize("sign", sorted(".!?,;:)»\"'_*-/~#…’`"))
def test_no_sign_at_the_end_changes_what_a_reply_asks_for(sign):
    assert {text: classify(text + sign) for text, _ in TEXTS} == dict(TEXTS)


def test_the_one_mark_that_has_a_case_changes_nothing():
    for text, verdict in TEXTS:
        marked = "".join(each + "\u0345" if each.isalpha() else each for each in text)
        assert classify(marked) == verdict


@given(st.text(max_size=4096), st.integers(1, 40))
def test_any_text_has_a_verdict(text, times):
    assert classify((text * times)[:4096]) in {"stop", "start", "hint", None}


@pytest.mark.parametrize(
    "unit", ["\u0323\u0301", "\ufdfa", "ne m'envoyez plus de de de de x,", "stop", "a ", "🏽", "é."]
)
def test_the_steps_of_a_text_grow_no_faster_than_its_length(unit):
    classify((unit * 4096)[:4096])
    short, long = (steps((unit * 4096)[:length]) for length in (1024, 4096))

    assert long <= 5 * short


@pytest.mark.parametrize(
    "text", ["Fin", "ANNULER", "annulér !!", "fin svp", "C.A.N.C.E.L", "no quiero", "fın"]
)
def test_an_owner_adds_words(text):
    vocabulary = with_words("ANNULER, Fin ,cancel, No quiero")

    assert classify(text) is None
    assert classify(text, vocabulary) == "stop"


def test_an_added_word_within_a_sentence_is_a_hint():
    assert classify("la fin de la journée", with_words("FIN")) == "hint"


def test_an_owner_adds_words_of_a_new_start():
    assert classify("Oui") is None
    assert classify("OUI !", with_words("", "oui")) == "start"


@pytest.mark.parametrize(
    ("optout", "optin", "text"), [("start", "", "START"), ("", "stop", "STOP"), ("ja", "ja", "Ja")]
)
def test_what_means_both_is_an_optout(optout, optin, text):
    assert classify(text, with_words(optout, optin)) == "stop"


def test_nothing_added_adds_nothing():
    assert classify("", with_words(" , ,", "!")) is None
    assert classify("👍", with_words("👎")) is None


def test_everyday_words_are_no_keywords():
    everyday = {"cancel", "annuler", "fin", "yes", "oui", "ja", "si", "no", "non", "ok", "merci"}

    assert everyday.isdisjoint(optout_words.KEYWORDS | optout_words.ALONE | optout_words.BACK)


@pytest.mark.parametrize("word", sorted(optout_words.SLIPS))
def test_a_slip_counts_only_alone(word):
    assert classify(word) == "stop"
    assert classify(f"on se voit {word} demain") is None
