"""Many calls at once: each is answered in its turn, and none for want of a connection."""

import asyncio
import gc
import time
import weakref
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import redis
import redis.asyncio

import worker.api.app
import worker.api.door
from producers.contract.clients import Timeouts
from producers.contract.steps import Commands
from tests.support.api_client import ONE, ApiClient, api_settings
from tests.support.waiting import until
from worker.api.caller import Caller
from worker.api.desk import ASKING, TIMEOUTS
from worker.api.lookout import LOOKS
from worker.api.server import make_server
from worker.api.turns import Turns
from worker.sandbox.free_port import free_port

POLLS = 100
POLL = "/v1/events?stream=alarms&group=g{n}&consumer=c&wait_s=0"


def connections(url: str) -> int:
    """Count the connections that the API has made."""
    with redis.Redis.from_url(url) as admin:
        made = [each for each in admin.client_list() if each["name"] == "octopush-producer"]
    return len(made)


def test_more_polls_at_once_than_there_are_connections_take_few_connections_and_are_all_answered(
    api_url, redis_url
):
    with ApiClient(api_settings(api_url, API_RATE_PER_S="100000")) as api:

        async def burst() -> list[int]:
            calls = (api.acall("GET", POLL.format(n=n % 20)) for n in range(POLLS))
            return [each.status_code for each in await asyncio.gather(*calls)]

        assert api.run(burst()) == [200] * POLLS
        assert connections(redis_url) <= ASKING


def test_calls_that_get_no_turn_or_no_answer_are_told_when_to_repeat(own_redis_server, monkeypatch):
    """More calls than may ask at a time, of a Redis that hangs; time-outs are a tenth of the real ones."""
    quick = Timeouts(TIMEOUTS.connect_s / 10, TIMEOUTS.answer_s / 10, TIMEOUTS.retries, TIMEOUTS.repeat_on)
    for module in (worker.api.app, worker.api.door):
        monkeypatch.setattr(module, "TIMEOUTS", quick)
    with ApiClient(api_settings(own_redis_server.url)) as api:
        assert api.get("/v1/messages/a").status_code == 404

        async def burst() -> list[httpx.Response]:
            calls = (api.acall("GET", f"/v1/messages/a{n}") for n in range(3 * ASKING))
            async with asyncio.timeout(60):
                return list(await asyncio.gather(*calls))

        own_redis_server.suspend()
        try:
            answers = api.run(burst())
        finally:
            own_redis_server.resume()
        told = {(each.status_code, each.json()["code"], each.headers["Retry-After"]) for each in answers}
        assert told == {(503, "queue-unavailable", "1")}
        assert {each.headers["Content-Type"] for each in answers} == {"application/problem+json"}
        assert api.get("/v1/messages/a").status_code == 404


def test_a_call_waits_once_for_a_redis_that_hangs_and_a_wrong_one_is_told_what_is_wrong(own_redis_server):
    calls = {
        "status": ("GET", "/v1/messages/a", {}),
        "send": ("POST", "/v1/messages", {"json": ONE}),
        "batch": ("POST", "/v1/batch", {"json": {"messages": [ONE, {**ONE, "request_id": "w"}]}}),
        "poll": ("GET", POLL.format(n=0), {}),
        "wrong": ("POST", "/v1/messages", {"json": {}}),
    }
    with ApiClient(api_settings(own_redis_server.url)) as api:

        async def timed(method: str, path: str, sent: dict[str, Any]) -> tuple[int, float]:
            began = time.monotonic()
            answer = await api.acall(method, path, **sent)
            return answer.status_code, time.monotonic() - began

        async def together() -> dict[str, tuple[int, float]]:
            async with AsyncExitStack() as others:
                # All turns of those who look into groups are taken.
                for _ in range(LOOKS):
                    await others.enter_async_context(api.lookout.looks.one())
                answers = await asyncio.gather(*(timed(*each) for each in calls.values()))
            return dict(zip(calls, answers, strict=True))

        own_redis_server.suspend()
        try:
            found = api.run(together())
        finally:
            own_redis_server.resume()

    statuses = {name: status for name, (status, _) in found.items()}
    assert statuses == {**dict.fromkeys(calls, 503), "wrong": 422}
    once = TIMEOUTS.answer_s
    assert {name: took for name, (_, took) in found.items() if not once * 0.9 < took < 2 * once} == {}


@pytest.fixture
def collector() -> Iterator[None]:
    """Give the collector of garbage back as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collector")
def test_what_the_process_has_from_its_start_is_not_looked_at_again_for_garbage(api_url):
    server = make_server(api_settings(api_url, API_PORT=str(free_port())))

    async def start() -> tuple[int, int]:
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        found = gc.get_freeze_count(), gc.get_threshold()[2]
        server.should_exit = True
        await serving
        return found

    frozen, threshold = asyncio.run(asyncio.wait_for(start(), 30))
    assert frozen > len(gc.get_objects()) / 2
    assert threshold == 3_000


def test_a_poll_that_has_waited_leaves_nothing_that_only_a_look_for_garbage_would_find(api_url):
    with ApiClient(api_settings(api_url)) as api:

        def is_clean() -> bool:
            api.run(asyncio.sleep(0))  # whoever has waited hears now that it is over
            return not any(type(each) is Caller for each in gc.get_objects())

        # The first one makes the group.
        assert api.get(POLL.format(n=0)).status_code == 200
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                assert api.get(POLL.format(n=0)).status_code == 200
            until(is_clean, 10)
        finally:
            gc.enable()


@pytest.mark.parametrize("blocking", [True, False])
def test_an_error_of_redis_leaves_nothing_that_only_a_look_for_garbage_would_find(redis_url, blocking):
    wrong = Commands([("PING",), ("HGET", "alone", "a", "b")])

    async def told_later() -> weakref.ref[Exception]:
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            try:
                await wrong.arun(client)
            except redis.ResponseError as error:
                return weakref.ref(error)
        raise AssertionError("there was no error")

    def told() -> weakref.ref[Exception]:
        with redis.Redis.from_url(redis_url) as client:
            try:
                wrong.run(client)
            except redis.ResponseError as error:
                return weakref.ref(error)
        raise AssertionError("there was no error")

    gc.collect()
    gc.disable()
    try:
        left = told() if blocking else asyncio.run(told_later())
        assert left() is None
    finally:
        gc.enable()


def test_a_turn_goes_to_whoever_has_waited_longest():
    async def order() -> list[int]:
        turns, had = Turns(1, patience_s=60), list[int]()

        async def call(n: int) -> None:
            for _ in range(2):
                async with turns.one():
                    had.append(n)
                    await asyncio.sleep(0)

        await asyncio.gather(*map(call, range(3)))
        return had

    assert asyncio.run(order()) == [0, 1, 2, 0, 1, 2]


def test_who_gets_no_turn_in_time_is_told_that_redis_is_away_and_takes_none():
    async def late() -> None:
        turns = Turns(1, patience_s=0.01)
        async with turns.one():
            with pytest.raises(redis.TimeoutError):
                async with turns.one():
                    raise AssertionError("there was a turn")
        async with turns.one():
            return

    asyncio.run(late())
