"""Callbacks while Redis is away: what was answered 200 is kept, whoever is killed meanwhile."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest
import redis

from producers.callbacks import AsyncCallbackIntake, CallbackIntake
from producers.contract.keys import Keys
from producers.contract.secret import Secret
from producers.contract.settings import WebSettings
from tests.support.waiting import until
from tests.support.web_server import WebServer

TOKEN = "a-callback-token-4711-zyx"
DATED = '{"number": "+33600000000", "text": "Oui %d", "reception_date": "2026-01-31 14:05:09"}'


class Awaited:
    """`AsyncCallbackIntake` on a loop of its own, driven like the blocking one."""

    def __init__(self, settings):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._intake = AsyncCallbackIntake(settings)

    def accept_callback(self, *args):
        return self._run(self._intake.accept_callback(*args))

    def close(self):
        self._run(self._intake.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


@pytest.fixture(params=[CallbackIntake, Awaited], ids=["sync", "async"])
def make(request):
    return request.param


@pytest.fixture
def settings(own_redis_server, tmp_path):
    return WebSettings(
        redis_url=own_redis_server.url, callback_tokens=(Secret(TOKEN),), spool_dir=str(tmp_path / "spool")
    )


@pytest.fixture
def intake(make, settings):
    intake = make(settings)
    yield intake
    intake.close()


def texts(server):
    """Return the bodies of all callbacks that wait in Redis, by id."""
    with redis.Redis(port=server.port) as client:
        ids = client.lrange(Keys().queue("callbacks").ready, 0, -1)
        return {each: client.hget(Keys().callback(each.decode()), "raw") for each in ids}


def spooled(path):
    return sum(each.stat().st_size for each in path.rglob("*.spool"))


def body(number):
    return (DATED % number).encode()


@pytest.mark.parametrize("how", ["suspended", "killed"])
def test_a_callback_is_kept_while_redis_is_away_and_moved_when_it_is_back(
    own_redis_server, intake, tmp_path, how
):
    assert intake.accept_callback(TOKEN, body(0)) == 200
    own_redis_server.suspend() if how == "suspended" else own_redis_server.kill()

    began = time.monotonic()
    assert intake.accept_callback(TOKEN, body(1)) == 200
    assert time.monotonic() - began < 1
    assert all(intake.accept_callback(TOKEN, body(n)) == 200 for n in range(2, 30))
    assert spooled(tmp_path)

    own_redis_server.resume() if how == "suspended" else own_redis_server.restart()
    until(lambda: not spooled(tmp_path))
    found = texts(own_redis_server)
    # What Redis took without being able to say so came a second time, under the same id.
    assert sorted(set(found.values())) == sorted(body(n) for n in range(30))
    # A busy machine may let Redis answer late once more.
    until(lambda: intake.accept_callback(TOKEN, body(30)) == 200 and not spooled(tmp_path))


def test_what_lies_in_the_spool_is_moved_by_the_next_process(own_redis_server, make, settings, tmp_path):
    first = make(settings)
    own_redis_server.kill()
    assert first.accept_callback(TOKEN, body(1), "replies") == 200
    first.close()
    own_redis_server.restart()

    second = make(settings)
    assert second.accept_callback(TOKEN, body(2)) == 200
    until(lambda: not spooled(tmp_path))
    assert sorted(texts(own_redis_server).values()) == [body(1), body(2)]
    second.close()


def test_a_callback_keeps_its_age_and_its_kind_in_the_spool(own_redis_server, intake, tmp_path):
    assert intake.accept_callback(TOKEN, body(0)) == 200
    own_redis_server.suspend()
    before = time.time() * 1000
    assert intake.accept_callback(TOKEN, body(1), "replies") == 200
    after = time.time() * 1000
    until(lambda: time.time() * 1000 > after + 1_200)
    own_redis_server.resume()
    until(lambda: not spooled(tmp_path))
    with redis.Redis(port=own_redis_server.port) as client:
        [kept] = {each for each, raw in texts(own_redis_server).items() if raw == body(1)}
        fields = client.hgetall(Keys().callback(kept.decode()))
    assert fields[b"kind"] == b"replies"
    assert before - 5 <= int(fields[b"received"]) <= after + 50


def test_a_full_spool_answers_503_and_nothing_that_was_kept_is_lost(
    own_redis_server, make, settings, monkeypatch, tmp_path
):
    monkeypatch.setattr("producers.callbacks._MIB", 4_000)
    intake = make(settings)
    object.__setattr__(settings, "spool_mib", 1)
    own_redis_server.kill()
    small = make(settings)
    answers = [small.accept_callback(TOKEN, body(n)) for n in range(60)]
    assert set(answers) == {200, 503}
    assert answers[0] == 200
    own_redis_server.restart()
    until(lambda: not spooled(tmp_path))
    kept = [body(n) for n, answer in enumerate(answers) if answer == 200]
    assert sorted(texts(own_redis_server).values()) == sorted(kept)
    small.close()
    intake.close()


def test_a_full_redis_takes_replies_and_refuses_rubbish_as_before(own_redis_server, intake, tmp_path):
    with redis.Redis(port=own_redis_server.port) as client:
        client.config_set("maxmemory", 1)
        assert intake.accept_callback(TOKEN, b"rubbish %%%") == 503
        assert intake.accept_callback(TOKEN, body(1)) == 200
        assert not spooled(tmp_path)
        client.config_set("maxmemory", 0)


def test_a_token_brings_no_more_than_it_may_while_redis_is_away(own_redis_server, intake, monkeypatch):
    from producers import callbacks

    own_redis_server.kill()
    monkeypatch.setitem(callbacks.ALLOWED, "replies", 1_000)
    assert [intake.accept_callback(TOKEN, body(n)) for n in range(4)] == [200, 200, 429, 429]


def test_a_damaged_file_is_put_away_and_all_before_the_damage_is_moved(
    own_redis_server, make, settings, tmp_path
):
    first = make(settings)
    own_redis_server.kill()
    for n in range(3):
        assert first.accept_callback(TOKEN, body(n)) == 200
    first.close()
    [path] = tmp_path.rglob("*.spool")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    own_redis_server.restart()
    second = make(settings)
    assert second.accept_callback(TOKEN, body(9)) == 200
    until(lambda: not spooled(tmp_path))
    assert sorted(texts(own_redis_server).values()) == [body(0), body(9)]
    assert list(tmp_path.rglob("*.damaged"))
    second.close()


def test_a_web_process_that_is_killed_has_lost_nothing_that_it_answered_200(own_redis_server, tmp_path):
    """Killed while it keeps, twice while it drains, with another process beside it; a third one ends it."""
    environ = {
        "REDIS_URL": own_redis_server.url,
        "CALLBACK_TOKENS": TOKEN,
        "CALLBACK_SPOOL_DIR": str(tmp_path / "spool"),
    }
    taken, enough = [], threading.Event()

    def bring(web, first):
        with httpx.Client(base_url=web.url, timeout=5) as client:
            for n in itertools.takewhile(lambda _: not enough.is_set(), itertools.count(first)):
                try:
                    if client.post(f"/callbacks/{TOKEN}", content=body(n)).status_code == 200:
                        taken.append(n)
                except httpx.HTTPError:
                    return

    with WebServer(tmp_path / "one", environ) as one, WebServer(tmp_path / "two", environ) as two:
        own_redis_server.kill()
        threads = [
            threading.Thread(target=bring, args=(web, first))
            for web, first in ((one, 0), (one, 10_000), (two, 20_000))
        ]
        for each in threads:
            each.start()
        until(lambda: len(taken) > 300)
        one.process.send_signal(signal.SIGKILL)
        before = len(taken)
        until(lambda: len(taken) > before + 300)
        enough.set()
        for each in threads:
            each.join()
        assert httpx.get(f"{two.url}/readyz").status_code == 200
        own_redis_server.restart()
        two.process.send_signal(signal.SIGKILL)
    for attempt in range(2):
        with WebServer(tmp_path / f"three{attempt}", environ) as three:
            until(lambda: texts(own_redis_server) or not spooled(tmp_path))
            three.process.send_signal(signal.SIGKILL)
    with WebServer(tmp_path / "last", environ) as last:
        until(lambda: not spooled(tmp_path))
        assert last.terminate()
    found = texts(own_redis_server)
    assert {body(n) for n in taken} <= set(found.values())
    # Each under one id: a worker publishes what has come twice once.
    assert len(set(found.values())) == len(found)


def test_without_redis_and_with_a_spool_the_server_is_ready(own_redis_server, tmp_path):
    environ = {
        "REDIS_URL": own_redis_server.url,
        "CALLBACK_TOKENS": TOKEN,
        "CALLBACK_SPOOL_DIR": str(tmp_path / "spool"),
    }
    with WebServer(tmp_path / "log", environ) as web:
        own_redis_server.kill()
        assert httpx.get(f"{web.url}/readyz").status_code == 200
        assert (
            httpx.post(
                f"{web.url}/callbacks/{TOKEN}", content=json.dumps({"number": "+33600000001", "text": "x"})
            ).status_code
            == 200
        )
        assert f"octopush_spool_bytes {float(spooled(tmp_path))}\n" in httpx.get(f"{web.url}/metrics").text
        own_redis_server.restart()
        until(lambda: not spooled(tmp_path))
        assert "octopush_spool_bytes 0.0\n" in httpx.get(f"{web.url}/metrics").text
        until(lambda: "spool: 1 callbacks moved" in web.output)
        assert TOKEN not in web.output
        assert "+33600000001" not in web.output


def test_a_forked_process_empties_the_spool_from_its_first_request_on(tmp_path):
    """As a server does that loads the application and then forks: threads do not come along."""
    program = """
import os, threading
from producers.callbacks import CallbackIntake
intake = CallbackIntake.from_env()
intake.start()
threads = lambda: sum(each.name == "spool" for each in threading.enumerate())
held = intake._draining._spool._writing
with held:  # as the thread of the parent may, just then
    child = os.fork()
if child == 0:
    held.acquire(blocking=False)
    before = threads()
    kept = intake.accept_callback(os.environ["CALLBACK_TOKENS"], os.environb[b"BODY"])
    print(before, threads(), kept, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(threads())
"""
    environ = {"CALLBACK_TOKENS": TOKEN, "CALLBACK_SPOOL_DIR": str(tmp_path), "BODY": body(1).decode()}
    environ |= {"REDIS_URL": "redis://127.0.0.1:1", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=20, check=True)

    assert done.stdout.split("\n") == ["0 1 200", "1", ""]
    assert spooled(tmp_path)
