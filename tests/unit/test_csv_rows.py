"""CSV for spreadsheets: nothing is executed, nothing is lost."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.csv_cells import without_apostrophe
from tests.support.hostile_texts import HOSTILE_TEXTS
from worker.presentation.csv_rows import csv_rows
from worker.presentation.visible import whole


def parsed(rows: bytes) -> list[list[str]]:
    text = rows.decode("utf-8")
    assert text[0] == "\ufeff"
    return list(csv.reader(io.StringIO(text[1:], newline=""), strict=True))


def cell_of(text: object, **row: object) -> str:
    [_, [cell, after]] = parsed(b"".join(csv_rows(["text", "after"], [{"text": text, "after": "|", **row}])))
    assert after == "|"
    return cell


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_each_hostile_text_comes_back_whole_from_a_cell_of_its_own(text):
    assert without_apostrophe(cell_of(text)) == whole(text)


@given(st.text())
def test_any_text_comes_back_whole(text):
    assert without_apostrophe(cell_of(text)) == whole(text)


@pytest.mark.parametrize("name", [name for name in HOSTILE_TEXTS if name.startswith("formula")])
def test_no_cell_begins_like_a_formula(name):
    assert cell_of(HOSTILE_TEXTS[name])[0] == "'"


@pytest.mark.parametrize("first", "=+-@\t\r＝＋－＠﹢⁼−")
@pytest.mark.parametrize("before", ["", " ", "\n", "\u00a0", "\u3000", "\x00", "\u200b", "\ufeff", " \x0b"])
def test_what_a_spreadsheet_skips_hides_no_formula(before, first):
    assert cell_of(f"{before}{first}1") == f"'{before}{first}1"


@pytest.mark.parametrize("text", ["Oui", "1+1", "a=b", "'quoted'", "06 12", "", "  spaced"])
def test_an_honest_text_stays_as_it_is(text):
    assert cell_of(text) == text


def test_a_text_that_already_has_the_apostrophe_is_told_from_one_that_got_it():
    assert (cell_of("=1"), cell_of("'=1")) == ("'=1", "''=1")


def test_a_phone_number_stays_a_number_and_only_in_its_column():
    def row(number: str) -> list[str]:
        [_, cells] = parsed(b"".join(csv_rows(["number", "text"], [{"number": number, "text": number}])))
        return cells

    assert row("+33612345678") == ["+33612345678", "'+33612345678"]
    # Some spreadsheets would multiply a masked number, and anybody can call himself what he likes.
    assert row("+336*78") == ["'+336*78", "'+336*78"]
    assert row("+1+cmd|' /C calc'!A0")[0][0] == "'"


def test_each_line_ends_with_crlf_and_each_cell_has_quotes():
    assert list(csv_rows(["a", "b"], [{"a": 'say "x"\n', "b": None}])) == [
        b'\xef\xbb\xbf"a","b"\r\n',
        b'"say ""x""\n",""\r\n',
    ]


def test_values_that_are_no_texts():
    at = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    assert [cell_of(value) for value in (-1, Decimal("-0.05"), True, at, {"a": 1}, None)] == [
        "-1",
        "-0.05",
        "1",
        "2026-11-01T09:30:00Z",
        '{"a":1}',
        "",
    ]
