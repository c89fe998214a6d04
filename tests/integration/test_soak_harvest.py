"""What the soak by time goes by when records live shorter than it does."""

import time

import redis

from tests.soak.days import Leaps
from tests.soak.endurance.harvest import Harvest
from tests.soak.place import KEYS


def test_an_end_in_doubt_is_read_again_until_it_is_forgotten(own_redis_server):
    with redis.Redis(port=own_redis_server.port) as client:
        harvest = Harvest(client, Leaps(time.time()))
        harvest.expect(["one", "two"])
        for name in ("one", "two"):
            client.hset(KEYS.record(name), "state", "unknown")
        harvest.read()
        # A receipt comes.
        client.hset(KEYS.record("one"), "state", "accepted")
        harvest.read()
        client.delete(KEYS.record("one"), KEYS.record("two"))
        harvest.read()

        assert {name: each.state for name, each in harvest.records.items()} == {
            "one": "accepted",
            "two": "unknown",
        }
        assert harvest.waiting == 0
