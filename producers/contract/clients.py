"""Redis clients of whoever sends, reads a feed or receives callbacks: explicit time-outs and retries.

Every command of the producers is safe to repeat, so the client itself may repeat one after a lost
connection or answer. Nothing else in the project lets the Redis client retry. All follow a primary that
moves: see `producers.contract.connections`.
"""

from dataclasses import dataclass
from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from .connections import BoundedBackoff, BoundedPool, following
from .connections_async import following_async
from .redis_url import RedisUrl


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a client waits before it gives up.

    Attributes:
        connect_s: seconds to wait for a connection.
        answer_s: seconds to wait for an answer.
        retries: repeats after the first try, with 0.05 to 0.5 s between them.
        repeat_on: failures after which a command is repeated.
    """

    connect_s: float
    answer_s: float
    retries: int
    repeat_on: tuple[type[redis.RedisError], ...] = (redis.ConnectionError, redis.TimeoutError)


#: For an application that sends: rather wait than fail.
SENDING: Final = Timeouts(connect_s=2.0, answer_s=3.0, retries=3)
#: For callbacks: the gateway hangs up after about 1 s, so an answer after that is no answer. One repeat heals
#: a connection that went stale; after a time-out there is no time left for another try.
CALLBACKS: Final = Timeouts(connect_s=0.3, answer_s=0.5, retries=1, repeat_on=(redis.ConnectionError,))

#: Connections per client; further calls wait for a free one instead of failing.
_CONNECTIONS: Final = 64
#: Seconds between two tries: those after the first one, and the most.
_BACKOFF_S: Final = 0.05
_BACKOFF_MAX_S: Final = 0.5


def connect(url: RedisUrl | str, timeouts: Timeouts = SENDING) -> redis.Redis:
    """Make a blocking client; nothing is sent until the first command."""
    backoff = BoundedBackoff(base=_BACKOFF_S, cap=_BACKOFF_MAX_S)
    retry = Retry(backoff, timeouts.retries, timeouts.repeat_on)
    options = {**_options(timeouts), **following(RedisUrl(url))}
    pool = BoundedPool(retry=retry, **options)  # type: ignore[no-untyped-call]
    return redis.Redis.from_pool(pool)


def connect_async(url: RedisUrl | str, timeouts: Timeouts = SENDING) -> redis.asyncio.Redis:
    """Make an asyncio client; nothing is sent until the first command."""
    backoff = ExponentialWithJitterBackoff(base=_BACKOFF_S, cap=_BACKOFF_MAX_S)
    retry = AsyncRetry(backoff, timeouts.retries, timeouts.repeat_on)
    options = {**_options(timeouts), **following_async(RedisUrl(url))}
    return redis.asyncio.Redis.from_pool(redis.asyncio.BlockingConnectionPool(retry=retry, **options))


def _options(timeouts: Timeouts) -> dict[str, Any]:
    return {
        "client_name": "octopush-producer",
        "max_connections": _CONNECTIONS,
        "timeout": timeouts.connect_s + timeouts.answer_s,
        "socket_connect_timeout": timeouts.connect_s,
        "socket_timeout": timeouts.answer_s,
    }
