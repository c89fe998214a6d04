"""Clients for the enqueue side: explicit time-outs and retries, no surprises.

Every command of the producers is safe to repeat, so the client itself may repeat one after a lost
connection or answer. Nothing else in the project lets the Redis client retry.
"""

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

#: Seconds to wait for a connection and for an answer.
_TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 2.0, "socket_timeout": 3.0}
#: Repeats after the first try, with 0.05 to 0.5 s between them.
_RETRIES = 3


def connect(url: str) -> redis.Redis:
    """Make a blocking client; nothing is sent until the first command."""
    retry = Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), _RETRIES)
    return redis.Redis.from_url(url, retry=retry, client_name="octopush-producer", **_TIMEOUTS)


def connect_async(url: str) -> redis.asyncio.Redis:
    """Make an asyncio client; nothing is sent until the first command."""
    retry = AsyncRetry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), _RETRIES)
    return redis.asyncio.Redis.from_url(url, retry=retry, client_name="octopush-producer", **_TIMEOUTS)
