"""How long a call of a producer takes while Redis hangs, and what a call leaves that was cut off."""

import asyncio
import re
import socket
import time

import pytest

from producers import AsyncProducer, ConfigError, Message, Producer, QueueUnavailable
from producers.contract.clients import SENDING, Timeouts, connect, connect_async
from producers.contract.keys import Keys
from tests.house.repository import text
from tests.support.code_blocks import code_blocks

PAGE = "docs/applications.md"
ALERT = {"sender": "Bistro", "purpose": "alert"}
NUMBER = "+33612345678"
#: As in production, and ten times as fast. Redis-py waits at most 0.5 s between two tries.
QUICK = Timeouts(connect_s=0.2, answer_s=0.3, retries=SENDING.retries)
BETWEEN_S = 0.5


def longest_s(timeouts):
    return (timeouts.retries + 1) * timeouts.answer_s + timeouts.retries * BETWEEN_S


def test_the_page_says_how_long_a_call_takes():
    said = re.search(r"(\d+) tries of (\d+) s each, and raises after at most (\d+) s", text(PAGE))

    assert int(said[1]) == SENDING.retries + 1
    assert int(said[2]) == SENDING.answer_s
    assert longest_s(SENDING) <= int(said[3]) < longest_s(SENDING) + 1


def test_a_call_ends_in_time_while_redis_hangs(own_redis_server):
    """Also on a connection that was there before, where a second try connects anew."""
    sms = Producer(client=connect(own_redis_server.url, QUICK))
    assert sms.status("a") is None

    async def awaited():
        async with AsyncProducer(client=connect_async(own_redis_server.url, QUICK)) as other:
            own_redis_server.resume()
            assert await other.status("a") is None
            own_redis_server.suspend()
            began = time.monotonic()
            with pytest.raises(QueueUnavailable):
                await other.status("a")
            return time.monotonic() - began

    own_redis_server.suspend()
    began = time.monotonic()
    with pytest.raises(QueueUnavailable):
        sms.status("a")
    took = [time.monotonic() - began, asyncio.run(awaited())]
    own_redis_server.resume()
    sms.close()

    # More by what a busy machine takes; tries within tries would be four times as long.
    assert max(took) < longest_s(QUICK) + 1.5
    assert min(took) > 4 * QUICK.answer_s


@pytest.fixture(scope="module")
def silent():
    """A server that accepts every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


#: Seconds that an application gives a call, far below what a call takes without, and how long a busy machine
#: may take for it, still below that.
BOUND_S = 0.4
BUSY_S = 3 * SENDING.answer_s


@pytest.mark.parametrize("name", ["status", "send", "send_many", "send_campaign", "preview"])
def test_a_call_with_a_bound_ends_in_time_on_a_server_that_never_answers(silent, name):
    calls = {
        "status": lambda sms: sms.status("a"),
        "send": lambda sms: sms.send(NUMBER, "Hello", request_id="a", **ALERT),
        # Two round trips: of the second one nobody hears.
        "send_many": lambda sms: sms.send_many(
            Message(NUMBER, "Hello", request_id="a" if n == 0 else f"a{n}", **ALERT) for n in range(501)
        ),
        "send_campaign": lambda sms: sms.send_campaign("Hello", [NUMBER], campaign_id="a", **ALERT),
        "preview": lambda sms: sms.preview("Hello"),
    }

    async def awaited():
        async with AsyncProducer(silent, timeout_s=BOUND_S) as sms:
            with pytest.raises(QueueUnavailable) as raised:
                await calls[name](sms)
            return raised.value

    def called():
        with Producer(silent, timeout_s=BOUND_S) as sms, pytest.raises(QueueUnavailable) as raised:
            calls[name](sms)
        return raised.value

    for call in (called, lambda: asyncio.run(awaited())):
        began = time.monotonic()
        error = call()
        took = time.monotonic() - began
        assert BOUND_S * 0.9 < took < BUSY_S
        # What to repeat is told.
        assert name not in {"send", "send_many"} or error.request_ids[0] == "a"
        assert name != "send_campaign" or error.campaign_id == "a"


def test_a_call_that_was_cut_off_by_its_bound_leaves_a_producer_that_works(own_redis_server):
    with Producer(own_redis_server.url, timeout_s=BUSY_S) as other:
        other.send(NUMBER, "Hello b", request_id="b", **ALERT)
    with Producer(own_redis_server.url, timeout_s=BOUND_S) as sms:
        assert sms.status("a") is None
        own_redis_server.suspend()
        with pytest.raises(QueueUnavailable):
            sms.send(NUMBER, "Hello a", request_id="a", **ALERT)
        own_redis_server.resume()
        # No later call reads the answer of that one.
        assert sms.status("b").request_id == "b"
        assert sms.send(NUMBER, "Hello a", request_id="a", **ALERT).request_id == "a"


def test_a_bound_that_cannot_hold_is_refused():
    for wrong in (0, -1, float("inf"), float("nan")):
        for kind in (Producer, AsyncProducer):
            with pytest.raises(ConfigError, match="timeout_s: must be seconds above 0"):
                kind(timeout_s=wrong)
    with (
        connect("redis://127.0.0.1:1") as client,
        pytest.raises(ConfigError, match="no client that is given"),
    ):
        Producer(client=client, timeout_s=1)


def test_no_call_reads_the_answer_of_one_that_was_cut_off(own_redis_server):
    calls = {
        "status": lambda sms: sms.status("a"),
        "send": lambda sms: sms.send(NUMBER, "Hello", request_id="c", **ALERT),
        "cancel": lambda sms: sms.cancel("none"),
        "conversation": lambda sms: sms.conversation(NUMBER),
        "campaign_status": lambda sms: sms.campaign_status("none"),
    }

    async def story():
        async with AsyncProducer(own_redis_server.url) as sms:
            for each in ("a", "b"):
                await sms.send(NUMBER, f"Hello {each}", request_id=each, **ALERT)
            for name, call in calls.items():
                own_redis_server.suspend()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await call(sms)
                own_redis_server.resume()
                assert (await sms.status("b")).request_id == "b", name
            return await sms.send(NUMBER, "Hello", request_id="c", **ALERT), await sms.status("c")

    sent, found = asyncio.run(story())
    # Redis had it before, or has it now: in either case once.
    assert (sent.request_id, sent.state, found.state) == ("c", "queued", "queued")
    with connect(own_redis_server.url) as client:
        assert client.lrange(Keys("sms").queue("alert").ready, 0, -1).count(b"c") == 1


def test_the_page_shows_how_to_wait_for_two_seconds_only(own_redis_server):
    [block] = [each for each in code_blocks() if each.page == PAGE and "state_or_none" in each.code]
    names = {}
    exec(compile(block.code, PAGE, "exec", dont_inherit=True), names)

    async def story():
        async with AsyncProducer(own_redis_server.url) as sms:
            await sms.send(NUMBER, "Hello", request_id="a", **ALERT)
            own_redis_server.suspend()
            assert await names["state_or_none"](sms, "a") is None
            own_redis_server.resume()
            return await names["state_or_none"](sms, "a")

    assert asyncio.run(story()).state == "queued"
