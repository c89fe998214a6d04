"""What Redis did not confirm: every failure of its client is one of two errors that say what to do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from ..contract.connections import within
from ..contract.outages import unserved_layout, what_is_refused
from ..contract.scripts import REDIS_ERRORS
from ..errors import ConfigError, QueueRefused, QueueUnavailable, UnservedLayout


def checked_bound(timeout_s: float | None, client: object) -> float | None:
    """Return how long a call of a producer may take, as its application has said.

    Raises:
        ConfigError: it is no time, or the application has brought a client, whose own time-outs count.
    """
    if timeout_s is None:
        return None
    if client is not None:
        raise ConfigError({"timeout_s": "bounds no client that is given: set the time-outs of that client"})
    if not 0 < timeout_s < float("inf"):
        raise ConfigError({"timeout_s": "must be seconds above 0"})
    return timeout_s


@contextmanager
def translated(
    server: str, timeout_s: float | None, request_ids: Sequence[str], campaign_id: str | None = None
) -> Iterator[None]:
    """Turn every failure of the Redis client into one of ours, carrying the ids at stake.

    Args:
        server: address of Redis without user and password; empty if it is not known.
        timeout_s: seconds that blocking connections may take within the block; None for their own time-outs.
        request_ids: of the messages whose fate is open.
        campaign_id: the campaign that the call is about.

    Raises:
        UnservedLayout: the data are too new for this release.
        QueueRefused: only a person can mend it.
        QueueUnavailable: any other failure, also that the time of an event loop's call is over.
    """
    try:
        with nullcontext() if timeout_s is None else within(timeout_s):
            yield
    except (*REDIS_ERRORS, TimeoutError) as error:
        if what := what_is_refused(error):
            kind = QueueRefused if unserved_layout(error) is None else UnservedLayout
            raise kind(request_ids, what, campaign_id, server) from error
        raise QueueUnavailable(request_ids, type(error).__name__, campaign_id, server) from error
