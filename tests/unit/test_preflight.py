"""What a worker says about the Redis it is given."""

import pytest

from worker.process.preflight import judge

GOOD = {
    "redis_version": "7.2.4",
    "maxmemory": 0,
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "role": "master",
}


def test_a_good_server_is_nothing_to_talk_about():
    assert judge(GOOD, 0.5, loads_all=True) == []


@pytest.mark.parametrize(
    ("info", "skew_s", "check", "unsafe", "fatal"),
    [
        ({"redis_version": "6.2.14"}, 0, "version", False, True),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": 1000}, 0, "eviction", True, False),
        ({"aof_enabled": 0}, 0, "persistence", True, False),
        ({"role": "slave"}, 0, "role", False, True),
        ({}, -60, "clock", False, False),
    ],
)
def test_each_danger_is_named(info, skew_s, check, unsafe, fatal):
    [finding] = judge(GOOD | info, skew_s, loads_all=True)
    assert (finding.check, finding.unsafe, finding.fatal) == (check, unsafe, fatal)


def test_a_policy_without_a_limit_evicts_nothing():
    assert judge(GOOD | {"maxmemory_policy": "allkeys-lru"}, 0, loads_all=True) == []


def test_a_server_that_would_not_load_what_scripts_wrote_is_unsafe():
    [finding] = judge(GOOD, 0, loads_all=False)
    assert (finding.check, finding.unsafe) == ("default_user", True)
