"""When several are open at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.rules.spans import Span, common

#: Spans in order, none touching the next.
STREAMS = st.lists(st.integers(0, 60), unique=True, max_size=12).map(
    lambda points: list(zip(sorted(points)[::2], sorted(points)[1::2], strict=False))
)


def found(*streams: list[Span]) -> list[Span]:
    return list(common([iter(stream) for stream in streams]))


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ([(1, 3)], [(3, 5)], []),
        ([(1, 4)], [(3, 5)], [(3, 4)]),
        ([(1, 9)], [(2, 3), (4, 5)], [(2, 3), (4, 5)]),
        ([(1, 3), (5, 7)], [(2, 6)], [(2, 3), (5, 6)]),
        ([(1, 3)], [], []),
    ],
)
def test_both_are_open_where_their_spans_meet_and_not_where_they_touch(one, other, both):
    assert found(one, other) == found(other, one) == both


@given(st.lists(STREAMS, min_size=1, max_size=4))
def test_a_moment_is_common_if_and_only_if_all_are_open(streams):
    spans = found(*streams)
    for moment in range(61):
        everywhere = all(any(opens <= moment < closes for opens, closes in stream) for stream in streams)
        assert any(opens <= moment < closes for opens, closes in spans) == everywhere
    assert all(opens < closes for opens, closes in spans)
