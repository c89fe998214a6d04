"""The primary under Sentinels is lost while the layout is raised: the data have the old one or the new one.

A worker of a release to come sends what an application of that release queues, which repeats what fails. What
no replica had is forgotten, so in the end the application repeats everything under the same ids.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
import redis

from producers.contract.jobs import LAYOUT
from tests.support.installation import Installation
from tests.support.sentinel_set import SentinelSet, talking_to
from tests.support.waiting import until
from tests.upgrades.conftest import coming  # noqa: F401 - a fixture
from tests.upgrades.releases import NEW_FIELD, PRESENT, Release
from tests.upgrades.street import Street, replace
from worker.operator.layout_decision import raising_layout

pytestmark = pytest.mark.timeout(300)

NEXT = LAYOUT + 1
COUNT = 300
#: Sends all of them, so many seconds apart, and repeats each until it is queued.
APPLICATION = f"""
import sys
import time
from producers import Producer, QueueUnavailable

with Producer.from_env() as sms:
    for n in range({COUNT}):
        number, request_id = f"+336{{31_000_000 + n:08d}}", f"raised-{{n}}"
        while True:
            try:
                sms.send(number, f"Table {{n}}", sender="Bistro", purpose="alert", request_id=request_id)
                break
            except QueueUnavailable:
                time.sleep(0.1)
        time.sleep(float(sys.argv[1]))
"""


class Place:
    """Sentinels, and on them a street with a worker and an application of the release to come."""

    def __init__(self, them: SentinelSet, street: Street, release: Release, ending: ExitStack) -> None:
        self.them, self.street, self.release, self._ending = them, street, release, ending
        self.keys = street.place.keys
        # The first process of an installation gives it the newest layout that it serves.
        older = street.worker(PRESENT)
        until(self.layout)
        self.worker = replace(street, older, release)
        self.application = self.begin_to_send(release, 0.05)
        until(lambda: len(self.delivered()) > 10)

    def begin_to_send(self, release: Release, apart_s: float = 0.0) -> subprocess.Popen[bytes]:
        environ = release.environ(self.street.place.environ)
        process = subprocess.Popen([sys.executable, "-c", APPLICATION, str(apart_s)], env=environ)
        self._ending.callback(process.kill)
        return process

    def delivered(self) -> dict[str, int]:
        return {number: times for (_, number), times in self.street.place.gateway.delivered().items()}

    def raise_layout(self) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "worker.cli", "layout", "raise"]
        environ = self.release.environ(self.street.place.environ)
        return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=120, check=False)

    def layout(self) -> int | None:
        with suppress(redis.RedisError):
            return int(self.street.place.redis.get(self.keys.layout) or 0)
        return None

    def is_written(self, client: redis.Redis) -> bool:
        """Say whether a record of the new layout is there."""
        pattern = self.keys.prefix.replace("{", "[{]").replace("}", "[}]") + "record:*"
        return any(client.hexists(each, NEW_FIELD) for each in client.scan_iter(pattern, count=1_000))


@pytest.fixture
def place(coming: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:  # noqa: F811
    with ExitStack() as ending:
        them = ending.enter_context(SentinelSet(tmp_path_factory.mktemp("redis")))
        installation = Installation(
            tmp_path_factory.mktemp("place"), them.url, worker=False, REDIS_REPLICAS="2"
        )
        street = Street(ending.enter_context(installation), tmp_path_factory.mktemp("street"), ending)
        yield Place(them, street, coming, ending)


def raised_and_kept(place: Place) -> int:
    """The replicas have it when the primary is killed."""
    assert place.raise_layout().returncode == 0
    with talking_to(place.them.primary) as client:
        until(lambda: place.is_written(client))
    place.them.crash()
    return NEXT


def raised_and_forgotten(place: Place) -> int:
    """No replica has it, nor what was written in the new layout, when the primary is killed."""
    before = place.them.primary
    others = [each for each in place.them.servers if each is not before]
    with talking_to(before) as client:
        for each in others:
            each.suspend()
        client.client_kill_filter(_type="slave")
        assert raising_layout(place.keys, "ben", NEXT).run(client) == (NEXT, 0)
        until(lambda: place.is_written(client))
    before.kill()
    for each in others:
        each.resume()
    place.them.wait_for_another_primary_than(before)
    before.start()
    return LAYOUT


def refused_while_there_is_no_primary(place: Place) -> int:
    before = place.them.primary
    before.kill()
    refused = place.raise_layout()
    place.them.wait_for_another_primary_than(before)
    before.start()
    # It may have waited until there was one again.
    assert (refused.returncode == 0) == (until(place.layout) == NEXT), refused.stderr
    return NEXT if refused.returncode == 0 else LAYOUT


@pytest.mark.parametrize(
    "order",
    [raised_and_kept, raised_and_forgotten, refused_while_there_is_no_primary],
    ids=lambda it: it.__name__,
)
def test_the_data_have_one_layout_afterwards_and_nothing_is_lost_or_comes_twice(place: Place, order):
    assert place.layout() == LAYOUT
    expected = order(place)
    assert until(place.layout) == expected
    assert place.application.wait(60) == 0
    place.them.settled()

    if expected == LAYOUT:
        # Nothing of the new layout is left: the older release goes on, and keeps it from being raised.
        older = replace(place.street, place.worker, PRESENT)
        assert not place.is_written(place.street.place.redis)
        assert place.begin_to_send(PRESENT).wait(60) == 0
        until(lambda: len(place.delivered()) == COUNT)
        assert "does not serve layout" in place.raise_layout().stderr
        place.worker = replace(place.street, older, place.release)
        assert place.raise_layout().returncode == 0
    older = place.street.worker(PRESENT)
    assert older.wait() != 0
    assert f"the data have layout {NEXT}, and it serves layouts up to {LAYOUT}." in older.output

    assert place.begin_to_send(place.release).wait(60) == 0
    until(lambda: len(place.delivered()) == COUNT)
    queue = place.keys.queue("alert")
    until(lambda: not place.street.place.redis.zcard(queue.leases))
    assert set(place.delivered().values()) == {1}
