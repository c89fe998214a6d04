"""What every connection of ours does to find a moved primary again, blocking or not.

A connection asks its `Route` where to connect. When the server says that it is not the primary (a replica
since a minute ago, another node of a cluster, or it ends a blocking read because its role has changed), the
connection closes and raises a lost connection. Whoever repeats after a lost connection, and everything here
does, thereby asks the route again. Without this a client would stay on a demoted server for ever: that server
refuses every write, but the connection itself is healthy.

A demoted server still answers reads, from what it knows: they are stale until a write is refused.
"""

from typing import Any, Final

import redis
from redis import exceptions

from .routes import Peer, Route

#: Answers of a server that is not the primary of what it was asked for.
_REFUSALS: Final = (
    exceptions.ReadOnlyError,
    exceptions.AskError,  # and MovedError
    exceptions.ClusterDownError,  # and MasterDownError
    exceptions.TryAgainError,
)
#: A blocking read has ended because the server became a replica, or because its stream was deleted.
_UNBLOCKED: Final = "UNBLOCKED "


class NotPrimaryError(redis.ConnectionError):
    """The server does not, or no longer, answer for our keys; the next connection asks the route."""


#: The class that a mixin extends; blocking and asyncio connections have different ones.
_Mixed: Any = object


class Follower(_Mixed):  # type: ignore[misc]
    """What blocking and asyncio connections share; mixed into redis-py's.

    Args:
        route: where to connect; that of all connections of the pool.
    """

    def __init__(self, *args: Any, route: Route, **options: Any) -> None:
        self._route = route
        self._peer: Peer | None = None
        self._begun_s = 0.0
        #: A connection is not left while it introduces itself: its user has asked for nothing yet.
        self._introducing = False
        super().__init__(*args, **options)

    def _begin(self, address: tuple[str, int] | None, asked_s: float) -> None:
        """Note where to connect.

        Args:
            address: what the route said.
            asked_s: when it was asked: what it says later may be newer.
        """
        if address is not None:
            self.host, self.port = address
        self._begun_s = asked_s

    def _arrive(self, peer: object) -> None:
        """Note who is at the other end; a socket file has no address."""
        self._peer = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None

    def _asks_first(self) -> bool:
        return not self._introducing and self._route.is_stale()

    def _is_outdated(self) -> bool:
        return not self._introducing and self._route.outdates(self._peer, self._begun_s)

    def _lost(self, error: redis.ResponseError) -> NotPrimaryError:
        self._route.moved()
        return NotPrimaryError(str(error))


def is_refusal(error: Exception) -> bool:
    """Say whether a server answered that it is not the primary."""
    return isinstance(error, _REFUSALS) or str(error).startswith(_UNBLOCKED)
