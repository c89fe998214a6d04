"""A worker that starts or stops while Redis is wrong or away."""

import re
import signal
import time

import pytest

from producers import Message
from tests.house.repository import text
from tests.house.test_deploy import MARGIN_S
from tests.support.installation import Installation, new_number
from tests.support.waiting import until
from worker.sandbox.free_port import free_port
from worker.sandbox.redis_server import RedisServer

#: Seconds that a worker may be told to wait for an answer at most.
READ_TIMEOUT_S = 12


@pytest.fixture
def server(tmp_path):
    """A server that is not started yet."""
    made = RedisServer(tmp_path / "redis", free_port())
    yield made
    made.kill()


def test_a_redis_that_forgets_is_refused_unless_told_otherwise(tmp_path):
    with RedisServer(tmp_path / "redis", options=["--appendonly", "no"]) as server:
        refused = Installation(tmp_path, server.url)
        with refused:
            assert refused.worker.wait() == 1
            problems = [line for line in refused.worker.output.splitlines() if '"redis.problem"' in line]
            assert len(problems) == 1
            assert '"check":"persistence"' in problems[0]
            assert '"worker.refused_to_start"' in refused.worker.output

        (tmp_path / "worker.log").unlink()
        with Installation(tmp_path, server.url, ALLOW_UNSAFE_REDIS="1") as allowed:
            sent = allowed.send()
            assert allowed.settled(sent).state == "accepted"


def test_a_redis_that_evicts_is_refused(tmp_path):
    options = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]
    with (
        RedisServer(tmp_path / "redis", options=options) as server,
        Installation(tmp_path, server.url) as installation,
    ):
        assert installation.worker.wait() == 1
        assert '"check":"eviction"' in installation.worker.output


def test_a_worker_waits_for_redis_and_begins_when_it_is_there(tmp_path, server):
    with Installation(tmp_path, server.url) as installation:
        until(lambda: '"redis.unavailable"' in installation.worker.output)
        assert f'"server":"{server.url}"' in installation.worker.output
        server.start()
        sent = installation.send()
        assert installation.settled(sent).state == "accepted"


def test_a_worker_that_waits_for_redis_stops_when_told(tmp_path, server):
    with Installation(tmp_path, server.url) as installation:
        until(lambda: '"redis.unavailable"' in installation.worker.output)
        assert installation.worker.terminate() in {0, -15}


def test_a_worker_stops_in_time_while_redis_is_away_and_nothing_is_lost(tmp_path, server):
    server.start()
    with Installation(tmp_path, server.url) as installation:
        installation.gateway.settings(latency_ms=300)
        sends = installation.producer.send_many(_alerts(60))
        installation.wait_for(lambda: len(installation.gateway.requests()) >= 10)
        server.stop()
        installation.worker.terminate()

        server.start()
        installation.worker.start()
        assert installation.all_settled(sends, 90) == {"accepted"}
        assert set(installation.gateway.delivered().values()) == {1}


def _alerts(count: int) -> list[Message]:
    return [Message(new_number(), "Hi", sender="Bistro", purpose="alert") for _ in range(count)]


@pytest.mark.parametrize("hangs", [False, True], ids=["gateway", "gateway-and-redis"])
def test_a_worker_that_waits_for_late_answers_stops_within_what_deploy_grants(tmp_path, server, hangs):
    """All calls hang as long as they may; then Redis does, too, and nothing of them can be recorded."""
    granted_s = float(re.search(r"TimeoutStopSec=(\d+)", text("deploy/systemd/octopush-worker@.service"))[1])
    server.start()
    with Installation(tmp_path, server.url, OCTOPUSH_READ_TIMEOUT_S=str(READ_TIMEOUT_S)) as installation:
        installation.gateway.settings(latency_ms=60_000)
        sends = installation.producer.send_many(_alerts(5))
        installation.wait_for(lambda: len(installation.gateway.requests()) >= len(sends))
        began = time.monotonic()
        installation.worker._signal(signal.SIGTERM, whole_group=False)
        if hangs:
            server.suspend()
        status = installation.worker.wait(granted_s - MARGIN_S)
        took_s = time.monotonic() - began
        server.resume()

        assert status == 0
        # It has waited for its calls, and did not just leave.
        assert took_s > READ_TIMEOUT_S / 2
        installation.gateway.settings(latency_ms=0)
        installation.worker.start()
        assert installation.all_settled(sends, 90) == {"accepted"}
        assert set(installation.gateway.delivered().values()) == {1}
