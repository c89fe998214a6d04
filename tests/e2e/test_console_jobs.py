"""A replay of all that match survives the death of the console that carries it out."""

from collections import Counter
from contextlib import ExitStack

import httpx
import pytest

from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from tests.support.console_client import OPERATOR, TOKENS
from tests.support.filled import fill
from tests.support.installation import bare_environment
from tests.support.keys import AllKeys
from tests.support.waiting import until
from tests.support.web_server import ConsoleServer
from worker.operator.bulk import Bulk

KEYS = AllKeys()
#: Of a hundred sends three are rejected.
SENDS, REJECTED = 30_000, 900
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def console(redis_url, tmp_path):
    """Start consoles."""
    environ = {**bare_environment(), "REDIS_URL": redis_url, "CONSOLE_TOKENS": TOKENS}
    with ExitStack() as stopping:
        yield lambda name: stopping.enter_context(ConsoleServer(tmp_path / f"{name}.log", environ))


def test_another_console_goes_on_and_no_message_is_sent_again_twice(redis_client, console):
    fill(redis_client, replies=100, sends=SENDS)
    first = console("first")
    with httpx.Client(base_url=first.url, headers=SAME_ORIGIN, trust_env=False, timeout=30) as browser:
        browser.post("/login", data={"token": OPERATOR})
        job = browser.post("/failures/replay", data={"state": "rejected"}).headers["location"]
        assert f"{REJECTED} messages" in browser.get(job).text
        browser.post(f"{job}/begin", data={"x": ""})
    job_id = job.rpartition("/")[2]
    until(lambda: int(redis_client.hget(KEYS.bulk(job_id), "queued") or 0) > 0)

    first.process.kill()
    first.process.wait()
    assert redis_client.hget(KEYS.bulk(job_id), "state") == b"running", "it was killed too late"
    console("second")
    until(lambda: redis_client.hget(KEYS.bulk(job_id), "state") == b"done")

    found = drive(Bulk(RedisSettings()).find(job_id), redis_client)
    assert (found.queued, found.left) == (REJECTED, 0)
    ready = [redis_client.lrange(KEYS.queue(name).ready, 0, -1) for name in ("alert", "marketing")]
    times = Counter(each for some in ready for each in some)
    assert set(times.values()) == {1}
    assert sum(times.values()) == REJECTED + SENDS * 3 // 100
