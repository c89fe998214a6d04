"""JSON for programs: whatever a text holds, an object is one valid line."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.presentation.json_lines import json_line
from worker.presentation.visible import whole


def read(line: bytes) -> object:
    text = line.decode("utf-8")
    assert text.splitlines() == [text.removesuffix("\n")]
    # Two readers, of which one accepts nothing but what the standard allows.
    assert json.loads(text) == msgspec.json.decode(line)
    return json.loads(text)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_each_hostile_text_is_one_line_and_comes_back(text):
    assert read(json_line({"text": text, text: "as a name"})) == {
        "v": 1,
        "text": whole(text),
        whole(text): "as a name",
    }


@given(st.text())
def test_any_text_is_one_line_and_comes_back(text):
    assert read(json_line({"text": text})) == {"v": 1, "text": whole(text)}


def test_what_our_answers_consist_of_can_be_written():
    @dataclass(frozen=True)
    class Answer:
        at: datetime
        cost: Decimal
        some: tuple[str, ...]

    answer = Answer(datetime(2026, 11, 1, tzinfo=UTC), Decimal("0.0450"), ("a",))
    assert read(json_line({"answer": answer})) == {
        "v": 1,
        "answer": {"at": "2026-11-01T00:00:00Z", "cost": "0.045", "some": ["a"]},
    }
