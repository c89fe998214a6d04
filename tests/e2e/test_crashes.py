"""Nothing lost and nothing twice, whatever dies: the worker, gently or not, and Redis."""

import signal
import time

import pytest

from producers import Message
from tests.support.flow import Flow, assert_each_came_once, assert_nothing_is_left
from tests.support.installation import new_number
from tests.support.server_pair import ServerPair
from tests.support.worker_process import PLATFORM_GRACE_S
from worker.sandbox.redis_server import RedisServer

#: Seconds after which a killed worker's messages must be running again.
TAKEN_UP_S = 15.0


def alerts(count):
    return [
        Message(new_number(), "Your code is 1234", sender="Bistro", purpose="alert") for _ in range(count)
    ]


@pytest.fixture(scope="module")
def killed(install_for_module):
    """A worker killed while 200 messages are queued, eight under way and one of those hangs; and its heir."""
    installation = install_for_module()
    installation.gateway.settings(latency_ms=50)
    number = new_number()
    installation.gateway.fault("accept_then_silence", times=1, match={"number": number})
    hanging = installation.send(to=number)
    sends = installation.producer.send_many(alerts(200))
    installation.wait_for(lambda: len(installation.gateway.requests()) >= 50)
    # Calls begin together, on connections of their own: the first of them need not arrive first.
    installation.wait_for(lambda: len(installation.posts(hanging)) == 1)

    installation.worker.kill()
    killed_at = time.monotonic()
    assert len(installation.gateway.requests()) < 200
    installation.worker.start()
    return installation, hanging, sends, killed_at


def test_a_killed_workers_message_is_taken_up_within_15_seconds_and_comes_once(killed):
    installation, hanging, _, killed_at = killed

    installation.wait_for(lambda: len(installation.posts(hanging)) == 2)

    assert time.monotonic() - killed_at < TAKEN_UP_S
    assert installation.settled(hanging).state == "accepted"
    assert installation.status(hanging).attempts == 2
    assert len(installation.bodies(hanging)) == len(installation.handset(hanging)) == 1


def test_a_worker_killed_in_the_midst_of_200_messages_loses_none_and_repeats_none(killed):
    installation, hanging, sends, _ = killed

    assert_each_came_once(installation, [hanging, *sends])
    assert_nothing_is_left(installation)


@pytest.mark.parametrize(
    "how",
    [{}, {"every_s": 0.1}, {"whole_group": True}],
    ids=["once", "again-and-again", "whole-group"],
)
def test_a_stopped_worker_finishes_its_calls_and_leaves_the_rest_to_the_next(install, how):
    installation = install(WORKER_CALLS="8")
    installation.gateway.settings(latency_ms=300)
    sends = installation.producer.send_many(alerts(40))
    installation.wait_for(lambda: len(installation.gateway.requests()) >= 8)

    started = time.monotonic()
    status = installation.worker.terminate(**how)
    seconds = time.monotonic() - started

    # A signal that finds Python already past its handlers leaves no other status.
    assert status in ({0, -signal.SIGTERM} if "every_s" in how else {0})
    assert seconds < PLATFORM_GRACE_S
    posted = {record.request_id for record in installation.gateway.requests()}
    assert {installation.status(request_id).state for request_id in posted} == {"accepted"}
    assert len(posted) < 40, "the rest was left"
    installation.worker.start()
    assert_each_came_once(installation, sends)
    assert {installation.status(sent).attempts for sent in sends} == {1}
    assert_nothing_is_left(installation)


@pytest.mark.parametrize("crash", [False, True], ids=["restarted", "crashed"])
def test_messages_flow_on_after_redis_was_away(install, tmp_path, crash):
    with RedisServer(tmp_path / "redis", fsync="always") as redis_server:
        installation = install(redis_server.url)
        installation.gateway.settings(latency_ms=20)
        with Flow(installation) as flow:
            installation.wait_for(lambda: len(installation.gateway.requests()) >= 20)
            redis_server.kill() if crash else redis_server.stop()
            flow.wait_for_a_failure_or(seconds=1)
            redis_server.start()
            after = flow.count
            installation.wait_for(lambda: flow.count >= after + 40)

        assert flow.strange == []
        assert_each_came_once(installation, flow.sends)
        assert_nothing_is_left(installation)


@pytest.mark.parametrize("change", [ServerPair.fail_over, ServerPair.crash], ids=["planned", "crashed"])
def test_messages_flow_on_when_another_redis_takes_the_place(install, tmp_path, change):
    """Behind the same name, as after a failover; the old one, if it lives, would answer every read."""
    with ServerPair(tmp_path) as pair:
        installation = install(pair.url, web=True, LOG_LEVEL="debug")
        installation.gateway.settings(latency_ms=20)
        with Flow(installation) as flow:
            installation.wait_for(lambda: len(installation.gateway.requests()) >= 20)
            change(pair)
            after = flow.count
            installation.wait_for(lambda: flow.count >= after + 40)

        assert flow.strange == []
        assert_each_came_once(installation, flow.sends)
        assert_nothing_is_left(installation)
        installation.wait_for(lambda: "redis.back" in installation.worker.output)
        # Where the old one lives, another thread may have found the new one before the consumer asks again.
        if change is ServerPair.crash:
            assert "Restarting consumer in 0.50 seconds" in installation.worker.output
        lines = installation.worker.output.splitlines()
        told = [line.split('"')[3] for line in lines if "onnection" in line or "redis" in line]
        # Whether it keeps every write is another matter.
        kept = {"redis.keeps_every_write", "redis.may_forget", "pseudonyms.kept_in_redis"}
        assert [what for what in told if what not in kept] == ["redis.unavailable", "redis.back"]
