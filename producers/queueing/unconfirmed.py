"""What Redis did not confirm: every failure of its client is one of two errors that say what to do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..contract.outages import unserved_layout, what_is_refused
from ..contract.scripts import REDIS_ERRORS
from ..errors import QueueRefused, QueueUnavailable, UnservedLayout


@contextmanager
def translated(server: str, request_ids: Sequence[str], campaign_id: str | None = None) -> Iterator[None]:
    """Turn every failure of the Redis client into one of ours, carrying the ids at stake.

    Args:
        server: address of Redis without user and password; empty if it is not known.
        request_ids: of the messages whose fate is open.
        campaign_id: the campaign that the call is about.

    Raises:
        UnservedLayout: the data are too new for this release.
        QueueRefused: only a person can mend it.
        QueueUnavailable: any other failure.
    """
    try:
        yield
    except REDIS_ERRORS as error:
        if what := what_is_refused(error):
            kind = QueueRefused if unserved_layout(error) is None else UnservedLayout
            raise kind(request_ids, what, campaign_id, server) from error
        raise QueueUnavailable(request_ids, type(error).__name__, campaign_id, server) from error
