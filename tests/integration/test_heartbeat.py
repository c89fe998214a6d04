"""Signs of life: each worker process is seen as long as it lives, and no longer."""

import pytest
import redis

from producers.contract.heartbeats import ALIVE_MS, FORGOTTEN_MS, Rules, count_alive, name_worker, rules_of
from producers.contract.keys import Keys
from tests.support.waiting import until
from worker.process import heartbeat
from worker.process.heartbeat import Heartbeat

KEYS = Keys()
RULES = Rules("1", "2026a", "0123456789abcdef")


def now_ms(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return seconds * 1000 + microseconds // 1000


def alive(client: redis.Redis) -> int:
    return count_alive(client.zrange(KEYS.workers, 0, -1, withscores=True), now_ms(client))


def test_a_process_lives_from_its_start_to_its_stop(redis_client):
    one, other = Heartbeat(redis_client, KEYS, RULES), Heartbeat(redis_client, KEYS, RULES)
    one.start()
    other.start()
    assert alive(redis_client) == 2

    one.stop()
    one.stop()

    assert redis_client.zrange(KEYS.workers, 0, -1) == [other.name.encode()]
    other.stop()


def test_a_process_says_again_and_again_that_it_lives(redis_client, monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.01)
    heart = Heartbeat(redis_client, KEYS, RULES)
    heart.start()
    redis_client.zadd(KEYS.workers, {heart.name: 1})

    until(lambda: alive(redis_client) == 1)
    heart.stop()


def test_who_has_said_nothing_for_long_is_dead_and_later_forgotten(redis_client):
    now = now_ms(redis_client)
    silent = {"silent": now - ALIVE_MS - 1, "forgotten": now - FORGOTTEN_MS - 1, "ahead": now + ALIVE_MS * 2}
    redis_client.zadd(KEYS.workers, silent)
    assert alive(redis_client) == 0

    Heartbeat(redis_client, KEYS, RULES).beat()

    assert alive(redis_client) == 1
    assert redis_client.zscore(KEYS.workers, "forgotten") is None
    assert redis_client.zscore(KEYS.workers, "silent") is not None


def test_a_stop_survives_that_redis_is_away(own_redis_server):
    client = redis.Redis(port=own_redis_server.port)
    heart = Heartbeat(client, KEYS, RULES)
    heart.start()
    own_redis_server.kill()

    heart.stop()


@pytest.mark.parametrize(("ago", "lives"), [(0, 1), (ALIVE_MS, 1), (ALIVE_MS + 1, 0)])
def test_a_process_lives_for_twenty_seconds_after_its_last_sign(ago, lives):
    assert count_alive([(b"a", 1_000_000_000_000 - ago)], 1_000_000_000_000) == lives


def test_a_sign_of_life_tells_the_hours_by_which_a_worker_goes():
    other = RULES._replace(tzdata="2026b")
    names = [
        *(name_worker(f"host:{n}:ab", RULES, 1) for n in range(2)),
        name_worker("host:3:cd", other, 1),
        "older",
    ]

    assert rules_of(names) == {RULES: 2, other: 1}
