"""Whole workers among failing neighbours: a frozen process, a lossy or frozen Redis, a gateway in trouble."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack

import httpx
import pytest

from producers import Message, Producer
from tests.support.installation import IMPATIENT, Installation, new_number
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until
from worker.sandbox.free_port import free_port
from worker.sandbox.redis_server import RedisServer


def alerts(count: int) -> list[Message]:
    return [
        Message(new_number(), "Your code is 1234", sender="Bistro", purpose="alert") for _ in range(count)
    ]


@pytest.fixture
def install(own_redis_server, tmp_path_factory):
    """Start installations on a Redis that the test may break."""
    with ExitStack() as stopping:

        def start(redis_url: str = own_redis_server.url, **options) -> Installation:
            made = Installation(tmp_path_factory.mktemp("installation"), redis_url, **options)
            return stopping.enter_context(made)

        yield start


def assert_each_came_once(installation: Installation, sends, seconds: float = 90) -> None:
    assert installation.all_settled(sends, seconds) == {"accepted"}
    shown = Counter({request_id: n for (request_id, _), n in installation.gateway.delivered().items()})
    assert Counter(shown[sent.request_id] for sent in sends) == {1: len(sends)}


def test_a_worker_frozen_past_its_lease_cannot_overwrite_its_successor(install):
    """SIGSTOP while the gateway thinks, a successor finishes, SIGCONT: the late word is refused."""
    first = install(OCTOPUSH_READ_TIMEOUT_S="12")
    number = new_number()
    first.gateway.fault(None, before_ms=3_000, times=1, match={"number": number})
    sent = first.send(to=number)
    first.wait_for(lambda: first.status(sent).state == "sending")
    os.killpg(first.worker.pid, signal.SIGSTOP)
    second = install(namespace=first.namespace, OCTOPUSH_BASE_URL=first.simulator.base_url)
    assert second.settled(sent, 60).state == "accepted"
    before = first.status(sent)

    os.killpg(first.worker.pid, signal.SIGCONT)
    first.wait_for(lambda: '"sms.fenced"' in first.worker.output, 60)
    assert first.status(sent) == before
    assert [message.number for message in first.handset(sent)] == [number]
    assert len(first.bodies(sent)) == 1


def test_lost_replies_of_redis_cost_nothing_but_time(own_redis_server, install):
    """Every few commands the answer of Redis is lost: the command was done, the worker does not know."""
    with TcpProxy(own_redis_server.port) as proxy:
        installation = install(f"redis://127.0.0.1:{proxy.port}/0", **IMPATIENT)
        direct = Producer(own_redis_server.url, settings=installation.settings)
        sends = direct.send_many(alerts(200))
        while installation.redis.hget(installation.keys.counts, "accepted") != b"200":
            dropped = proxy.replies_dropped
            proxy.drop_next_reply()
            until(lambda before=dropped: proxy.replies_dropped > before, 60)
            if proxy.replies_dropped > 25:
                break
        direct.close()
        assert_each_came_once(installation, sends, 110)


def test_a_redis_frozen_for_12_s_costs_nothing_but_time(own_redis_server: RedisServer, install):
    installation = install()
    sends = installation.producer.send_many(alerts(500))
    installation.wait_for(lambda: len(installation.gateway.requests()) > 20)
    own_redis_server.suspend()
    thaw_at = time.monotonic() + 12
    until(lambda: time.monotonic() > thaw_at, 30)
    own_redis_server.resume()
    assert_each_came_once(installation, sends)


def test_a_storm_of_429_pauses_everybody_and_wastes_few_calls(install):
    installation = install(WORKER_CALLS="8")
    installation.gateway.settings(rate_limit_per_s=50.0, rate_limit_burst=10)
    sends = installation.producer.send_many(alerts(150))
    assert_each_came_once(installation, sends)
    refused = sum(record.outcome != "accepted" for record in installation.gateway.requests())
    # A pause is run into by eight calls at a time at most; without it, each message is refused for itself.
    assert 1 <= refused < 100
    assert {installation.status(sent).state for sent in sends} == {"accepted"}


def test_exhausted_credit_holds_everything_burns_nothing_and_ends_by_itself(install):
    installation = install(WORKER_CALLS="8")
    installation.gateway.call("PUT", "/balance", {"amount": 0.0})
    sends = installation.producer.send_many(alerts(100))
    installation.wait_for(lambda: installation.redis.exists(installation.keys.hold))
    # The balance is asked for, and found empty, before it is filled up.
    installation.wait_for(lambda: '"account.still_held"' in installation.worker.output)
    assert len(installation.gateway.requests()) < 30
    held = [installation.status(sent) for sent in sends]
    assert {(status.state, status.attempts) for status in held} == {("queued", 0)}
    assert installation.worker.output.count('"account.held"') == 1

    installation.gateway.call("PUT", "/balance", {"amount": 100.0})
    assert_each_came_once(installation, sends)
    assert {installation.status(sent).attempts for sent in sends} == {1}


def test_a_wrong_key_holds_everything_until_an_operator_releases_it(install):
    installation = install()
    installation.gateway.settings(api_key="another")
    sends = installation.producer.send_many(alerts(20))
    installation.wait_for(lambda: installation.redis.exists(installation.keys.hold))
    installation.gateway.settings(api_key=installation.environ["OCTOPUSH_API_KEY"])
    released = subprocess.run(
        [sys.executable, "-m", "worker.cli", "release"],
        env=installation.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert released.stdout == "released\n"
    assert_each_came_once(installation, sends)
    [(_, entry)] = installation.redis.xrange(installation.keys.stream("audit"))
    assert entry[b"action"] == b"release"


def test_limits_hold_over_all_processes_and_change_live(install):
    first = install()
    second = install(namespace=first.namespace, OCTOPUSH_BASE_URL=first.simulator.base_url)
    first.gateway.settings(latency_ms=50)
    first.redis.hset(first.keys.limits, mapping={"in_flight": 3, "rate": 0})
    sends = first.producer.send_many(alerts(60))
    assert_each_came_once(first, sends)
    assert first.gateway.stats()["most_parallel"] <= 3
    assert second.worker.is_running


def test_a_full_redis_refuses_new_sends_while_workers_drain_the_old(own_redis_server, install):
    installation = install(worker=False)
    sends = installation.producer.send_many(alerts(300))
    installation.redis.config_set("maxmemory", installation.redis.info("memory")["used_memory"] - 1)
    installation.worker.start()
    assert_each_came_once(installation, sends)


def test_a_dead_worker_is_replaced_and_its_sibling_goes_on(own_redis_server, tmp_path):
    """``octopush-worker up`` is the documented supervisor; the platform's does the same."""
    port = free_port()
    environ = {
        **os.environ,
        "REDIS_URL": own_redis_server.url,
        "OCTOPUSH_API_LOGIN": "sandbox@example.com",
        "OCTOPUSH_API_KEY": "sandbox-key",
        "OCTOPUSH_BASE_URL": "http://127.0.0.1:1/v1/public",
        "CALLBACK_TOKENS": "callback-token-0123456789",
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "worker.cli", "up", "--workers", "2"]
    with (tmp_path / "up.log").open("wb") as log:
        supervisor = subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=log, stderr=log)
    try:
        until(lambda: _answers(port), 60)
        first, second = until(lambda: _two(_worker_pids(supervisor.pid)), 30)
        os.killpg(first, signal.SIGKILL)
        until(lambda: _two(_worker_pids(supervisor.pid) - {first}), 60)
        assert second in _worker_pids(supervisor.pid)
        assert "worker.1 ended with status -9" in (tmp_path / "up.log").read_text()
    finally:
        supervisor.terminate()
        assert supervisor.wait(40) == 0


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _two(pids: set[int]) -> tuple[int, ...] | None:
    return tuple(sorted(pids)) if len(pids) == 2 else None


def _worker_pids(parent: int) -> set[int]:
    """Process ids of the parents of workers below a supervisor."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True, check=True
    ).stdout
    return {int(line.split()[0]) for line in listed.splitlines() if "octopush_worker worker" in line}
