"""A STOP that was answered 200 is not forgotten: Redis, web and worker die right behind the answer."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.support.installation import TOKEN, Installation, new_number
from tests.support.stop_now import stop
from tests.support.web_server import WebServer
from tests.support.worker_process import WorkerProcess
from worker.sandbox.redis_server import RedisServer

TEXT = "Sale STOP au 30101"
#: Two keys, of which a process has one.
OURS, OTHERS = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg="


@pytest.fixture
def server(tmp_path) -> Iterator[RedisServer]:
    """A server that keeps every write."""
    with RedisServer(tmp_path / "redis", fsync="always") as running:
        yield running


@pytest.fixture
def install(tmp_path, server) -> Iterator[Callable[..., Installation]]:
    """Install everything on it; the worker is started by the test."""
    with ExitStack() as stopping:
        yield lambda **given: stopping.enter_context(
            Installation(tmp_path, server.url, web=True, worker=False, **given)
        )


def say_stop(web: WebServer, number: str) -> None:
    """Let the gateway tell of a STOP, until it is answered 200."""
    body = json.dumps(stop(number))
    answer = httpx.post(f"{web.url}/callbacks/{TOKEN}", content=body, trust_env=False, timeout=10)
    assert answer.status_code == httpx.codes.OK


def test_redis_dies_right_after_the_answer(install, server):
    there = install()
    number = new_number()
    sale = there.send(TEXT, to=number, purpose="wholesale", send_at="2100-01-01T10:00:00+01:00")
    say_stop(there.web, number)
    server.restart(crash=True)
    there.worker.start()

    assert there.settled(sale).code == "suppressed"
    late = there.send(TEXT, to=number, purpose="wholesale")
    assert there.settled(late).state == "cancelled"
    assert len(there.entries("optouts")) == 1
    assert not there.gateway.messages(number=number)


def test_redis_is_away_and_the_web_process_dies_right_after_the_answer(install, server, tmp_path):
    there = install()
    number = new_number()
    sale = there.send(TEXT, to=number, purpose="wholesale", send_at="2100-01-01T10:00:00+01:00")
    server.kill()
    say_stop(there.web, number)
    there.web.process.kill()
    server.start()
    with WebServer(tmp_path / "next-web.log", there.environ):
        there.worker.start()
        assert there.settled(sale).code == "suppressed"
    assert len(there.entries("optouts")) == 1


def test_a_worker_without_the_key_texts_nobody_and_ends(install, tmp_path):
    there = install(PSEUDONYM_KEYS=OURS)
    number = new_number()
    sale = there.send(TEXT, to=number, purpose="wholesale", send_at="2100-01-01T10:00:00+01:00")
    now = there.send(TEXT, to=new_number(), purpose="wholesale")
    say_stop(there.web, number)
    with WorkerProcess(tmp_path / "wrong.log", {**there.environ, "PSEUDONYM_KEYS": OTHERS}) as wrong:
        assert wrong.wait(60) != 0
        assert "PSEUDONYM_KEYS" in wrong.output
    assert there.status(now).state == there.status(sale).state == "queued"
    assert not there.entries("optouts")

    there.worker.start()
    assert there.settled(sale).code == "suppressed"
    assert there.settled(now).state == "accepted"
