"""A worker that starts while its primary is replaced meets a replica, and waits for the primary."""

import pytest
import redis

from producers.contract.followers import NotPrimaryError
from producers.contract.keys import Keys
from producers.contract.outages import OutageLog
from tests.support.installation import Installation
from tests.support.waiting import until
from worker.process.connection import connect
from worker.process.preflight import inspect
from worker.sandbox.redis_server import RedisServer


@pytest.fixture
def server(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def replica(server):
    """A client of the server, which follows a primary that is not there."""
    with redis.Redis(port=server.port) as client:
        client.replicaof("127.0.0.1", "1")
        yield client


def test_it_waits_for_the_primary_and_says_so_in_one_line(server, replica, tmp_path):
    def refused():
        return replica.info("errorstats").get("errorstat_READONLY", {"count": 0})["count"]

    with Installation(tmp_path, server.url) as installation:
        until(lambda: refused() >= 3)
        assert installation.worker.is_running
        replica.replicaof("NO", "ONE")
        sent = installation.send()
        assert installation.settled(sent).state == "accepted"
        until(lambda: '"redis.back"' in installation.worker.output)
        told = installation.worker.output
    assert told.count('"redis.unavailable"') == told.count('"redis.back"') == 1
    assert "refused_to_start" not in told


def test_a_replica_that_answers_other_questions_is_away_all_the_same(server, replica):
    """However long a worker waits between two tries, and also where each try makes a connection anew."""
    said, now = [], [0.0]
    log = OutageLog(
        lambda error: said.append(type(error).__name__), lambda _: said.append("back"), lambda: now[0]
    )
    client = connect(server.url, log)

    for _ in range(3):
        with pytest.raises(NotPrimaryError):
            inspect(client, Keys("sms"))
        now[0] += 60
    assert said == ["ReadOnlyError"]

    replica.replicaof("NO", "ONE")
    assert inspect(client, Keys("sms")) == []
    assert said == ["ReadOnlyError", "back"]
    client.close()
