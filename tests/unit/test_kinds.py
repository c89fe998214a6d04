"""A kind of callback is one row, and whatever cannot read the row agrees with it."""

from pathlib import Path
from typing import get_args, get_overloads

import pytest

from producers.contract.kinds import KINDS, TYPES, StreamName
from producers.feeds import AsyncFeed, Feed
from producers.intake.judge import ALLOWED
from worker.callbacks.payloads import _PARSERS

PAGE = (Path(__file__).parents[2] / "docs" / "callbacks.md").read_text("utf-8")


def test_type_checkers_know_the_streams_that_there_are():
    assert set(get_args(StreamName)) == set(TYPES)


@pytest.mark.parametrize("feed", [Feed, AsyncFeed])
def test_a_feed_of_each_stream_has_the_type_of_its_entries(feed):
    told = {}
    for overload in get_overloads(feed.__init__):
        hints = overload.__annotations__
        told[get_args(hints["stream"])[0]] = hints["self"]

    assert told == {stream: f"{feed.__name__}[{kind.__name__}]" for stream, kind in TYPES.items()}


def test_each_kind_has_a_parser():
    assert set(_PARSERS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_room_of_its_own_and_an_address_on_the_page(kind):
    assert ALLOWED[kind] == KINDS[kind].bytes_a_minute
    assert f"/callbacks/<token>/{kind}`" in PAGE


def test_no_two_kinds_are_told_by_the_same_field():
    told = [name for kind in KINDS.values() for name in (*kind.dates, *kind.needs, *kind.hints)]

    assert len(told) == len(set(told))
