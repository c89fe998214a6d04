"""Two hosts, each with Redis, Sentinel, worker and web, and a third Sentinel elsewhere: one is cut off.

The host that is cut off keeps a primary that nobody has told, and a Sentinel that knows only what was. What a
program on that host sends meanwhile is taken there, and forgotten when the host is back: see docs/redis.md.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
import redis

from producers import Producer
from producers.settings import ProducerSettings
from tests.faults.test_topologies import repeated
from tests.support.flow import Flow
from tests.support.hosts import Hosts, NoHostsError
from tests.support.installation import API_KEY, API_LOGIN, TOKEN, bare_environment, new_number
from tests.support.simulator import SimulatorThread
from tests.support.waiting import until
from worker.sandbox.redis_server import find_binary

pytestmark = pytest.mark.timeout(300)

#: Seconds in which the other host must go on.
BACK_S = 15.0
PORT, SENTINEL_PORT, WEB_PORT = 6390, 26390, 8090


@pytest.fixture
def hosts(tmp_path):
    with ExitStack() as over:
        try:
            yield over.enter_context(Hosts(3, tmp_path))
        except NoHostsError as problem:
            pytest.skip(f"left out, no network namespaces here: {problem}")


class Place:
    """All that runs on the hosts, and an application at the bridge."""

    def __init__(self, hosts, directory, simulator):
        self.hosts, self._directory = hosts, directory
        self.gateway = simulator.admin
        names = ",".join(f"{each}:{SENTINEL_PORT}" for each in hosts.addresses)
        gateway_port = urlsplit(simulator.base_url).port
        hosts.offer(gateway_port)
        self.environ = {
            **bare_environment(),
            "REDIS_URL": f"redis+sentinel://{names}/sms/0",
            "REDIS_REPLICAS": "1",
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            "OCTOPUSH_BASE_URL": simulator.base_url,
            "CALLBACK_TOKENS": TOKEN,
            "PYTHONUNBUFFERED": "1",
        }
        for number in range(2):
            self._start_redis(number)
            hosts.lend(number, gateway_port)
        for number in range(3):
            self._start_sentinel(number)
        until(lambda: self.role(1) == "slave" and self._follows())
        run = [sys.executable, "-m", "octopush_worker"]
        self.logs = []
        for number in range(2):
            # One process each with few threads: the cores are few, too.
            self.logs.append(
                hosts.start(number, [*run, "worker", "--threads", "4"], self.environ, f"worker-{number}")
            )
            web = [*run, "web", "--host", "0.0.0.0", "--port", f"{WEB_PORT}"]
            hosts.start(
                number,
                web,
                {**self.environ, "CALLBACK_SPOOL_DIR": f"{directory}/spool-{number}"},
                f"web-{number}",
            )
        self.producer = Producer(settings=ProducerSettings.from_env(self.environ))

    def _start_redis(self, number):
        data = self._directory / f"redis-{number}"
        data.mkdir()
        command = [
            find_binary(),
            "--port",
            f"{PORT}",
            "--bind",
            "0.0.0.0",
            "--protected-mode",
            "no",
            "--dir",
            f"{data}",
        ]
        command += [
            "--appendonly",
            "yes",
            "--save",
            "",
            "--repl-diskless-sync-delay",
            "0",
            "--repl-timeout",
            "6",
        ]
        command += ["--repl-ping-replica-period", "1"]
        if number:
            command += ["--replicaof", f"{self.hosts.addresses[0]} {PORT}"]
        self.hosts.start(number, command, os.environ, f"redis-{number}.log")

    def _start_sentinel(self, number):
        file = self._directory / f"sentinel-{number}.conf"
        lines = [f"port {SENTINEL_PORT}", "protected-mode no", f"dir {self._directory}"]
        lines += [f"sentinel monitor sms {self.hosts.addresses[0]} {PORT} 2"]
        lines += ["sentinel down-after-milliseconds sms 3000", "sentinel failover-timeout sms 6000"]
        file.write_text("\n".join(lines) + "\n")
        self.hosts.start(
            number, [find_binary(), f"{file}", "--sentinel"], os.environ, f"sentinel-{number}.log"
        )

    def asked(self, number, port=PORT):
        return redis.Redis(
            host=self.hosts.addresses[number], port=port, socket_timeout=1, socket_connect_timeout=1
        )

    def role(self, number):
        with suppress(redis.RedisError), self.asked(number) as client:
            return client.info("replication")["role"]
        return None

    def _follows(self):
        with self.asked(1) as replica, self.asked(0, SENTINEL_PORT) as sentinel:
            state = sentinel.sentinel_master("sms")
            linked = replica.info("replication")["master_link_status"] == "up"
            return linked and state["num-other-sentinels"] == 2 and state["num-slaves"] == 1

    def send(self, *, to, request_id):
        return self.producer.send(
            to, "Your table is ready", sender="Bistro", purpose="alert", request_id=request_id
        )

    def shown(self):
        return self.gateway.delivered()

    def sends_on(self, number, to):
        """Whether a program on a host gets a message into the queue."""
        line = [sys.executable, "-m", "octopush_worker", "send", "--to", to, "--text", "Hello"]
        line = self.hosts.command(number, [*line, "--sender", "Bistro", "--purpose", "alert"])
        done = subprocess.run(line, env=self.environ, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode == 0


def test_a_host_that_is_cut_off_costs_nobody_a_text_and_comes_back(hosts, tmp_path, measured):
    with SimulatorThread() as simulator:
        place = Place(hosts, tmp_path, simulator)
        with Flow(place) as flow:
            until(lambda: len(place.shown()) >= 40, 60)
            until(lambda: '"redis.keeps_every_write"' in place.logs[1].read_text())
            cut_at = time.monotonic()
            hosts.cut_off(0)
            before = flow.count
            until(lambda: flow.count >= before + 40, BACK_S)
            shown = len(place.shown())
            until(lambda: len(place.shown()) >= shown + 40, BACK_S)
            back_s = time.monotonic() - cut_at
            assert place.role(1) == "master"
            until(lambda: '"redis.may_forget"' in place.logs[1].read_text())
            elsewhere = new_number()
            taken = place.sends_on(0, elsewhere)
            hosts.heal(0)
            until(lambda: place.role(0) == "slave", 60)
            until(lambda: _last_word(place.logs[1]) == "redis.keeps_every_write", 30)
        assert flow.strange == []
        forgotten = [each for each in flow.sends if place.producer.status(each.request_id) is None]
        told = f"{len(forgotten)} of {flow.count} sends forgotten; taken on that host: {taken}"
        measured(f"a host cut off: back after {back_s:.1f} s, {told}")
        for sent, number in zip(flow.sends, flow.numbers, strict=True):
            repeated(place.send, to=number, request_id=sent.request_id)
        ids = [each.request_id for each in flow.sends]
        until(lambda: all(_state(place, each) not in ("queued", "sending") for each in ids), 90)
        times = Counter(place.shown())
        assert {times[each, number] for each, number in zip(ids, flow.numbers, strict=True)} == {1}
        assert max(times.values()) == 1
        # Taken by a primary that was one no more; nobody but a worker of that host has ever seen it.
        assert taken
        assert sum(count for (_, number), count in times.items() if number == elsewhere) <= 1


def _last_word(log):
    """What a worker said last of its Redis."""
    found = [line for line in log.read_text().splitlines() if '"redis.keeps' in line or '"redis.may' in line]
    return json.loads(found[-1])["event"]


def _state(place, request_id):
    return place.producer.status(request_id).state
