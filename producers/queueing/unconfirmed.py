"""What Redis did not confirm: every failure of its client is one of two errors that say what to do."""

from collections.abc import Sequence
from contextlib import ContextDecorator
from types import TracebackType

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


class Translation(ContextDecorator):
    """Turns every failure of the Redis client within its block into one of ours, carrying the ids at stake.

    A class: every call of a producer enters one, and the block of a generator takes three times as long. One
    may be entered again once it was left, and not within itself.

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

    def __init__(
        self, server: str, timeout_s: float | None, request_ids: Sequence[str], campaign_id: str | None = None
    ) -> None:
        self._server, self._timeout_s = server, timeout_s
        self._request_ids, self._campaign_id = request_ids, campaign_id

    def __enter__(self) -> None:
        self._bound = None if self._timeout_s is None else within(self._timeout_s)
        if self._bound is not None:
            self._bound.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._bound is not None:
            self._bound.__exit__(kind, error, frames)
        if not isinstance(error, (*REDIS_ERRORS, TimeoutError)):
            return
        ids, campaign_id, server = self._request_ids, self._campaign_id, self._server
        if what := what_is_refused(error):
            refusal = QueueRefused if unserved_layout(error) is None else UnservedLayout
            raise refusal(ids, what, campaign_id, server) from error
        raise QueueUnavailable(ids, type(error).__name__, campaign_id, server) from error
