"""What Redis did not confirm: every failure of its client is one error that says what to repeat."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..contract.scripts import REDIS_ERRORS
from ..errors import QueueUnavailable


@contextmanager
def translated(server: str, request_ids: Sequence[str], campaign_id: str | None = None) -> Iterator[None]:
    """Turn every failure of the Redis client into `QueueUnavailable`, carrying the ids at stake.

    Args:
        server: address of Redis without user and password; empty if it is not known.
        request_ids: of the messages whose fate is open.
        campaign_id: the campaign that the call is about.
    """
    try:
        yield
    except REDIS_ERRORS as error:
        raise QueueUnavailable(request_ids, type(error).__name__, campaign_id, server) from error
