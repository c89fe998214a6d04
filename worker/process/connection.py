"""The worker's Redis client."""

from typing import Final

import redis
import tenacity
from redis.backoff import NoBackoff
from redis.retry import Retry

from producers.contract.connections import following
from producers.contract.outages import OutageLog, what_is_refused
from producers.contract.redis_url import RedisUrl

#: Seconds to wait for Redis to connect and to answer; longer than the longest blocking read (1 s).
REDIS_TIMEOUT_S: Final = 5.0


def waits_for_redis() -> tenacity.Retrying:
    """Make the loop in which a process that starts waits for Redis: for ever, with back-off up to 5 s.

    What only a person can mend is raised.
    """
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(
            lambda error: isinstance(error, redis.RedisError) and what_is_refused(error) is None
        ),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5.0),
    )


def connect(url: RedisUrl | str, log: OutageLog | None = None) -> redis.Redis:
    """Make the worker's Redis client. It retries nothing, since not every command may be repeated.

    All its waits are bounded, and it follows a primary that moves: see `producers.contract.connections`.

    Args:
        url: a server, Sentinels or a cluster.
        log: told when Redis is away, and when it is back.
    """
    options = {
        "socket_connect_timeout": REDIS_TIMEOUT_S,
        "socket_timeout": REDIS_TIMEOUT_S,
        "max_connections": 512,
        "client_name": "octopush-worker",
        **following(RedisUrl(url), log),
    }
    return redis.Redis.from_pool(redis.ConnectionPool(retry=Retry(NoBackoff(), 0), **options))
