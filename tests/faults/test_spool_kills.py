"""SIGKILL at every step on which a callback is kept and moved, a worker at work: each is published once."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from tests.support.doomed_web import KEEP_POINTS, MOVE_POINTS, DoomedWeb
from tests.support.installation import API_KEY, API_LOGIN, TOKEN, bare_environment
from tests.support.keys import AllKeys
from tests.support.simulator import SimulatorThread
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until
from tests.support.web_server import WebServer
from tests.support.worker_process import WorkerProcess
from worker.sandbox.redis_server import RedisServer
from worker.sandbox.simulator.settings import SimulatorSettings

#: Callbacks for each point: more than share a round trip.
COUNT = 60
KEYS = AllKeys("spoolkills")


class Place:
    """A server with a worker that never rests, and the road to them that a test closes."""

    def __init__(self, server: RedisServer, directory: Path, road: TcpProxy) -> None:
        self.client, self.road = redis.Redis(port=server.port), road
        self.gateway = SimulatorThread(SimulatorSettings())
        self._environ = {**bare_environment(), "SMS_NAMESPACE": KEYS.namespace}
        own = {"OCTOPUSH_API_LOGIN": API_LOGIN, "OCTOPUSH_API_KEY": API_KEY}
        own |= {"OCTOPUSH_BASE_URL": self.gateway.base_url, "REDIS_URL": server.url}
        self.worker = WorkerProcess(directory / "worker.log", {**self._environ, **own}, threads=4)

    def web(self, spool: Path, die_at: str) -> dict[str, str]:
        """Say what a web process is told; Redis is at the end of the road."""
        url = f"redis://127.0.0.1:{self.road.port}/0"
        own = {"REDIS_URL": url, "CALLBACK_TOKENS": TOKEN, "CALLBACK_SPOOL_DIR": str(spool), "DIE_AT": die_at}
        return {**self._environ, **own}

    def published(self) -> Counter[str]:
        """Count the texts on the stream of replies."""
        return Counter(fields[b"text"].decode() for _, fields in self.client.xrange(KEYS.stream("replies")))

    def is_idle(self) -> bool:
        """Whether no callback is left for the worker."""
        names = KEYS.queue("callbacks")
        left = self.client.llen(names.ready) + self.client.zcard(names.delayed)
        return left + self.client.zcard(names.leases) == 0


@pytest.fixture
def place(tmp_path_factory) -> Iterator[Place]:
    """Make it, with the worker running."""
    directory = tmp_path_factory.mktemp("spool-kills")
    with RedisServer(tmp_path_factory.mktemp("redis")) as server, TcpProxy(server.port) as road:
        made = Place(server, directory, road)
        made.worker.start()
        yield made
        made.worker.kill()
        made.gateway.stop()
        made.client.close()


def bring(web: WebServer, name: str) -> list[str]:
    """POST replies, every other one without a date; return what was answered 200 before the process died."""
    taken = []
    with httpx.Client(base_url=web.url, timeout=5) as gateway:
        for number in range(COUNT):
            text = f"{name} {number}"
            dated = {"reception_date": "2030-01-31 14:05:09"} if number % 2 else {}
            event = json.dumps({"number": "+33612345678", "text": text, **dated})
            try:
                answer = gateway.post(f"/callbacks/{TOKEN}/replies", content=event)
            except httpx.HTTPError:
                break
            assert answer.status_code == 200
            taken.append(text)
    return taken


def test_what_was_answered_200_is_published_once_whatever_is_killed_when(place, tmp_path):
    """Each process finds what those before it have left. The last one is healthy: the worker dies instead."""
    spool, taken = tmp_path / "spool", []
    for point in (*MOVE_POINTS, *KEEP_POINTS):
        # What the road holds up arrives when it is free again: Redis gets the first callback twice.
        place.road.half_open()
        with DoomedWeb(tmp_path / "doomed.log", place.web(spool, point)) as doomed:
            kept = bring(doomed, point)
            assert point in KEEP_POINTS or len(kept) == COUNT
            taken += kept
            place.road.pass_through()
            until(lambda doomed=doomed: doomed.process.poll() is not None, 30)
        assert list(spool.rglob("*.spool")) or point == "after:remove@1"
    place.worker.kill()
    with WebServer(tmp_path / "web.log", place.web(spool, "")) as web:
        until(lambda: not list(spool.rglob("*.spool")), 30)
        place.worker.start()
        until(lambda: set(taken) <= place.published().keys() and place.is_idle(), 30)
        assert web.terminate()
    assert not list(spool.rglob("*.damaged"))
    assert set(place.published().values()) == {1}
