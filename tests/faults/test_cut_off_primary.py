"""A primary is cut off or lost, and another one takes its place: nobody gets a text twice."""

import os

import pytest

from tests.support.cut_off import OPTIONS, History
from worker.ledger import confirmation
from worker.sandbox.redis_server import RedisServer

HISTORIES = int(os.environ.get("CUT_OFF_HISTORIES", "40"))
SEED = int(os.environ.get("CUT_OFF_SEED", "0"))


@pytest.mark.timeout(60 + 10 * HISTORIES)
def test_nobody_gets_a_text_twice_whatever_two_primaries_do_at_the_same_time(tmp_path, monkeypatch, measured):
    monkeypatch.setattr(confirmation, "WAIT_MS", 100)
    people = shared = 0
    with (
        RedisServer(tmp_path / "old", options=OPTIONS) as old,
        RedisServer(tmp_path / "new", options=OPTIONS) as new,
        RedisServer(tmp_path / "third", options=OPTIONS) as third,
    ):
        for seed in range(SEED, SEED + HISTORIES):
            history = History((old, new, third), seed)
            assert history.play() == [], f"CUT_OFF_SEED={seed}"
            people += len(history.gateway.shown)
            shared += history.gateway.shared
    measured(f"a primary that is cut off: {HISTORIES} histories, {people} people, {shared} shared calls")
    assert shared > HISTORIES / 2, "or else nothing was tried"
