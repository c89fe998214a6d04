"""A primary is replaced by deploy/redis/fail-over.sh while clients write: nothing that was answered is lost.

Half of the writers follow the primary, as all our processes do. The others know nothing but the old primary:
what that answers at the wrong moment is lost.
"""

import itertools
import os
import shutil
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from producers import Producer, QueueUnavailable
from tests.support.installation import new_id, new_number
from tests.support.sentinel_set import SERVICE, SentinelSet
from tests.support.waiting import until

SCRIPT = Path(__file__).parents[2] / "deploy" / "redis" / "fail-over.sh"
CLI = shutil.which("redis-cli") or shutil.which("valkey-cli")

pytestmark = [pytest.mark.timeout(180), pytest.mark.skipif(CLI is None, reason="no redis-cli")]


class Writers:
    """They write until the end.

    Attributes:
        ids: messages whose queueing was answered.
        keys: keys whose write the first primary answered.
    """

    def __init__(self, them):
        self._done = threading.Event()
        self._producer = Producer(redis_url=them.url)
        self._port = them.primary.port
        self._numbers = itertools.count()
        self.ids, self.keys = [], []
        targets = [self._follow] * 4 + [self._stay] * 4
        self._threads = [threading.Thread(target=target) for target in targets]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _follow(self):
        while not self._done.is_set():
            request_id, number = new_id(), new_number()
            while not self._done.is_set():
                try:
                    self._producer.send(number, "Hi", sender="Bistro", purpose="alert", request_id=request_id)
                except QueueUnavailable:
                    continue
                self.ids.append(request_id)
                break

    def _stay(self):
        with redis.Redis(port=self._port, socket_timeout=60) as client:
            for number in self._numbers:
                if self._done.is_set():
                    return
                try:
                    client.set(f"stays:{number}", 1)
                except redis.ResponseError:  # refused
                    self._done.wait(0.01)
                except redis.ConnectionError:  # ended by a Sentinel, or because the server became a replica
                    continue
                else:
                    self.keys.append(f"stays:{number}")

    def lost(self, primary):
        """Name what was answered and is not there."""
        with self._producer, redis.Redis(port=primary.port) as client:
            found = [each for each in self.ids if self._producer.status(each) is None]
            return found + [
                key for key, each in zip(self.keys, client.mget(self.keys), strict=True) if not each
            ]


@pytest.fixture
def slow(tmp_path):
    """Stand for redis-cli at Sentinels that begin a failover late: a pause is over by then."""
    file = tmp_path / "slow-cli"
    file.write_text(f'#!/bin/sh\ncase "$*" in *FAILOVER*) sleep 7 ;; esac\nexec {CLI} "$@"\n')
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize("way", ["the script", "the script, with slow Sentinels", "the tests"])
def test_nothing_that_was_answered_is_lost(tmp_path, slow, way):
    with SentinelSet(tmp_path / "redis") as them, ExitStack() as ending:
        before = them.primary
        writers = ending.enter_context(Writers(them))
        until(lambda: len(writers.ids) > 100 and len(writers.keys) > 100)
        if way == "the tests":
            them.fail_over()
        else:
            told = run(them, slow if "slow" in way else CLI)
            until(lambda: them.primary is not before)  # the Sentinel that is asked here may learn of it last
            assert told == f"the primary was 127.0.0.1 {before.port}, and is 127.0.0.1 {them.primary.port}\n"
        assert them.primary is not before
        so_many = len(writers.ids)
        until(lambda: len(writers.ids) > so_many + 100, 30)
        ending.close()

        assert writers.lost(them.primary) == []
        with redis.Redis(port=before.port) as client:
            assert client.config_get("min-replicas-to-write") == {"min-replicas-to-write": "0"}


def test_a_primary_without_replicas_goes_on_as_it_was(tmp_path):
    """With what it wants of replicas, too: the script is told so by what Redis has."""
    with SentinelSet(tmp_path / "redis") as them:
        primary = them.primary
        with redis.Redis(port=primary.port) as client:
            client.config_set("min-replicas-to-write", 1)
            for each in them.servers:
                if each is not primary:
                    each.kill()
            until(lambda: client.info("replication")["connected_slaves"] == 0)

            with pytest.raises(subprocess.CalledProcessError) as failed:
                run(them, CLI)

            assert failed.value.stderr.startswith("nothing was changed")
            assert client.config_get("min-replicas-to-write") == {"min-replicas-to-write": "1"}
            assert them.primary is primary


def run(them, sentinel_cli):
    """Replace the primary as an operator does; what that prints."""
    words = [str(SCRIPT), "127.0.0.1", str(them.sentinels[0].port), SERVICE]
    environ = {**os.environ, "REDIS_CLI": CLI, "SENTINEL_CLI": sentinel_cli}
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120, env=environ)
    return done.stdout
