"""What Dramatiq is told of trouble with Redis."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from dramatiq.errors import ConnectionClosed


@contextmanager
def connection_loss() -> Iterator[None]:
    """Report whatever Redis refuses as a lost connection: Dramatiq then waits and tries again."""
    try:
        yield
    except redis.RedisError as error:
        raise ConnectionClosed(type(error).__name__) from None  # type: ignore[no-untyped-call]
