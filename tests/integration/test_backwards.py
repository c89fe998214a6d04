"""A walk back through a stream reads each entry once, and never asks for what lies before the first one."""

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.contract.steps import Commands, drive
from worker.inquiry.backwards import Backwards

STREAM = "{test}:stream"
IDS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), unique=True, max_size=25)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=IDS, before=st.none() | st.tuples(st.integers(0, 32), st.integers(0, 4)), most=st.integers(1, 6))
def test_a_walk_finds_what_redis_would_find_in_one_go(redis_client, ids, before, most):
    redis_client.delete(STREAM)
    for ms, number in sorted(ids):
        redis_client.xadd(STREAM, {"a": "b"}, id=f"{ms}-{number}")
    asked = [place for place in sorted(ids, reverse=True) if before is None or place < before]
    walk = Backwards(STREAM, before and "{}-{}".format(*before))
    found: list[str] = []
    while block := drive(walk.read(most), redis_client):
        assert len(block) <= most
        found += [entry_id.decode() for entry_id, _ in block]

    assert found == [f"{ms}-{number}" for ms, number in asked]


@pytest.mark.parametrize("before", ["0-0", "1-0", "9-9", "10-0"])
def test_nothing_is_asked_for_before_the_first_entry(redis_client: redis.Redis, before):
    redis_client.xadd(STREAM, {"a": "b"}, id="10-0")

    assert _names_of_commands(Backwards(STREAM, before), redis_client) == ["XRANGE"]


def test_a_walk_that_has_read_the_first_entry_asks_for_no_more(redis_client: redis.Redis):
    for ms in (10, 11):
        redis_client.xadd(STREAM, {"a": "b"}, id=f"{ms}-0")
    walk = Backwards(STREAM)
    drive(walk.read(2), redis_client)

    assert _names_of_commands(walk, redis_client) == []


def test_what_is_trimmed_under_a_walk_is_not_searched_for(redis_client: redis.Redis):
    for ms in (10, 11, 12):
        redis_client.xadd(STREAM, {"a": "b"}, id=f"{ms}-0")
    redis_client.xtrim(STREAM, minid="12", approximate=False)

    assert _names_of_commands(Backwards(STREAM, "12-0"), redis_client) == ["XRANGE"]


def _names_of_commands(walk: Backwards, client: redis.Redis) -> list[object]:
    """Read on, and return the names of the commands that this took."""
    names: list[object] = []
    steps = walk.read(5)
    try:
        step = next(steps)
        while True:
            assert isinstance(step, Commands)
            names += [command[0] for command in step.commands]
            step = steps.send(step.run(client))
    except StopIteration:
        return names
