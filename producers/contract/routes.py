"""Where the primary is: what a connection asks before it connects, and whether it still leads there.

A `Route` belongs to one client and all its connections. Two things tell it that the primary has moved: a
connection that was refused (`moved`), which outdates every connection made before, and, where the place may
change, a look at it about once a second while there is traffic (`Watched`).
"""

import math
import socket
import threading
import time
from contextlib import suppress
from typing import ClassVar, Final

import redis

#: Seconds between two looks at where the primary is.
LOOK_S: Final = 1.0

#: The other end of a connection: numeric address and port.
Peer = tuple[str, int]


class Route:
    """A place that never changes: a numeric address, or a socket file. Thread-safe, like all its kind."""

    #: Whether `address` asks other servers, and so may take a while.
    ASKS: ClassVar[bool] = False

    def __init__(self) -> None:
        self._moved_s = 0.0

    def address(self, within_s: float | None = None) -> tuple[str, int] | None:  # noqa: ARG002 - for routes that ask
        """Say where to connect now: host and port; None leaves it to the URL.

        Called before each new connection.

        Args:
            within_s: seconds that asking may take; None leaves that to the route.

        Raises:
            redis.ConnectionError: nobody knows at the moment.
        """
        return None

    def is_stale(self) -> bool:
        """Say whether nobody has looked for so long that `refresh` should come before the next command."""
        return False

    def refresh(self, within_s: float | None = None) -> None:
        """Look now, and wait for it; arguments as of `address`. A look that fails changes nothing."""

    def moved(self) -> None:
        """Note that a server refused what only a primary does: connections made until now are outdated."""
        self._moved_s = time.monotonic()

    def outdates(self, peer: Peer | None, since_s: float) -> bool:  # noqa: ARG002 - for routes that look
        """Say whether a connection should be left. Never waits for anything.

        Args:
            peer: the other end; None if unknown.
            since_s: when the connection was begun, by `time.monotonic`.
        """
        return since_s < self._moved_s


class Watched(Route):
    """A place that may change: a thread looks at it about once a second while there is traffic."""

    def __init__(self) -> None:
        super().__init__()
        self._began_s = -math.inf
        self._looker: threading.Thread | None = None
        #: When the last look that found something began, and what it found.
        self._seen: tuple[float, frozenset[Peer]] = (0.0, frozenset())

    def look(self) -> frozenset[Peer]:
        """Find the numeric addresses of the primary.

        Raises:
            OSError: nobody answers.
            redis.RedisError: the same.
        """
        raise NotImplementedError

    def outdates(self, peer: Peer | None, since_s: float) -> bool:
        """Say whether the primary has moved since the connection was begun."""
        self._look_now_and_then()
        seen_s, found = self._seen
        return super().outdates(peer, since_s) or (
            since_s < seen_s and peer is not None and peer not in found
        )

    def _look_now_and_then(self) -> None:
        now = time.monotonic()
        if now < self._began_s + LOOK_S or (self._looker is not None and self._looker.is_alive()):
            return
        self._began_s = now
        # The answer may take long, so nobody waits for it. The thread ends, so a fork misses none.
        self._looker = threading.Thread(target=self._look, args=(now,), name="redis-route", daemon=True)
        with suppress(RuntimeError):  # the interpreter is shutting down
            self._looker.start()

    def _look(self, now: float) -> None:
        """Look; ``now`` is when that began."""
        # Without an answer the last answer stays valid: nothing says that the primary has moved.
        with suppress(OSError, redis.RedisError):
            self._seen = (now, self.look())


class Name(Watched):
    """A host name, which may lead elsewhere tomorrow.

    Args:
        host: the name.
        port: the port.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._host, self._port = host, port

    def address(self, within_s: float | None = None) -> tuple[str, int]:  # noqa: ARG002 - it knows the name
        """Say the name: whoever connects looks it up afresh."""
        return self._host, self._port

    def look(self) -> frozenset[Peer]:
        """Look the name up."""
        return addresses(self._host, self._port)


def addresses(host: str, port: int) -> frozenset[Peer]:
    """List the numeric addresses of a host name.

    Raises:
        OSError: the name is unknown, or nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return frozenset((str(each[4][0]), port) for each in found)
