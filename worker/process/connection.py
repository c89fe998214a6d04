"""The worker's Redis client."""

from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from producers.contract.connections import following
from producers.contract.outages import OutageLog
from producers.contract.redis_url import RedisUrl

#: Seconds to wait for Redis to connect and to answer; longer than the longest blocking read (1 s).
REDIS_TIMEOUT_S: Final = 5.0


def connect(url: RedisUrl | str, log: OutageLog | None = None) -> redis.Redis:
    """Make the worker's Redis client: bounded waits, no retries: not every command may be repeated.

    It follows a primary that moves: see `producers.contract.connections`.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        log: told of what its connections meet.
    """
    options = {
        "socket_connect_timeout": REDIS_TIMEOUT_S,
        "socket_timeout": REDIS_TIMEOUT_S,
        "max_connections": 512,
        "client_name": "octopush-worker",
        **following(RedisUrl(url).reveal(), log),
    }
    return redis.Redis.from_pool(redis.ConnectionPool(retry=Retry(NoBackoff(), 0), **options))
