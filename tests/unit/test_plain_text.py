"""Text of a class of its own is given to scripts as the text that it is."""

from enum import StrEnum

import msgspec
import pytest

from producers.contract.plain_text import as_text, plain
from producers.contract.scripts import Command, Script


class Kind(StrEnum):
    ALERT = "alert"


class Rendered(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self


def given(value: object) -> object:
    command = Command(Script("producers.queueing", "status"), "prefix", {"id": value}, lambda reply: reply)
    return msgspec.msgpack.decode(command.arguments[2])["id"]


@pytest.mark.parametrize(("text", "meant"), [("a", "a"), (Rendered("a"), "a"), (Kind.ALERT, "alert")])
def test_text_is_given_as_it_is_meant(text, meant):
    assert given(text) == plain(text) == meant
    assert type(plain(text)) is str


@pytest.mark.parametrize(
    ("anything", "text"),
    [(Kind.ALERT, "alert"), (5, "5"), ("é", "é"), ("a\ud800", "a?"), (Rendered("\udcff"), "?")],
)
def test_anything_becomes_text_that_an_encoder_takes(anything, text):
    assert given(as_text(anything)) == text


def test_what_is_no_text_is_refused_and_not_shown():
    class Secret:
        def __repr__(self) -> str:
            return "+33612345678"

    with pytest.raises(TypeError, match=r"^objects of type Secret cannot be written$"):
        given(Secret())
