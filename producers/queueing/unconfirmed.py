"""What Redis did not confirm: every failure of its client is one error that says what to repeat."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from producers.contract.scripts import REDIS_ERRORS
from producers.errors import QueueUnavailable


@contextmanager
def translated(request_ids: Sequence[str], campaign_id: str | None = None) -> Iterator[None]:
    """Turn every failure of the Redis client into `QueueUnavailable`, carrying the ids at stake."""
    try:
        yield
    except REDIS_ERRORS as error:
        raise QueueUnavailable(request_ids, type(error).__name__, campaign_id) from error
